import { type RawBuilder, sql } from 'kysely'
import type { Table } from '../catalog.js'
import type { Answer, AnyKysely, Read } from '../dialect.js'

type Sql = RawBuilder<unknown>
/** How long a batch of a longer scan should hold the lock, in milliseconds. */
const windowBudget = 80
/** Rows of the first window, and of the narrowest. */
const firstWidth = 40_000
const leastWidth = 1000

/** Where a row stands in its table's own order: its rowid, or its key where the table has no rowid. */
export type Position = readonly unknown[]

/** Rows from one position on, and before another one; null where nothing bounds them. */
export interface Bounds {
  readonly begin: Position | null
  readonly end: Position | null
}

/** Cuts a table, or what is within bounds, into batches, and looks at each in a transaction of its own. Their width follows the clock. */
export async function inBatches(
  read: Read,
  from: Sql,
  position: readonly Sql[],
  look: (kysely: AnyKysely, batch: Sql) => Promise<void>,
  { begin: first, end: last }: Bounds = { begin: null, end: null },
): Promise<Answer<void>> {
  // One bound on each side: of two, SQLite steps to the first one that it is told, and reads all that lies between them.
  const between = (begin: Position | null, end: Position | null) => {
    const here = sql`(${sql.join(position)})`
    const after = begin === null ? sql`1` : sql`${here} >= (${sql.join(begin)})`
    return end === null ? after : sql`${after} and ${here} < (${sql.join(end)})`
  }
  let width = firstWidth
  for (let begin = first; ; ) {
    const began = performance.now()
    const next: Answer<Position | null> = await read(async (kysely) => {
      // The batch's end is a row that exists, so that a batch holds so many rows however far apart their rowids are.
      const end = await positionAt(kysely, from, position, between(begin, last), width)
      await look(kysely, between(begin, end ?? last))
      return end
    })
    if (next.outcome === 'failed') return next
    if (next.value === null) return { outcome: 'answered', value: undefined }
    begin = next.value
    const pace = Math.min(2, Math.max(0.25, windowBudget / (performance.now() - began)))
    width = Math.max(leastWidth, Math.round(width * pace))
  }
}

/** The columns by which a table's own b-tree is ordered. */
export function positionOf(table: Table, alias: Sql): Sql[] {
  const rowid = rowidOf(table)
  if (rowid) return [sql`${alias}.${rowid}`]
  return table.addressable ? [] : primaryKeyOf(table).map((column) => sql`${alias}.${sql.id(column)}`)
}

/** A name for the rowid: one that no column has taken, or that of the column which is the rowid. */
export function rowidOf(table: Table): Sql | null {
  if (!table.addressable) return null
  const taken = new Set(table.columns.map(({ name }) => name.toLowerCase()))
  const free = ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name))
  const name = free ?? rowidAlias(table)
  return name ? sql.id(name) : null
}

/** The columns of a table's primary key; none where it has none. */
export function primaryKeyOf(table: Table | undefined): readonly string[] {
  return table?.keys.find(({ primary }) => primary)?.columns ?? []
}

/** The column that is another name for the rowid: https://www.sqlite.org/lang_createtable.html#rowid. */
export function rowidAlias(table: Table): string | null {
  const key = table.keys.find(({ primary }) => primary)
  // It has no index of its own; what is declared INTEGER PRIMARY KEY DESC has one.
  return table.addressable && key?.collations.includes(null) ? (key.columns[0] ?? null) : null
}

/** Columns under names that no two of them share. */
export function named(columns: readonly Sql[]): Sql {
  return sql.join(columns.map((column, at) => sql`${column} as ${sql.id(`v${at}`)}`))
}

/** The values of such columns. */
export function valuesOf(row: Record<string, unknown>, count: number): unknown[] {
  return Array.from({ length: count }, (_, at) => row[`v${at}`])
}

async function positionAt(
  kysely: AnyKysely,
  from: Sql,
  position: readonly Sql[],
  where: Sql,
  rows: number,
): Promise<Position | null> {
  const found = await sql<Record<string, unknown>>`select ${named(position)} from ${from} where ${where}
    order by ${sql.join(position)} limit 1 offset ${rows}`.execute(kysely)
  return found.rows[0] ? valuesOf(found.rows[0], position.length) : null
}
