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

/** The code of a statement that takes a text in double quotes, which this build of SQLite does not: https://www.sqlite.org/quirks.html#dblquote. */
const doubleQuoted = 'DOUBLE_QUOTED'

/** What a failed statement means. A code that isn't known is an unknown, never a finding. */
export function classify({ code, message }: SqliteFailure): Failure {
  const [, text] = /^no such column: (".*") - should this be a string literal/s.exec(message) ?? []
  if (text)
    return {
      outcome: 'failed',
      reason: 'unavailable',
      code: doubleQuoted,
      text: `${text} is no column: in double quotes it is a text to some builds of SQLite, and not to this one`,
    }
  const known = reasons.find(([pattern]) => pattern.test(code))
  return { outcome: 'failed', reason: known ? known[1] : 'unavailable', code, text: message }
}
