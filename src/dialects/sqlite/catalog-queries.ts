import { sql } from 'kysely'
import type { AnyKysely } from '../dialect.js'

export interface ObjectRow {
  type: 'table' | 'index' | 'trigger' | 'view'
  name: string
  tbl_name: string
  sql: string | null
}
export interface TableRow {
  name: string
  type: 'table' | 'view' | 'virtual' | 'shadow'
  wr: number
}
export interface ColumnRow {
  table: string
  name: string
  type: string
  notnull: number
  dflt_value: string | null
  pk: number
  hidden: number
}
export interface IndexRow {
  table: string
  index: string
  unique: number
  origin: 'c' | 'u' | 'pk'
  partial: number
  column: string | null
  collation: string
  position: number
}
export interface ForeignKeyRow {
  child: string
  id: number
  seq: number
  table: string
  from: string
  to: string | null
  match: string
}

/** The parts of a catalog as the pragmas give them. */
export interface Rows {
  readonly objects: readonly ObjectRow[]
  readonly tables: readonly TableRow[]
  readonly columns: readonly ColumnRow[]
  readonly indexes: readonly IndexRow[]
  readonly foreignKeys: readonly ForeignKeyRow[]
  readonly estimates: ReadonlyMap<string, number>
  readonly counters: readonly string[]
}

/** Reads what the file declares, by SQLite's table-valued pragmas (https://www.sqlite.org/pragma.html#pragfunc). */
export async function readRows(kysely: AnyKysely): Promise<Rows> {
  const objects = await rowsOf<ObjectRow>(
    kysely,
    sql`select type, name, tbl_name, sql from sqlite_schema order by name`,
  )
  const tables = await rowsOf<TableRow>(
    kysely,
    sql`select name, type, wr from pragma_table_list where schema = 'main' and name not like 'sqlite\\_%' escape '\\' order by name`,
  )
  // Virtual tables and views are left out of the joins: one broken view, or one module that isn't loaded, would fail them all.
  const ordinary = sql`(select name from pragma_table_list where schema = 'main' and type in ('table', 'shadow') and name not like 'sqlite\\_%' escape '\\')`
  const columns = await rowsOf<ColumnRow>(
    kysely,
    sql`select t.name as "table", c.name, c.type, c."notnull", c.dflt_value, c.pk, c.hidden
        from ${ordinary} t join pragma_table_xinfo(t.name) c order by t.name, c.cid`,
  )
  const indexes = await rowsOf<IndexRow>(
    kysely,
    sql`select t.name as "table", i.name as "index", i."unique", i.origin, i.partial, x.name as "column", x.coll as collation, x.seqno as position
        from ${ordinary} t join pragma_index_list(t.name) i join pragma_index_xinfo(i.name) x
        where x."key" = 1 order by t.name, i.name, x.seqno`,
  )
  const foreignKeys = await rowsOf<ForeignKeyRow>(
    kysely,
    sql`select t.name as child, f.id, f.seq, f."table", f."from", f."to", f."match"
        from ${ordinary} t join pragma_foreign_key_list(t.name) f order by t.name, f.id desc, f.seq`,
  )
  const estimates = await rowEstimates(kysely, objects)
  const counters = await autoincrements(kysely, objects)
  return { objects, tables, columns, indexes, foreignKeys, estimates, counters }
}

async function rowEstimates(kysely: AnyKysely, objects: readonly ObjectRow[]): Promise<Map<string, number>> {
  if (!objects.some(({ name }) => name === 'sqlite_stat1')) return new Map()
  const rows = await rowsOf<{ tbl: string; stat: string | null }>(kysely, sql`select tbl, stat from sqlite_stat1`)
  const estimates = new Map<string, number>()
  for (const { tbl, stat } of rows)
    estimates.set(tbl, Math.max(estimates.get(tbl) ?? 0, Number.parseInt(stat ?? '', 10) || 0))
  return estimates
}

async function autoincrements(kysely: AnyKysely, objects: readonly ObjectRow[]): Promise<string[]> {
  if (!objects.some(({ name }) => name === 'sqlite_sequence')) return []
  const rows = await rowsOf<{ name: string }>(
    kysely,
    sql`select name from sqlite_sequence where name is not null order by name`,
  )
  return rows.map(({ name }) => name)
}

async function rowsOf<R>(kysely: AnyKysely, query: ReturnType<typeof sql>): Promise<R[]> {
  const { rows } = await (query as ReturnType<typeof sql<R>>).execute(kysely)
  return rows
}
