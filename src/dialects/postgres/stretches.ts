import { type RawBuilder, sql } from 'kysely'
import { identifier } from '../../values/text.js'
import { type Catalog, findTable, leavesOf, type Relation } from '../catalog.js'
import type { Read } from '../dialect.js'

type Sql = RawBuilder<unknown>
/** Pages of one table that one statement visits. */
export interface Stretch {
  readonly table: Relation
  /** A condition on `c`. */
  readonly where: Sql
  /** The first page of the next one, and how many the table has; null where all of the table is meant. */
  readonly pages: { readonly end: number; readonly of: number } | null
}

export const whole = (table: Relation): Stretch => ({ table, where: sql`true`, pages: null })

/** From PostgreSQL 14 on a range of places is read by itself. https://www.postgresql.org/docs/14/release-14.html */
const firstByRange = 140_000
/** Rows that are compared in a millisecond, on a slow machine. */
const rowsInMillisecond = 1000
/** Rows of a stretch at least: each of them reads the parent's keys anew. */
const usualFewest = 200_000

/**
 * Cuts a child that will not be compared within `left` milliseconds by its pages, and a partitioned one by its partitions first; null where
 * it will, or cannot be cut.
 */
export async function stretchesOf(
  read: Read,
  catalog: Catalog,
  child: Relation,
  parent: Relation,
  left: number,
  fewest = usualFewest,
): Promise<readonly Stretch[] | null> {
  const rows = rowsOf(catalog, child)
  if (rows === null || rows <= rowsInMillisecond * left) return null
  const leaves = leavesOf(catalog, child)
  const sizes = await read(async (kysely) => {
    const { rows: found } = await sql<{ pages: string; version: number }>`
      select pg_relation_size(o.oid::regclass) / current_setting('block_size')::int as pages,
        current_setting('server_version_num')::int as version
      from unnest(array[${sql.join(leaves.map(({ schema, name }) => identifier(schema, name)))}]::text[]) with ordinality as n (name, at)
      join lateral (select to_regclass(n.name) as oid) o on true order by n.at`.execute(kysely)
    return found
  })
  if (sizes.outcome === 'failed' || sizes.value.some(({ version }) => version < firstByRange)) return null
  const parts = Math.max(1, Math.floor(rows / Math.max(fewest, (rowsOf(catalog, parent) ?? 0) / 2)))
  const pages = sizes.value.map((size) => Number(size.pages))
  const step = Math.max(1, Math.ceil(pages.reduce((sum, more) => sum + more, 0) / parts))
  return leaves.flatMap((table, at) => cut(table, pages[at] ?? 0, step))
}

function cut(table: Relation, pages: number, step: number): Stretch[] {
  const place = (page: number) => sql`${sql.lit(`(${page},0)`)}::tid`
  return Array.from({ length: Math.max(1, Math.ceil(pages / step)) }, (_, at) => {
    const end = Math.min(pages, (at + 1) * step)
    // What was written since is on the last pages.
    const before = end === pages ? sql`true` : sql`c.ctid < ${place(end)}`
    return { table, where: sql`c.ctid >= ${place(at * step)} and ${before}`, pages: { end, of: pages } }
  })
}

/** About how many rows a relation has, those of its partitions included; null where that is not known of all. */
export function rowsOf(catalog: Catalog, relation: Relation): number | null {
  const counts = leavesOf(catalog, relation).map((leaf) => findTable(catalog, leaf)?.rowsEstimate ?? null)
  return counts.includes(null) ? null : counts.reduce<number>((sum, more) => sum + (more ?? 0), 0)
}

/** What was compared of so many stretches, as far as it goes without a gap: null where that is nothing. */
export function shareOf(stretches: readonly Stretch[], done: number): string | null {
  const last = stretches[done - 1]
  if (!last?.pages) return null
  const tables = [...new Set(stretches.map(({ table }) => table))]
  const finished = tables.indexOf(last.table) + (last.pages.end === last.pages.of ? 1 : 0)
  const share = Math.floor((100 * done) / stretches.length)
  const { end, of } = last.pages
  const pages = `pages 0 to ${end - 1} of ${of}`
  if (tables.length === 1) return `${pages} were compared (${share} %)`
  const partitions = `${finished} of ${tables.length} partitions`
  return `${end === of ? partitions : `${partitions}, and of the next one ${pages},`} were compared (${share} %)`
}
