import { type RawBuilder, sql } from 'kysely'
import type { AnyKysely } from '../dialect.js'
import { type AntiJoin, everything, inBytes, type Piece } from './anti-join.js'
import { named, valuesOf } from './batches.js'

type Sql = RawBuilder<unknown>
export type Rowid = number | bigint

/** From how many rows on something is done otherwise. */
export interface Sizes {
  /** Rows that are counted one by one to know how many there are. */
  readonly counted: number
  /** Rows that one short transaction may visit where a reader's lock stops a writer's commit: some 100 ms of work. */
  readonly throughIndex: number
  readonly throughTable: number
  /** Rows of a child from which on it pays to ask for its parent's keys first. */
  readonly forRuns: number
  /** Rows of a child whose index is read in one step, to learn that it holds integers alone: less than a second. */
  readonly inOneStep: number
  /** Rows of a piece of a long scan, and of one that may not fit in its time. */
  readonly ofPiece: number
  readonly ofFinePiece: number
  /** Rows from which on a second process is worth its start. */
  readonly forTwo: number
  /** Rows that a look at each parent gets through in a millisecond, on a slow machine. */
  readonly inMillisecond: number
}

export const usualSizes: Sizes = {
  counted: 20_000,
  throughIndex: 1_000_000,
  throughTable: 150_000,
  forRuns: 20_000,
  inOneStep: 20_000_000,
  ofPiece: 500_000,
  ofFinePiece: 40_000,
  forTwo: 1_000_000,
  inMillisecond: 250,
}

/** How large the two sides of a relationship are. */
export interface Extent {
  /** The child's first rowid and its last; null where it has none. */
  readonly bounds: { readonly low: Rowid; readonly high: Rowid } | null
  /** The child's rows: up to `counted` as they are, and from then on about. */
  readonly rows: number
  /** No more than so many: a rowid each. */
  readonly most: number
  /** The parent's rows; more than `counted` says that there are more. */
  readonly parents: number
}

export async function extentOf(kysely: AnyKysely, plan: AntiJoin, { counted }: Sizes): Promise<Extent> {
  const { childTable, parentTable, rowid } = plan
  const upTo = (table: Sql) => sql`(select count(*) from (select 1 from ${table} limit ${counted + 1}))`
  const { rows } = await sql<{ low: Rowid | null; high: Rowid | null; rows: number; parents: number }>`select
    ${upTo(childTable)} as rows, ${parentTable ? upTo(parentTable) : sql`0`} as parents,
    ${rowid ? sql`(select min(${rowid}) from ${childTable})` : sql`null`} as low,
    ${rowid ? sql`(select max(${rowid}) from ${childTable})` : sql`null`} as high`.execute(kysely)
  const [found] = rows
  if (!found) throw new Error('a count has one row')
  const { low, high, parents } = found
  const bounds = low === null || high === null ? null : { low, high }
  if (found.rows <= counted || !bounds || !rowid) return { bounds, rows: found.rows, most: found.rows, parents }
  const about = Math.round(Math.max(found.rows, await densityOf(kysely, plan, rowid, bounds)))
  return { bounds, rows: about, most: Number(BigInt(bounds.high) - BigInt(bounds.low)) + 1, parents }
}

/** Places at which a table is looked at to learn how many rows it has, and rows that are looked at there. */
const probes = 8
const rowsOfProbe = 1000

/** About how many rows there are between two rowids, by how close they are to each other at a few places. */
async function densityOf(
  kysely: AnyKysely,
  { childTable }: AntiJoin,
  rowid: Sql,
  { low, high }: NonNullable<Extent['bounds']>,
): Promise<number> {
  const places = dividers(low, high, probes)
  const at = (place: bigint) => sql`select * from (select count(*) as found, max(own) as last from (
    select ${rowid} as own from ${childTable} where ${rowid} >= ${place} order by ${rowid} limit ${rowsOfProbe}))`
  const { rows } = await sql<{ found: number; last: Rowid }>`${sql.join(
    [BigInt(low), ...places].map(at),
    sql` union all `,
  )}`.execute(kysely)
  const width = Number(BigInt(high) - BigInt(low)) / probes
  return rows.reduce((sum, { found, last }, index) => {
    const place = index === 0 ? BigInt(low) : (places[index - 1] ?? 0n)
    return sum + (found * width) / Math.max(found, Number(BigInt(last ?? high) - place) + 1)
  }, 0)
}

/** Whole numbers that cut a range into so many parts. */
function dividers(low: Rowid, high: Rowid, parts: number): bigint[] {
  const width = BigInt(high) - BigInt(low) + 1n
  return Array.from({ length: parts - 1 }, (_, at) => BigInt(low) + (width * BigInt(at + 1)) / BigInt(parts))
}

/** A piece of a child between two rowids. */
export interface Stretch extends Piece {
  /** Its first rowid, and that of the next one; null for the first and for the last. */
  readonly begin: bigint | null
  readonly end: bigint | null
}

/** Cuts a child by its rowids. What comes in later is in the last piece. */
export function stretches({ rowid }: AntiJoin, { low, high }: NonNullable<Extent['bounds']>, parts: number): Stretch[] {
  const own = sql`c.${rowid}`
  const ends = [...dividers(low, high, parts), null]
  return ends.map((end, at) => {
    const begin = ends[at - 1] ?? null
    const after = begin === null ? sql`1` : sql`${own} >= ${begin}`
    return { ...everything, where: end === null ? after : sql`${after} and ${own} < ${end}`, begin, end }
  })
}

/** Keys of which one is taken for the end of a piece, and pieces: a statement has 500 SELECTs at most. https://www.sqlite.org/limits.html */
const drawnPerPart = 4
const mostRanges = 100

/** Cuts both sides by the child's key, where an index leads to a range of it; null where none does. */
export async function rangesOfKey(
  kysely: AnyKysely,
  plan: AntiJoin,
  { low, high }: NonNullable<Extent['bounds']>,
  wanted: number,
): Promise<Piece[] | null> {
  const parts = Math.min(wanted, mostRanges)
  const { columns, parentColumns, childTable, rowid } = plan
  const [own, others] = [inBytes('c', columns), inBytes('p', parentColumns)]
  const tuple = (values: readonly unknown[]) => sql`(${sql.join(values)})`
  const { rows: steps } = await sql<{ detail: string }>`explain query plan
    select 1 from ${plan.child} where ${tuple(own)} < ${tuple(columns.map(() => 0))}`.execute(kysely)
  if (!steps.some(({ detail }) => detail.startsWith('SEARCH'))) return null

  const draw = (place: bigint) => sql`select * from (
    select ${named(own)} from ${childTable} c where c.${rowid} >= ${place} order by c.${rowid} limit 1)`
  const { rows } = await sql<Record<string, unknown>>`select * from (${sql.join(
    dividers(low, high, parts * drawnPerPart).map(draw),
    sql` union `,
  )}) order by ${sql.join(columns.map((_, at) => sql`${sql.id(`v${at}`)} collate binary`))}`.execute(kysely)
  const drawn = rows.map((row) => valuesOf(row, columns.length)).filter((key) => !key.includes(null))
  const ends = drawn.filter((_, at) => at > 0 && at % Math.max(1, Math.round(drawn.length / parts)) === 0)
  const between = (key: readonly Sql[], begin: unknown[] | undefined, end: unknown[] | undefined) =>
    sql.join(
      [begin ? sql`${tuple(key)} >= ${tuple(begin)}` : sql`1`, ...(end ? [sql`${tuple(key)} < ${tuple(end)}`] : [])],
      sql` and `,
    )
  return [undefined, ...ends].map((begin, at) => ({
    where: between(own, begin, ends[at]),
    ofParent: between(others, begin, ends[at]),
  }))
}
