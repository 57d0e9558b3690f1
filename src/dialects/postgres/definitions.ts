import { sql } from 'kysely'
import { byPlace, type Definition, type Definitions } from '../definitions.js'
import type { AnyKysely } from '../dialect.js'
import { isQuarantined } from '../quarantine.js'
import { definitionQueries } from './definition-queries.js'
import { classify } from './triage.js'

/**
 * Reads what the database declares by name and definition, in the server's own words. A kind that can't be read, because somebody
 * holds a lock on one of its tables, leaves the others.
 */
export async function readDefinitions(kysely: AnyKysely): Promise<Definitions> {
  await plainWords.execute(kysely)
  const objects: Definition[] = []
  const gaps: Definitions['gaps'][number][] = []
  for (const { kinds, query } of definitionQueries) {
    await sql`savepoint definitions`.execute(kysely)
    try {
      const { rows } = await query.execute(kysely)
      for (const { table, unfinished, definition, ...rest } of rows)
        if (definition !== null)
          objects.push({
            ...rest,
            ...(table !== null && { table }),
            ...(unfinished && { unfinished }),
            definition: rest.kind === 'function' ? definition : withPlainArrays(definition),
          })
    } catch (error) {
      const failure = classify(error)
      if (!failure || failure.reason === 'blocked' || failure.reason === 'deadline') throw error
      await sql`rollback to savepoint definitions`.execute(kysely)
      const reason = failure.reason ?? 'unavailable'
      gaps.push(...kinds.map((kind) => ({ kind, reason, detail: failure.text })))
    }
  }
  return { objects: objects.filter((one) => !isQuarantined(one)).sort(byPlace), gaps, defaultSchema: 'public' }
}

/** Constants in a definition are printed as the session's settings say: as these do, whoever asks. */
const plainWords = sql`
  set local timezone = 'UTC';
  set local datestyle = 'ISO, YMD';
  set local intervalstyle = 'postgres';
  set local bytea_output = 'hex';
  set local extra_float_digits = 1;
  set local standard_conforming_strings = on;
  set local quote_all_identifiers = off`

/** One token of a definition: quoted text, or a single character. */
const token = /'(?:[^']|'')*'|"(?:[^"]|"")*"|[\s\S]/g
const elementType = /^\)::((?:"(?:[^"]|"")*"|[\w. ]|\(\d+(?:,\d+)?\))+)\[\]/

/**
 * `(ARRAY[a, b])::text[]` as `ARRAY[(a)::text, (b)::text]`: the server prints `x IN ('a', 'b')` in the first way, and in the second one
 * after the definition was dumped and restored.
 */
function withPlainArrays(text: string): string {
  const from = outside(text, '(ARRAY[', 0)
  if (from < 0) return text
  const begin = from + '(ARRAY['.length
  const { elements, end } = elementsAt(text, begin)
  const type = elementType.exec(text.slice(end + 1))
  if (!type) return text.slice(0, begin) + withPlainArrays(text.slice(begin))
  const cast = elements.map((element) => `(${withPlainArrays(element)})::${type[1]}`)
  return `${text.slice(0, from)}ARRAY[${cast.join(', ')}]${withPlainArrays(text.slice(end + 1 + type[0].length))}`
}

/** Where something is in a text, not counting quoted parts; -1 where it is not. */
function outside(text: string, wanted: string, start: number): number {
  for (const { 0: part, index } of text.slice(start).matchAll(token))
    if (part.length === 1 && text.startsWith(wanted, start + index)) return start + index
  return -1
}

/** The elements of an array that begins there, and the place of the bracket that closes it. */
function elementsAt(text: string, begin: number): { elements: readonly string[]; end: number } {
  const elements: string[] = []
  let depth = 0
  let element = ''
  for (const { 0: part, index } of text.slice(begin).matchAll(token)) {
    if (depth === 0 && (part === ']' || part === ',')) {
      elements.push(element.trim())
      element = ''
      if (part === ']') return { elements, end: begin + index }
      continue
    }
    if ('[('.includes(part)) depth++
    if ('])'.includes(part)) depth--
    element += part
  }
  return { elements, end: text.length }
}
