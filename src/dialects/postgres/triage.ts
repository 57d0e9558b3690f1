import type { Failure, UnopenedOutcome } from '../dialect.js'

/** What pg throws: a DatabaseError with the server's SQLSTATE, a system error with its code, or pg's own words alone. */
interface PgError extends Error {
  readonly code?: string
}

type Rule = readonly [code: RegExp, text: RegExp | null, outcome: UnopenedOutcome]

/** Situations of a connection by code, then by text where the code says too little. The first that fits. */
const openings: readonly Rule[] = [
  [/^08P01$/, /password authentication failed|SASL authentication failed|no such user/i, 'denied'],
  [/^08P01$/, /no such database/i, 'no-such-database'],
  [/^08P01$/, /no more connections allowed/i, 'too-many-connections'],
  [/^08P01$/, /query_wait_timeout|server (login|conn)|connect failed/i, 'refused'],
  [/^(ECONNREFUSED|ENOENT|EHOSTUNREACH|ENETUNREACH)$/, null, 'refused'],
  [/^(ENOTFOUND|EAI_AGAIN)$/, null, 'unresolved'],
  [/^(ECONNRESET|EPIPE)$/, /secure TLS connection/, 'tls'],
  [/^(ECONNRESET|EPIPE)$/, null, 'closed'],
  [/^(ETIMEDOUT)$/, null, 'timeout'],
  [/^(28P01|28000)$/, null, 'denied'],
  [/^42501$/, null, 'denied'],
  [/^(3D000|55000)$/, null, 'no-such-database'],
  [/^53300$/, null, 'too-many-connections'],
  [/^57P03$/, null, 'starting'],
  [/^(EPROTO|CERT_|DEPTH_|ERR_TLS|ERR_SSL|SELF_SIGNED|UNABLE_TO)/, null, 'tls'],
  [/^$/, /^(timeout expired|Connection terminated due to connection timeout)/, 'timeout'],
  [/^$/, /SSL/, 'tls'],
  [/^$/, /client password must be a string|SASL/, 'denied'],
  [/^$/, /received invalid response/, 'wrong-service'],
  [/^$/, /Connection terminated/, 'closed'],
]

/** What a failed connection means. Nothing that is not in the table is guessed at: it is `other`, with its code and text. */
export function triage(error: unknown): { outcome: UnopenedOutcome; code: string; text: string } {
  const { code = '', message } = innermost(error)
  const rule = openings.find(([codes, text]) => codes.test(code) && (text === null || text.test(message)))
  return { outcome: rule?.[2] ?? 'other', code, text: message }
}

/** SQLSTATEs (https://www.postgresql.org/docs/current/errcodes-appendix.html) that say why nobody could look, or that what was looked at is ill. */
const failures: readonly (readonly [RegExp, Failure['reason']])[] = [
  [/^42501$/, 'no-permission'],
  [/^(57P0[1-5]|08...|25P03|ECONNRESET|EPIPE)$/, 'blocked'],
  [/^57014$/, 'deadline'],
  [/^(XX...|58P01|58030)$/, null],
  [/^[0-9A-Z]{5}$/, 'unavailable'],
]

/** What a failed statement means; null where the error is not the server's, and so a bug of ours. */
export function classify(error: unknown): Failure | null {
  const { code = '', message } = innermost(error)
  const lost = /^(Connection terminated|Client has encountered a connection error|Query read timeout)/.test(message)
  const known = lost ? (['', 'blocked'] as const) : failures.find(([codes]) => codes.test(code))
  return known ? { outcome: 'failed', reason: known[1], code, text: message } : null
}

/** A host name with several addresses fails with all their errors in one: the first one speaks for them. */
function innermost(error: unknown): PgError {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return error.errors[0]
  return error instanceof Error ? error : new Error(String(error))
}
