import type { CryptoKey, JWK, JWTHeaderParameters, JWTPayload } from 'jose'
import type { Given } from '../config/given.js'
import { Stop } from '../contracts/limits.js'
import type { Http } from './http.js'
import { type Verification, type Verifier, verify } from './jwt.js'

/** What came of loading the keys of the config. */
export type Loading = { readonly outcome: 'loaded'; readonly keys: Keys } | Unusable

export interface Unusable {
  readonly outcome: 'unusable'
  readonly fault: 'not-a-key' | 'too-short' | 'wrong-kind' | 'unreachable'
  /** What is wrong with it, in words that fit after "the configured key"; never the key. */
  readonly text: string
}

/** Keys that sign and verify as the config says. */
export interface Keys {
  readonly algorithm: string
  /** How a key that works falls short of what its algorithm asks for; null where it does not. */
  readonly weakness: string | null
  /** Signs claims; null where the config has a public key alone. */
  readonly sign: ((claims: JWTPayload, header?: Partial<JWTHeaderParameters>) => Promise<string>) | null
  /** Verifies a token's signature and claims, at a moment in milliseconds since 1970. */
  readonly verify: (token: string, now?: number) => Promise<Verification>
  /** The public key's text, to forge with; null for a secret. */
  readonly publicKey: string | null
}

/** Loads the keys of the config: a secret, PEM, a JWK, or a JWK set in place or at a URL. Never throws for what is wrong with them. */
export async function loadKeys(config: Given['jwt'], http: Http): Promise<Loading> {
  const jose = await import('jose')
  const unusable = (fault: Unusable['fault'], text: string): Unusable => ({ outcome: 'unusable', fault, text })

  const keysOf = (
    algorithm: string,
    verifying: Verifier,
    signing: Signer | null,
    publicKey: string | null,
    weakness: string | null = null,
  ): Loading => ({
    outcome: 'loaded',
    keys: {
      algorithm,
      weakness,
      publicKey,
      sign:
        signing &&
        ((claims, header) =>
          new jose.SignJWT(claims).setProtectedHeader({ alg: algorithm, typ: 'JWT', ...header }).sign(signing)),
      verify: (token, now = Date.now()) => verify(token, verifying, algorithm, config, now),
    },
  })

  if (config.secret !== undefined) {
    const algorithm = config.algorithm ?? 'HS256'
    if (!algorithm.startsWith('HS')) return unusable('wrong-kind', `is a secret, and ${algorithm} needs a key pair`)
    const secret = Buffer.from(config.secret, config.secretEncoding)
    // RFC 7518, section 3.2: no shorter than the hash.
    const least = Number(algorithm.slice(2)) / 8
    if (secret.length === 0) return unusable('too-short', 'is empty')
    const weakness =
      secret.length < least
        ? `has ${secret.length} bytes, and ${algorithm} asks for ${least} (RFC 7518, section 3.2)`
        : null
    return keysOf(algorithm, secret, secret, null, weakness)
  }

  try {
    if (config.jwks !== undefined) {
      const loaded = await loadSet(config.jwks, http)
      if (typeof loaded === 'string') return unusable('unreachable', loaded)
      const algorithm = config.algorithm ?? loaded.keys.map(algorithmOf).find(Boolean) ?? 'RS256'
      const signer = config.privateKey === undefined ? null : await importKey(config.privateKey, algorithm)
      const [first] = loaded.keys.filter(({ kty }) => kty !== 'oct')
      const shown = first ? await publicHalf(JSON.stringify(first)) : null
      return keysOf(algorithm, jose.createLocalJWKSet(loaded), signer?.key ?? null, shown)
    }
    const { privateKey, publicKey } = config
    const signer = privateKey === undefined ? null : await importKey(privateKey, config.algorithm)
    const verifier = publicKey === undefined ? await publicHalf(privateKey ?? '') : publicKey
    const { key, algorithm } = await importKey(verifier, config.algorithm ?? signer?.algorithm)
    if (signer && signer.kind !== 'private')
      return unusable('wrong-kind', 'is called private in the config, and is not')
    return keysOf(algorithm, key, signer?.key ?? null, await publicHalf(verifier))
  } catch (error) {
    if (error instanceof Stop) throw error
    return error instanceof KeyFault
      ? unusable(error.fault, error.message)
      : unusable(
          'not-a-key',
          `cannot be read as PEM, JWK or JWK set, or does not fit ${config.algorithm ?? 'its algorithm'}`,
        )
  }
}

class KeyFault extends Error {
  readonly fault: Unusable['fault']

  constructor(fault: Unusable['fault'], message: string) {
    super(message)
    this.fault = fault
  }
}

type Signer = CryptoKey | Uint8Array

/** Imports a PEM or JWK text for an algorithm; left out, the one that its kind of key is used for. */
async function importKey(text: string, wanted: string | undefined) {
  const jose = await import('jose')
  const { createPublicKey, createPrivateKey } = await import('node:crypto')
  const jwk = text.trimStart().startsWith('{') ? (JSON.parse(text) as JWK) : null
  const isPrivate = jwk ? jwk.d !== undefined : /PRIVATE KEY/.test(text)
  const node = isPrivate
    ? createPrivateKey(jwk ? { key: jwk as never, format: 'jwk' } : text)
    : createPublicKey(jwk ? { key: jwk as never, format: 'jwk' } : text)
  const algorithm = wanted ?? algorithmOf(node.export({ format: 'jwk' }) as JWK)
  if (algorithm === undefined)
    throw new KeyFault('wrong-kind', `is of a kind that signs no tokens (${node.asymmetricKeyType})`)
  if (algorithm.startsWith('HS'))
    throw new KeyFault('wrong-kind', `is a key of a pair, and ${algorithm} needs a secret`)
  const bits = node.asymmetricKeyDetails?.modulusLength
  if (bits !== undefined && bits < 2048)
    throw new KeyFault('too-short', `has ${bits} bits, and ${algorithm} needs 2048 (RFC 7518, section 3.3)`)
  const key = (await jose.importJWK(node.export({ format: 'jwk' }) as JWK, algorithm)) as CryptoKey
  return { key, algorithm, kind: isPrivate ? ('private' as const) : ('public' as const) }
}

/** The public key of a pair, of which either half may be given, as the PEM text that servers keep in a file. */
async function publicHalf(half: string): Promise<string> {
  const { createPublicKey } = await import('node:crypto')
  const jwk = half.trimStart().startsWith('{')
  const key = createPublicKey(jwk ? { key: JSON.parse(half), format: 'jwk' } : half)
  return key.export({ type: 'spki', format: 'pem' }).toString()
}

/** The algorithm of RFC 7518 or RFC 8037 that a key names, or that its kind is used for. */
function algorithmOf({ alg, kty, crv }: JWK): string | undefined {
  if (alg !== undefined) return alg
  if (kty === 'RSA') return 'RS256'
  if (kty === 'OKP') return crv === 'Ed25519' ? 'EdDSA' : undefined
  return { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' }[crv ?? '']
}

/** A JWK set (RFC 7517, section 5) in place, on the API server or at a URL; a text says why there is none. */
async function loadSet(source: string, http: Http): Promise<{ keys: JWK[] } | string> {
  const inPlace = source.trimStart().startsWith('{')
  const answer = inPlace ? null : await http.get(source)
  if (answer && answer.outcome !== 'answered') return `is a JWK set at ${answer.url}, which ${answer.text}`
  if (answer && answer.status !== 200) return `is a JWK set at ${answer.url}, which answers with ${answer.status}`
  try {
    const set = JSON.parse(answer ? answer.body : source) as { keys: JWK[] }
    if (Array.isArray(set.keys)) return set
  } catch {
    // The same sentence as for any other document that is no set.
  }
  return `${answer ? `at ${answer.url} ` : ''}is not a JWK set (RFC 7517)`
}
