import ms from 'ms'
import plural from 'pluralize'
import { remembered } from './remembered.js'

// The field's own plurals.
plural.addIrregularRule('index', 'indexes')
plural.addIrregularRule('schema', 'schemas')

/** A count and its noun: `1 row`, `2 rows`, `1,204 indexes`. */
export function pluralize(count: number, noun: string): string {
  return `${grouped(count)} ${plural(noun, count)}`
}

/** So many of all there are: `4,999 of 5,000 tables`. */
export function outOf(count: number, all: number, noun: string): string {
  return `${grouped(count)} of ${pluralize(all, noun)}`
}

/** An integer with its thousands apart: `1,204`. Intl would read its tables for it at every start. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** A count, its noun and a verb that agrees with it: `1 row points`, `2 rows point`. */
export function agreeing(count: number, noun: string, verb: string): string {
  return `${pluralize(count, noun)} ${count === 1 ? `${verb}s` : verb}`
}

/** One of what a word counts: `people`, one `person`. */
export const singular = remembered(plural.singular)

/** A name in a sentence, as PostgreSQL's own messages quote it. */
export function quoted(name: string): string {
  return `"${name}"`
}

/** An identifier as it is typed in SQL, its parts in double quotes: `"billing"."orders"`. */
export function identifier(...names: readonly string[]): string {
  return names.map((name) => `"${name.replaceAll('"', '""')}"`).join('.')
}

/** A text as it is typed in SQL. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A statement and what to know of it, as a comment: the whole can be typed. */
export function remarked(statement: string, remark: string): string {
  return `${statement}; -- ${remark}`
}

/** A word of a command line, quoted where a POSIX shell would read it otherwise. */
export function typed(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** Names in a sentence: the first few, and how many more there are. */
export function listed(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).map(quoted).join(', ')
  return names.length > most ? `${shown} and ${names.length - most} more` : shown
}

/** A span of time in whole units where it is one: `15 minutes`, `7 days`. */
export function lasting(milliseconds: number): string {
  return ms(milliseconds, { long: true })
}

/** A moment of ISO 8601 to the minute, in UTC: `2026-01-01 09:30 UTC`. */
export function moment(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`
}

/** How long ago something was, in its largest whole unit: `40 minutes ago`. */
export function ago(milliseconds: number): string {
  return milliseconds < 1000 ? 'just now' : `${lasting(milliseconds)} ago`
}

/** How long something has been so, in its largest whole unit: `40 minutes`. */
export function lately(milliseconds: number): string {
  return milliseconds < 1000 ? 'less than a second' : lasting(milliseconds)
}

/** Milliseconds as people say them: `0.4 ms`, `12 ms`, `1.3 s`. */
export function milliseconds(time: number): string {
  if (time >= 9_950) return `${Math.round(time / 1000)} s`
  if (time >= 995) return `${(time / 1000).toFixed(1)} s`
  if (time > 0 && time < 0.1) return '< 0.1 ms'
  return `${time >= 9.95 ? Math.round(time) : time.toFixed(1)} ms`
}

const units = ['bytes', 'kB', 'MB', 'GB', 'TB']

/** Bytes in the largest unit that leaves a whole number: `512 bytes`, `1.5 GB`. Units are powers of 1024, as PostgreSQL counts. */
export function bytes(count: number): string {
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(count, 1)) / 10))
  return `${Number((count / 2 ** (10 * unit)).toPrecision(3))} ${units[unit]}`
}

/** How many bytes a size has that is written with its unit: `16MB`, `1.5 GB`; null for anything else. */
export function parseBytes(text: string): number | null {
  const [, amount, unit] = /^(\d+(?:\.\d+)?) ?(kB|MB|GB|TB)$/.exec(text) ?? []
  return amount === undefined || unit === undefined ? null : Number(amount) * 1024 ** units.indexOf(unit)
}
