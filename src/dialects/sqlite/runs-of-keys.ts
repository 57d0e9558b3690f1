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
  // Each of the two by itself is a step into the b-tree; both in one question are a scan of it.
  const [least, greatest] = [sql`(select min(${key}) from ${table})`, sql`(select max(${key}) from ${table})`]
  const { rows: spans } = await sql<{ few: number }>`
    select coalesce(${greatest} - ${least} < ${2 * children}, 0) as few`.execute(kysely)
  if (spans[0]?.few !== 1) return null
  const { rows: counts } = await sql<{ whole: number }>`
    select ${greatest} - ${least} + 1 = (select count(*) from ${table}) as whole`.execute(kysely)
  const gaps = counts[0]?.whole === 1 ? [] : await gapsOf(kysely, table, key)
  if (gaps === null) return null
  const missing = sql.join(
    [
      sql`${value} not between ${least} and ${greatest}`,
      ...gaps.map(({ low, high }) => sql`${value} between ${low} and ${high}`),
    ],
    sql` or `,
  )
  // To ask what type a value has costs more than all the rest: that is left for what is no integer, or no key.
  return sql`(${missing} or ${value} is not cast(${value} as integer))
    and case typeof(${value}) when 'integer' then ${missing} else not exists (select 1 from ${table} where ${key} = ${value}) end`
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
