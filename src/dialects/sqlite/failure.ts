import type { UnknownReason } from '../../report/report.js'
import type { Failure } from '../dialect.js'
import type { SqliteFailure } from './link.js'

/** The code of a look that was ended because it kept writers waiting. */
export const overtime = 'OVERTIME'

/** Result codes (https://www.sqlite.org/rescode.html) that say why nobody could look; a damaged file is what we came to find. */
const reasons: readonly (readonly [RegExp, UnknownReason | null])[] = [
  [/^SQLITE_(CORRUPT|NOTADB|IOERR)/, null],
  [/^SQLITE_(PERM|AUTH|READONLY)/, 'no-permission'],
  [/^(EXITED|KILLED)$/, 'blocked'],
  [new RegExp(`^${overtime}$`), 'unsafe'],
]

/** What a failed statement means. A code that isn't known is an unknown, never a finding. */
export function classify({ code, message }: SqliteFailure): Failure {
  const known = reasons.find(([pattern]) => pattern.test(code))
  return { outcome: 'failed', reason: known ? known[1] : 'unavailable', code, text: message }
}
