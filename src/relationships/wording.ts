import type { Finding } from '../report/report.js'
import { rebuildIndexes } from '../values/advice.js'
import { agreeing, grouped, listed, pluralize, quoted } from '../values/text.js'

/**
 * Rows without a parent, for a headline: `35 rows of film_actor (17), inventory (15) and film_category (3) point at rows of film that do
 * not exist`. Takes findings whose evidence has table, parent and rows; some of them `partial`, where not all rows were compared.
 */
export function orphansNamed(findings: readonly Finding[], most = 3): string {
  const parents = [...new Set(findings.map(({ evidence }) => String(evidence.parent)))]
  const sentences = parents.slice(0, most).map((parent) => {
    const own = findings.filter(({ evidence }) => String(evidence.parent) === parent)
    const guessed = own.every(({ evidence }) => evidence.inferred === true) ? ' (inferred)' : ''
    const partial = own.some(({ evidence }) => evidence.partial === true)
    const rows = own.reduce((sum, { evidence }) => sum + Number(evidence.rows), 0)
    const children = countsOf(own, most)
    return `${pointing(rows, partial).replace(/ (points?)$/, ` of ${children} $1`)} at ${rows === 1 ? 'a row' : 'rows'} of ${parent} that ${rows === 1 ? 'does' : 'do'} not exist${guessed}`
  })
  const more = parents.length - sentences.length
  return `${sentences.join('; ').replace(/^a/, 'A')}${more > 0 ? `; and rows of ${pluralize(more, 'more table')} are missing` : ''}`
}

/** How many rows point somewhere: `at least 3 rows point`, where not all of them were compared. */
export function pointing(rows: number, partial?: boolean): string {
  // Where all messages are listed, every value is a sign for one, this too: there, what is usual is told.
  return `${partial === true ? 'at least ' : ''}${agreeing(rows, 'row', 'point')}`
}

/** How many of a relationship's values have a parent: `all 1,200 values are there`. */
export function valuesThere(matched: number, keyed: number): string {
  if (matched !== keyed) return `${grouped(matched)} of ${grouped(keyed)} values are there`
  return keyed === 1 ? 'its one value is there' : `all ${grouped(keyed)} values are there`
}

/** Tables with how many rows of each: `film_actor (17), inventory (15) and film_category (3)`; alone, its name. */
function countsOf(findings: readonly Finding[], most: number): string {
  const rows = new Map<string, number>()
  for (const { evidence } of findings) {
    const table = String(evidence.table)
    rows.set(table, (rows.get(table) ?? 0) + Number(evidence.rows))
  }
  const counts = [...rows].sort((a, b) => b[1] - a[1])
  if (counts.length === 1) return counts[0]?.[0] ?? ''
  const shown = counts.slice(0, most).map(([table, count]) => `${table} (${grouped(count)})`)
  const left = counts.length - shown.length
  const last = left > 0 ? pluralize(left, 'more table') : (shown.pop() ?? '')
  return `${shown.join(', ')} and ${last}`
}

/** What is said of indexes that do not agree with their tables: whose rows would be orphans by them are none. */
export const indexDisagreements = {
  'key-index-disagrees': {
    say: ({ table, columns, rows }: { table: string; columns: readonly string[]; rows: number }) =>
      `${quoted(table)}: an index has another key than the table in ${pluralize(rows, 'row')} (${columns.join(', ')}): it is damaged`,
    next: ({ table }: { table: string }) => [rebuildIndexes(table)],
  },
  'index-disagrees': {
    say: ({ table, parent, rows }: { table: string; parent: string; rows: number }) =>
      `${quoted(table)}: the parents of ${pluralize(rows, 'row')} are in ${quoted(parent)}, and an index does not find them: it is damaged`,
    next: ({ parent }: { parent: string }) => [rebuildIndexes(parent)],
  },
}

/** What is missing, by name, for a headline: `table "a" is missing`, `tables "a", "b" and 3 more are missing`. */
export function missingNamed(noun: string, names: readonly string[]): string {
  return `${pluralize(names.length, noun).replace(/^[\d,]+ /, '')} ${listed(names, 3)} ${names.length === 1 ? 'is' : 'are'} missing`
}
