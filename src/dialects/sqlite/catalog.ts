import { sql } from 'kysely'
import {
  type Catalog,
  type Column,
  type ForeignKey,
  groupBy,
  type Index,
  type Key,
  type Relation,
  type Table,
} from '../catalog.js'
import type { AnyKysely } from '../dialect.js'
import { checkClauses } from './check-clauses.js'

interface ObjectRow {
  type: 'table' | 'index' | 'trigger' | 'view'
  name: string
  tbl_name: string
  sql: string | null
}
interface TableRow {
  name: string
  type: 'table' | 'view' | 'virtual' | 'shadow'
  wr: number
}
interface ColumnRow {
  table: string
  name: string
  type: string
  notnull: number
  dflt_value: string | null
  pk: number
  hidden: number
}
interface IndexRow {
  table: string
  index: string
  unique: number
  origin: 'c' | 'u' | 'pk'
  partial: number
  column: string | null
  position: number
}
interface ForeignKeyRow {
  child: string
  id: number
  seq: number
  table: string
  from: string
  to: string | null
  match: string
}

const schema = 'main'
/** SQLite compares names without regard to the case of ASCII letters. */
const fold = (name: string) => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
const relation = (name: string): Relation => ({ schema, name })

/** Reads what the file declares, by SQLite's table-valued pragmas (https://www.sqlite.org/pragma.html#pragfunc). */
export async function readCatalog(kysely: AnyKysely): Promise<Catalog> {
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
    sql`select t.name as "table", i.name as "index", i."unique", i.origin, i.partial, x.name as "column", x.seqno as position
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
  return assemble({ objects, tables, columns, indexes, foreignKeys, estimates, counters })
}

/** The parts of a catalog as the pragmas give them. */
interface Rows {
  readonly objects: readonly ObjectRow[]
  readonly tables: readonly TableRow[]
  readonly columns: readonly ColumnRow[]
  readonly indexes: readonly IndexRow[]
  readonly foreignKeys: readonly ForeignKeyRow[]
  readonly estimates: ReadonlyMap<string, number>
  readonly counters: readonly string[]
}

function assemble({
  objects,
  tables: tableRows,
  columns,
  indexes: indexRows,
  foreignKeys,
  estimates,
  counters,
}: Rows): Catalog {
  const shadows = new Set(tableRows.filter(({ type }) => type === 'shadow').map(({ name }) => name))
  const columnsOf = groupBy(columns, ({ table }) => table)
  const indexes = [...groupBy(indexRows, ({ index }) => index).values()]
    .flatMap(toIndex)
    .filter(({ table }) => !shadows.has(table))
  const indexesOf = groupBy(indexes, ({ table }) => table)
  const definitions = new Map(
    objects.filter(({ type }) => type === 'table').map(({ name, sql: text }) => [name, text ?? '']),
  )

  const tables = tableRows.map(
    ({ name, type, wr }): Table => ({
      schema,
      name,
      kind: type,
      partitionOf: null,
      columns: (columnsOf.get(name) ?? []).map(toColumn),
      keys: keysOf(columnsOf.get(name) ?? [], indexesOf.get(name) ?? []),
      rowsEstimate: estimates.get(name) ?? null,
      bytesEstimate: null,
      addressable: type === 'table' && wr === 0,
      stored: type !== 'view' && type !== 'shadow',
    }),
  )
  const byName = new Map(tables.map((table) => [fold(table.name), table]))

  return {
    schemas: [schema],
    defaultSchema: schema,
    tables,
    indexes,
    foreignKeys: distinct(
      [...groupBy(foreignKeys, ({ child, id }) => `${id} ${child}`).values()].flatMap((rows) =>
        toForeignKey(rows, byName, indexes),
      ),
    ),
    checks: tables.flatMap((table) =>
      checkClauses(definitions.get(table.name) ?? '').map((clause) => ({
        ...clause,
        table: relation(table.name),
        validated: true,
      })),
    ),
    sequences: counters.map((name) => ({
      schema,
      name,
      start: 1,
      increment: 1,
      ownedBy: { table: relation(name), column: byName.get(fold(name))?.keys[0]?.columns[0] ?? 'rowid' },
    })),
    triggers: objects
      .filter(({ type }) => type === 'trigger')
      .map(({ name, tbl_name }) => ({ name, table: relation(tbl_name), enabled: true })),
  }
}

function toColumn({ name, type, notnull, dflt_value, hidden }: ColumnRow): Column {
  return {
    name,
    type: type.toLowerCase().replace(/\s*\(.*\)$/, ''),
    nullable: notnull === 0,
    generated: hidden > 1,
    default: dflt_value,
  }
}

function toIndex(rows: readonly IndexRow[]): Index[] {
  const [first] = rows
  if (!first) return []
  return [
    {
      schema,
      name: first.index,
      table: first.table,
      columns: rows.map(({ column }) => column),
      unique: first.unique === 1,
      valid: true,
      ready: true,
      building: false,
      partial: first.partial === 1,
      expression: rows.some(({ column }) => column === null),
      backs: { c: null, u: 'unique' as const, pk: 'primary key' as const }[first.origin],
      ofPartition: false,
    },
  ]
}

/** The keys that a foreign key may reference: the primary key, and unique indexes over whole columns of every row. */
function keysOf(columns: readonly ColumnRow[], indexes: readonly Index[]): Key[] {
  const primary = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk)
  const unique = indexes.filter(
    (index) => index.unique && !index.partial && !index.expression && index.backs !== 'primary key',
  )
  return [
    ...(primary.length > 0 ? [{ primary: true, columns: primary.map(({ name }) => name) }] : []),
    ...unique.map((index) => ({ primary: false, columns: index.columns.filter((column) => column !== null) })),
  ]
}

function toForeignKey(
  rows: readonly ForeignKeyRow[],
  tables: ReadonlyMap<string, Table>,
  indexes: readonly Index[],
): ForeignKey[] {
  const [first] = rows
  if (!first) return []
  const parent = tables.get(fold(first.table))
  const named = rows.map(({ to }) => to)
  const wanted = named.every((to) => to !== null) ? named : (parent?.keys.find(({ primary }) => primary)?.columns ?? [])
  const parentColumns = wanted.map((name) => parent?.columns.find((column) => fold(column.name) === fold(name))?.name)
  const resolved = parentColumns.filter((name) => name !== undefined)
  const fits = resolved.length === rows.length && parent !== undefined && isKey(parent, resolved, indexes)
  return [
    {
      name: null,
      child: relation(first.child),
      columns: rows.map(({ from }) => from),
      parent: relation(parent?.name ?? first.table),
      parentColumns: fits ? resolved : [],
      match: 'simple',
      validated: true,
      enforced: true,
      deferrable: false,
      operators: null,
      fault: parent === undefined ? 'parent-missing' : fits ? null : 'mismatch',
    },
  ]
}

/** Whether these columns, in any order, are a key of the table: what SQLite calls a "foreign key mismatch" otherwise. */
function isKey(table: Table, columns: readonly string[], indexes: readonly Index[]): boolean {
  if (table.kind === 'view') return false
  const same = (key: readonly (string | null)[]) =>
    key.length === columns.length && columns.every((column) => key.includes(column))
  const unique = indexes.filter((index) => index.table === table.name && index.unique && !index.partial)
  return table.keys.some((key) => key.primary && same(key.columns)) || unique.some((index) => same(index.columns))
}

/** Some libraries declare each foreign key twice: said once. */
function distinct(foreignKeys: readonly ForeignKey[]): ForeignKey[] {
  return [
    ...new Map(
      foreignKeys.map((key) => [JSON.stringify([key.child, key.columns, key.parent, key.parentColumns]), key]),
    ).values(),
  ]
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
