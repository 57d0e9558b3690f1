import { type RawBuilder, sql } from 'kysely'
import type { AnyKysely } from '../dialect.js'

type Sql = RawBuilder<unknown>

/** A parent's key that is the rowid of its table, and what a child holds of it. */
export interface RowidKey {
  readonly table: Sql
  readonly key: Sql
  /** The child's column, without its affinity: it is compared as what is stored. */
  readonly value: Sql
}

/** As many gaps as a comparison may name. */
const mostGaps = 12

/**
 * Whether a child's value is no key of its parent, told by the parent's keys alone: where they are all there from the least to the greatest, or
 * all but for a few ranges, nobody has to be looked up. Measured against a join, an integer without an index takes a tenth of the time.
 * Null where the keys are scattered, or more than the rows that ask for them: then a look at each of them would not pay.
 *
 * It is exact, because a rowid is an integer: one that a child holds is a key or is not by its value, and whatever else it holds (a number
 * written as text, a fraction) is looked up as ever.
 */
export async function absentByRuns(
  kysely: AnyKysely,
  { table, key, value }: RowidKey,
  children: number,
): Promise<Sql | null> {
  const { rows: spans } = await sql<{ few: number }>`
    select coalesce(max(${key}) - min(${key}) < ${2 * children}, 0) as few from ${table}`.execute(kysely)
  if (spans[0]?.few !== 1) return null
  const { rows: counts } = await sql<{ whole: number }>`
    select max(${key}) - min(${key}) + 1 = count(*) as whole from ${table}`.execute(kysely)
  const gaps = counts[0]?.whole === 1 ? [] : await gapsOf(kysely, table, key)
  if (gaps === null) return null
  const beyond = sql`not (${value} between (select min(${key}) from ${table}) and (select max(${key}) from ${table}))`
  const missing = sql.join(
    [beyond, ...gaps.map(({ low, high }) => sql`${value} between ${low} and ${high}`)],
    sql` or `,
  )
  return sql`case typeof(${value}) when 'integer' then ${missing} else not exists (select 1 from ${table} where ${key} = ${value}) end`
}

interface Gap {
  readonly low: number | bigint
  readonly high: number | bigint
}

/** The ranges between a table's least and greatest rowid that are not there; null where they are many. */
async function gapsOf(kysely: AnyKysely, table: Sql, key: Sql): Promise<readonly Gap[] | null> {
  const { rows } = await sql<Gap>`
    select before + 1 as low, own - 1 as high
    from (select ${key} as own, lag(${key}) over (order by ${key}) as before from ${table})
    where own - before > 1 limit ${mostGaps + 1}`.execute(kysely)
  return rows.length > mostGaps ? null : rows
}
