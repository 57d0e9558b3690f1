import { type RawBuilder, sql } from 'kysely'
import type { AnyKysely } from '../dialect.js'

type Sql = RawBuilder<unknown>

/** A parent's key that is the rowid of its table, and what a child holds of it. */
export interface RowidKey {
  readonly table: Sql
  readonly key: Sql
  /** The child's column, as an index has it; and without its affinity: that is compared as what is stored. */
  readonly column: Sql
  readonly value: Sql
}

/** What is not there between a key's least value and its greatest. */
export type Gaps = readonly { readonly low: number | bigint; readonly high: number | bigint }[]

/** As many gaps as a comparison may name. */
const mostGaps = 12
/** Keys that are counted, and between which gaps are looked for, while a lock keeps writers waiting: some 100 ms of work. */
const briefly = { counted: 5_000_000, compared: 300_000 }

/**
 * Where the keys of a parent are all there from the least to the greatest, or all but for a few ranges, nobody has to be looked up: measured
 * against a join, an integer without an index takes a tenth of the time. Null where the keys are scattered, or more than the rows that ask for
 * them: then a look at each of them would not pay.
 */
export async function gapsBetween(
  kysely: AnyKysely,
  { table, key }: RowidKey,
  children: number,
  brief: boolean,
): Promise<Gaps | null> {
  const { least, greatest } = endsOf(table, key)
  const { rows: spans } = await sql<{ span: number | bigint | null }>`
    select ${greatest} - ${least} as span`.execute(kysely)
  const span = Number(spans[0]?.span ?? Number.POSITIVE_INFINITY)
  if (span >= 2 * children || (brief && span > briefly.counted)) return null
  const { rows: counts } = await sql<{ whole: number }>`
    select ${greatest} - ${least} + 1 = (select count(*) from ${table}) as whole`.execute(kysely)
  if (counts[0]?.whole === 1) return []
  return brief && span > briefly.compared ? null : gapsOf(kysely, table, key)
}

/** The least key of a parent at this moment, and its greatest; null where it has none. */
export type Ends = { readonly least: number | bigint; readonly greatest: number | bigint } | null

export async function endsNow(kysely: AnyKysely, { table, key }: RowidKey): Promise<Ends> {
  const { least, greatest } = endsOf(table, key)
  const { rows } = await sql<NonNullable<Ends>>`select ${least} as least, ${greatest} as greatest`.execute(kysely)
  return rows.find((ends) => ends.least !== null) ?? null
}

/** Whether a number is none of a parent's keys. */
export function beyond(value: Sql, ends: Ends, gaps: Gaps): Sql {
  if (ends === null) return sql`${value} is not null`
  const missing = gaps.map(({ low, high }) => sql`${value} between ${low} and ${high}`)
  return sql.join([sql`${value} < ${ends.least}`, sql`${value} > ${ends.greatest}`, ...missing], sql` or `)
}

/**
 * Whether a child's value is no key of a parent that has these gaps and, now, these ends. A child without a value is none either.
 *
 * It is exact, because a rowid is an integer: one that a child holds is a key or is not by its value, and whatever else it holds (a number
 * written as text, a fraction) is looked up as ever.
 */
export function absentByRuns({ table, key, value }: RowidKey, ends: Ends, gaps: Gaps): Sql {
  const missing = beyond(value, ends, gaps)
  if (ends === null) return missing
  // To ask what type a value has costs more than all the rest: that is left for what is no integer, or no key.
  return sql`(${missing} or ${value} is not cast(${value} as integer))
    and case typeof(${value}) when 'integer' then ${missing} else not exists (select 1 from ${table} where ${key} = ${value}) end`
}

/** SQLite's integers end there; a sum that is larger is an error. */
const largestSum = 2 ** 63

/**
 * Whether a child that has at most so many rows holds nothing but integers in an indexed column. Texts come after all numbers, so that the
 * greatest value tells of them; of numbers, a sum is an integer only where each of them is. https://www.sqlite.org/lang_aggfunc.html#sumunc
 */
export async function holdsIntegers(
  kysely: AnyKysely,
  child: Sql,
  { column }: RowidKey,
  most: number,
): Promise<boolean> {
  const { least, greatest } = endsOf(child, column)
  const { rows: ends } = await sql<{ least: unknown; greatest: unknown }>`
    select ${least} as least, ${greatest} as greatest`.execute(kysely)
  const sizes = ends.flatMap((row) => [row.least, row.greatest])
  const isNumber = (value: unknown) => typeof value === 'number' || typeof value === 'bigint'
  if (!sizes.every((value) => isNumber(value) && Math.abs(Number(value)) * most < largestSum / 2)) return false
  const { rows } = await sql<{ type: string }>`select typeof(sum(${column})) as type from ${child}`.execute(kysely)
  return rows[0]?.type === 'integer'
}

/** Each of the two by itself is a step into the b-tree; both in one question would be a scan of it. */
function endsOf(table: Sql, key: Sql): { least: Sql; greatest: Sql } {
  return { least: sql`(select min(${key}) from ${table})`, greatest: sql`(select max(${key}) from ${table})` }
}

/** The ranges between a table's least and greatest rowid that are not there; null where they are many. */
async function gapsOf(kysely: AnyKysely, table: Sql, key: Sql): Promise<Gaps | null> {
  const { rows } = await sql<Gaps[number]>`
    select before + 1 as low, own - 1 as high
    from (select ${key} as own, lag(${key}) over (order by ${key}) as before from ${table})
    where own - before > 1 limit ${mostGaps + 1}`.execute(kysely)
  return rows.length > mostGaps ? null : rows
}
