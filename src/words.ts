import ms from 'ms'
import plural from 'pluralize'

// In databases, "indexes" is the field's own plural.
plural.addIrregularRule('index', 'indexes')

const digits = new Intl.NumberFormat('en-US')

/** A count and its noun: `1 row`, `2 rows`, `1,204 indexes`. */
export function pluralize(count: number, noun: string): string {
  return `${digits.format(count)} ${plural(noun, count)}`
}

/** A count, its noun and a verb that agrees with it: `1 row points`, `2 rows point`. */
export function agreeing(count: number, noun: string, verb: string): string {
  return `${pluralize(count, noun)} ${count === 1 ? `${verb}s` : verb}`
}

/** A word and its other forms, itself included: `person`, `people`. */
export function grammaticalNumbers(word: string): string[] {
  return [...new Set([word, plural.singular(word), plural.plural(word)])]
}

/** A name in a sentence, as PostgreSQL's own messages quote it. */
export function quoted(name: string): string {
  return `"${name}"`
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

/** How long ago something was, in its largest whole unit: `40 minutes ago`. */
export function ago(milliseconds: number): string {
  return milliseconds < 1000 ? 'just now' : `${lasting(milliseconds)} ago`
}

/** Milliseconds as people say them: `0.4 ms`, `12 ms`, `1.3 s`. */
export function milliseconds(time: number): string {
  if (time >= 9_950) return `${Math.round(time / 1000)} s`
  if (time >= 995) return `${(time / 1000).toFixed(1)} s`
  if (time > 0 && time < 0.1) return '< 0.1 ms'
  return `${time >= 9.95 ? Math.round(time) : time.toFixed(1)} ms`
}
