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
import { withoutQuarantine } from '../quarantine.js'
import { type ColumnRow, type ForeignKeyRow, type IndexRow, type Rows, readRows } from './catalog-queries.js'
import { checkClauses } from './check-clauses.js'
import { fold } from './writing.js'

export const schema = 'main'
const relation = (name: string): Relation => ({ schema, name })

/** What the file declares, as both dialects' checks read it. */
export async function readCatalog(kysely: AnyKysely): Promise<Catalog> {
  return assemble(await readRows(kysely))
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
  const rowsOfIndex = groupBy(indexRows, ({ index }) => index)
  const collationsOf = ({ name }: Index) => (rowsOfIndex.get(name) ?? []).map(({ collation }) => [collation])
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
      keys: keysOf(columnsOf.get(name) ?? [], indexesOf.get(name) ?? [], collationsOf),
      rowsEstimate: estimates.get(name) ?? null,
      bytesEstimate: null,
      addressable: type === 'table' && wr === 0,
      stored: type !== 'view' && type !== 'shadow',
    }),
  )
  const byName = new Map(tables.map((table) => [fold(table.name), table]))

  return withoutQuarantine({
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
      checkClauses(definitions.get(table.name) ?? '', namesIn(table)).map((clause) => ({
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
      // As it was typed there, in small letters or large.
      .map(({ name, tbl_name }) => ({
        name,
        table: relation(byName.get(fold(tbl_name))?.name ?? tbl_name),
        enabled: true,
      })),
  })
}

/** What a condition of a table may speak of. */
function namesIn({ name, columns }: Table): ReadonlySet<string> {
  return new Set([name, ...columns.map((column) => column.name), 'rowid', '_rowid_', 'oid'].map(fold))
}

function toColumn({ name, type, notnull, dflt_value, hidden }: ColumnRow): Column {
  return {
    name,
    type: type.toLowerCase().replace(/\s*\(.*\)$/, ''),
    enumerated: false,
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
      attached: false,
    },
  ]
}

/** The keys that a foreign key may reference: the primary key, and unique indexes over whole columns of every row. */
function keysOf(
  columns: readonly ColumnRow[],
  indexes: readonly Index[],
  collationsOf: (index: Index) => string[][],
): Key[] {
  const primary = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk)
  const backing = indexes.find(({ backs }) => backs === 'primary key')
  const unique = indexes.filter(
    (index) => index.unique && !index.partial && !index.expression && index.backs !== 'primary key',
  )
  return [
    ...(primary.length > 0
      ? [
          {
            primary: true,
            columns: primary.map(({ name }) => name),
            // A rowid has no index, and is a number.
            collations: backing ? collationsOf(backing) : primary.map(() => null),
            nullsDistinct: true,
          },
        ]
      : []),
    ...unique.map((index) => ({
      primary: false,
      columns: index.columns.filter((column) => column !== null),
      collations: collationsOf(index),
      nullsDistinct: true,
    })),
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
