import { createHmac, randomBytes } from 'node:crypto'
import { decode } from './jwt.js'
import type { Keys } from './keys.js'

/** A token that a server has to refuse. */
export interface Forgery {
  readonly name: 'tampered' | 'unsigned' | 'other-key' | 'public-key-as-secret' | 'expired'
  /** What is wrong with it, in words that fit after "a token". */
  readonly what: string
  readonly token: string
}

/**
 * Forgeries of a token, by the attacks that RFC 8725 names. An opaque token can only be changed; what needs a key that signs is left
 * out where the config has none.
 */
export async function forge(token: string, keys: Keys | null, now = Date.now()): Promise<Forgery[]> {
  const decoded = decode(token)
  if (!decoded) return [{ name: 'tampered', what: 'that was changed', token: changed(token) }]
  const { claims } = decoded
  // What must be understood can't be signed by whoever does not.
  const { crit, ...header } = decoded.header
  const [head, , signature] = token.split('.')
  const hmac = (secret: string | Buffer, algorithm: string) => {
    const signed = `${encoded({ ...header, alg: algorithm })}.${encoded(claims)}`
    return `${signed}.${createHmac(`sha${algorithm.slice(2)}`, secret)
      .update(signed)
      .digest('base64url')}`
  }
  const withOtherKey = async () => {
    if (/^HS(256|384|512)$/.test(header.alg)) return hmac(randomBytes(64), header.alg)
    if (!/^(RS|PS|ES|Ed)/.test(header.alg)) return hmac(randomBytes(64), 'HS256')
    const jose = await import('jose')
    const { privateKey } = await jose.generateKeyPair(header.alg)
    return new jose.SignJWT(claims).setProtectedHeader(header).sign(privateKey)
  }
  const second = Math.floor(now / 1000)

  return [
    {
      name: 'tampered',
      what: 'whose claims were changed',
      token: `${head}.${encoded({ ...claims, changed: true })}.${signature}`,
    },
    {
      name: 'unsigned',
      what: 'that says it needs no signature (alg none)',
      token: `${encoded({ ...header, alg: 'none' })}.${encoded(claims)}.`,
    },
    { name: 'other-key', what: 'signed with another key', token: await withOtherKey() },
    ...(keys?.publicKey
      ? [
          {
            name: 'public-key-as-secret' as const,
            what: 'signed with the public key as if it were a secret',
            token: hmac(keys.publicKey, 'HS256'),
          },
        ]
      : []),
    ...(keys?.sign
      ? [
          {
            name: 'expired' as const,
            what: 'that has expired',
            token: await keys.sign(
              { ...claims, iat: second - 7200, exp: second - 3600 },
              { ...header, alg: keys.algorithm },
            ),
          },
        ]
      : []),
  ]
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

/** Another character in the middle: the last one of a base64 text may hold bits that nobody reads. */
function changed(token: string): string {
  const at = Math.floor(token.length / 2)
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
}
