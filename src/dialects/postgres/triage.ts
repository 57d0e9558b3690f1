import type { Failure, UnopenedOutcome } from '../dialect.js'

/** What pg throws: a DatabaseError with the server's SQLSTATE, a system error with its code, or pg's own words alone. */
interface PgError extends Error {
  readonly code?: string
  readonly severity?: string
  /** Where in the server's sources it was raised. */
  readonly file?: string
}

type Rule = readonly [code: RegExp, text: RegExp | null, outcome: UnopenedOutcome]

/**
 * Situations of a connection by code, then by text where the code says too little. The first that fits. A server may speak another
 * language than English: each code has an outcome that its text is not needed for. 08P01 is how PgBouncer says everything.
 */
const openings: readonly Rule[] = [
  [/^08P01$/, /password authentication failed|SASL authentication failed|no such user/i, 'password-rejected'],
  [/^08P01$/, /no such database/i, 'no-such-database'],
  [/^08P01$/, /no more connections allowed/i, 'pooler-full'],
  [/^08P01$/, /query_wait_timeout/i, 'pool-full'],
  [/^08P01$/, /server (login|conn)|connect failed|server_login_retry/i, 'behind-pooler'],
  // Supavisor's own words.
  [/^XX000$/, /tenant or user not found/i, 'unknown-to-pooler'],
  [/^(XX000|53300)$/, /max ?clients|max client connections/i, 'pooler-full'],
  [/^(XX000|08006)$/, /unable to check out|pool (checkout )?timeout|checkout.*timed? ?out/i, 'pool-full'],
  [/^08P01$/, /unsupported (startup parameter|parameter)|startup parameter/i, 'bad-setting'],
  [/^ECONNREFUSED$/, /\.s\.PGSQL\.\d+$/, 'stale-socket'],
  [/^ECONNREFUSED$/, null, 'refused'],
  [/^ENOENT$/, null, 'no-socket'],
  [/^(EACCES|EPERM)$/, null, 'socket-denied'],
  [/^(EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL)$/, null, 'unreachable'],
  [/^(ENOTFOUND|EAI_AGAIN|EAI_FAIL|EAI_NODATA|EAI_NONAME)$/, null, 'unresolved'],
  [/^(ECONNRESET|EPIPE)$/, /secure TLS connection/, 'tls'],
  [/^(ECONNRESET|EPIPE)$/, null, 'reset'],
  [/^ETIMEDOUT$/, null, 'unreachable'],
  [/^28P01$/, null, 'password-rejected'],
  [/^28000$/, /^(Peer|Ident) authentication failed/, 'not-mapped'],
  [/^28000$/, /pg_hba\.conf/, 'not-admitted'],
  [/^28000$/, /is not permitted to log in/, 'no-login'],
  [/^28000$/, /^role ".*" does not exist$/, 'no-such-role'],
  [/^(28000|42501)$/, null, 'denied'],
  [/^3D000$/, null, 'no-such-database'],
  [/^55000$/, null, 'database-closed'],
  [/^53300$/, /^too many connections for role/i, 'role-limit'],
  [/^53300$/, /^too many connections for database/i, 'database-limit'],
  [/^53300$/, null, 'too-many-connections'],
  [/^57P03$/, /shutting down/, 'shutting-down'],
  [/^57P03$/, /in recovery mode/, 'recovering'],
  [/^57P03$/, /starting up/, 'starting'],
  [/^57P03$/, /not (yet )?accepting connections/, 'not-consistent'],
  [/^57P03$/, null, 'starting'],
  [/^(57P01|57P02)$/, null, 'shutting-down'],
  [/^(22023|42704|22P02)$/, null, 'bad-setting'],
  [/^57014$/, /statement timeout/, 'statement-timeout'],
  [/^53100$/, null, 'disk-full'],
  [/^53200$/, null, 'out-of-memory'],
  [/^(EPROTO|CERT_|DEPTH_|ERR_TLS|ERR_SSL|SELF_SIGNED|UNABLE_TO)/, null, 'tls'],
  [/^$/, /^(timeout expired|Connection terminated due to connection timeout)/, 'silent'],
  [/^$/, /does not support SSL/, 'no-tls'],
  [/^$/, /SSL/, 'tls'],
  [/^$/, /client password must be a string/, 'no-password'],
  [/^$/, /SASL/, 'password-rejected'],
  [/^$/, /received invalid response/, 'wrong-service'],
  [/^$/, /Connection terminated/, 'closed'],
]

/** What a failed connection means. Nothing that is not in the table is guessed at: it is `other`, with its code and text. */
export function triage(error: unknown): { outcome: UnopenedOutcome; code: string; text: string } {
  const { code = '', message } = innermost(error)
  const rule = openings.find(([codes, text]) => codes.test(code) && (text === null || text.test(message)))
  return { outcome: rule?.[2] ?? 'other', code, text: wording(message) }
}

/** OpenSSL's words for what has a name: https://docs.openssl.org/3.0/man3/SSL_get_error/. */
function wording(message: string): string {
  const reason = /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? ''
  if (/unsupported protocol|protocol version|no protocols available/.test(`${reason} ${message}`))
    return 'the two have no version of TLS in common'
  if (/wrong version number/.test(reason)) return 'it does not answer in TLS'
  return reason || message
}

/** SQLSTATEs (https://www.postgresql.org/docs/current/errcodes-appendix.html) that say why nobody could look, or that what was looked at is ill. */
const failures: readonly (readonly [RegExp, Failure['reason']])[] = [
  [/^42501$/, 'no-permission'],
  [/^(57P0[1-5]|08...|25P0[34]|ECONNRESET|EPIPE)$/, 'blocked'],
  [/^57014$/, 'deadline'],
  [/^(XX...|58P01|58030)$/, null],
  [/^[0-9A-Z]{5}$/, 'unavailable'],
]

/** Errors that did not end the session in which they came up. */
const outlived = new WeakSet<object>()

/**
 * Notes that a session goes on after an error. Its code may say otherwise: a foreign data wrapper passes on what it was told by another
 * server, or that it could not connect to it. A pooler's word that the session was lost stands, whatever becomes of the connection.
 */
export function goesOnAfter(error: unknown): void {
  if (error instanceof Error && (error as PgError).severity !== 'FATAL') outlived.add(error)
}

/** Whether a library could not be loaded, which has the code of a file of the database that is gone. */
function isOfLibrary(error: unknown): boolean {
  return /\bdfmgr\.c$/.test(innermost(error).file ?? '')
}

/** What a failed statement means; null where the error is not the server's, and so a bug of ours. */
export function classify(error: unknown): Failure | null {
  const { code = '', message } = innermost(error)
  const lost =
    /^(Connection terminated|Client (has encountered a connection error|was closed)|Query read timeout)/.test(message)
  const known = lost ? (['', 'blocked'] as const) : failures.find(([codes]) => codes.test(code))
  if (!known) return null
  const isElsewhere = isOfLibrary(error) || (known[1] === 'blocked' && outlived.has(innermost(error)))
  return { outcome: 'failed', reason: isElsewhere ? 'unavailable' : known[1], code, text: textOf(code, message) }
}

/** Data exceptions that quote the value that they are about: out of range, no such date or time, no such number. */
const quoting = /^22(003|007|008|P02|P03)$/

/** What a server says of a failed statement, without what a row holds. */
function textOf(code: string, message: string): string {
  if (quoting.test(code)) return message.replace(/".*"/s, '"…"')
  // What could not be decoded cannot be asked for.
  return /^42(P01|703)$/.test(code) && message.includes('\uFFFD') ? `${message}: its name is no UTF-8` : message
}

/** A host name with several addresses fails with all their errors in one: the one that got furthest speaks for them. */
function innermost(error: unknown): PgError {
  if (error instanceof AggregateError) {
    const errors = error.errors.filter((one): one is PgError => one instanceof Error)
    return errors.find(({ code }) => code === 'ECONNREFUSED') ?? errors[0] ?? error
  }
  return error instanceof Error ? error : new Error(String(error))
}
