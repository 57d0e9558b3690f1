import type { CryptoKey, JWTHeaderParameters, JWTPayload, JWTVerifyGetKey } from 'jose'
import type { Given } from '../config/given.js'
import { milliseconds } from '../values/text.js'

/** What came of verifying a token. */
export type Verification =
  | { readonly outcome: 'valid'; readonly claims: JWTPayload }
  | { readonly outcome: 'refused'; readonly fault: TokenFault; readonly text: string }

export type TokenFault =
  | 'malformed'
  | 'algorithm'
  | 'critical'
  | 'signature'
  | 'no-matching-key'
  | 'expired'
  | 'not-yet-valid'
  | 'issuer'
  | 'audience'
  | 'claim'

/** A token taken apart, nothing of it believed. */
export interface Decoded {
  readonly header: JWTHeaderParameters
  readonly claims: JWTPayload
}

/** Longer than any header that a server accepts, in characters. */
const longest = 16_384

/** What verifies: a key, or a way to find it in a set. */
export type Verifier = CryptoKey | Uint8Array | JWTVerifyGetKey

/** Takes a token apart without verifying it; null where it is no JSON Web Token (RFC 7519). */
export function decode(token: string): Decoded | null {
  if (token.length > longest) return null
  const parts = /^([\w-]+)\.([\w-]+)\.[\w-]*$/.exec(token)
  // A line break after the last part would be let pass by the pattern's end, and by many verifiers.
  if (!parts || /\s/.test(token)) return null
  const header = parsed(parts[1] ?? '')
  const claims = parsed(parts[2] ?? '')
  return typeof header?.alg === 'string' && claims ? { header: { ...header, alg: header.alg }, claims } : null
}

function parsed(part: string): Record<string, unknown> | null {
  try {
    const value = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}

/** Verifies a token's signature, algorithm and claims as the config says, at a moment in milliseconds since 1970. */
export async function verify(
  token: string,
  key: Verifier,
  algorithm: string,
  { issuer, audience, tolerance }: Given['jwt'],
  now: number,
): Promise<Verification> {
  const refused = (fault: TokenFault, text: string): Verification => ({ outcome: 'refused', fault, text })
  const decoded = decode(token)
  if (!decoded) return refused('malformed', 'it is no JSON Web Token')
  const { alg } = decoded.header
  if (alg !== algorithm) return refused('algorithm', `its algorithm is ${alg.slice(0, 20)}, not ${algorithm}`)
  const jose = await import('jose')
  const options = {
    algorithms: [algorithm],
    clockTolerance: tolerance / 1000,
    currentDate: new Date(now),
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  }
  try {
    const { payload } = await jose.jwtVerify(token, key as JWTVerifyGetKey, options)
    return { outcome: 'valid', claims: payload }
  } catch (error) {
    const { code, claim, reason } = error as { code?: string; claim?: string; reason?: string }
    switch (code) {
      case 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED':
        return refused('signature', 'its signature was made with another key')
      case 'ERR_JWKS_NO_MATCHING_KEY':
      case 'ERR_JWKS_MULTIPLE_MATCHING_KEYS':
        return refused('no-matching-key', 'no key of the set fits it')
      case 'ERR_JWT_EXPIRED':
        return refused('expired', 'it has expired')
      case 'ERR_JWT_CLAIM_VALIDATION_FAILED':
        return refused(faultOf(claim), claimFault(claim ?? '', reason, decoded.claims, now))
      case 'ERR_JOSE_NOT_SUPPORTED':
        return refused('critical', criticalFault(decoded.header))
      default:
        return refused('malformed', 'it cannot be verified')
    }
  }
}

/** What is wrong with a claim: https://www.rfc-editor.org/rfc/rfc7519#section-4.1. */
function claimFault(claim: string, reason: string | undefined, claims: JWTPayload, now: number): string {
  const value = claims[claim]
  if (value === undefined) return `it has no claim "${claim}"`
  if (reason === 'invalid') return `its claim "${claim}" is no number of seconds (RFC 7519, section 2)`
  if (claim === 'nbf' && typeof value === 'number')
    return `it is not valid before ${milliseconds(value * 1000 - now)} from now ("nbf")`
  return `its claim "${claim}" is not what the config says`
}

/** The extensions that a token says must be understood (RFC 7515, section 4.1.11). */
function criticalFault({ crit }: JWTHeaderParameters): string {
  const names = Array.isArray(crit) ? crit.map((name) => `"${String(name).slice(0, 40)}"`).join(', ') : 'nothing'
  return `its header says that ${names} must be understood ("crit"), and nobody here does`
}

function faultOf(claim: string | undefined): TokenFault {
  switch (claim) {
    case 'iss':
      return 'issuer'
    case 'aud':
      return 'audience'
    case 'nbf':
      return 'not-yet-valid'
    default:
      return 'claim'
  }
}
