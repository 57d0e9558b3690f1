import { type RawBuilder, sql } from 'kysely'
import { type Catalog, findTable, indexesOf, type Table } from '../catalog.js'
import { type AnyKysely, isDeclared, type Orphan, type Orphans, type Relationship } from '../dialect.js'
import { named, type Position, positionOf, primaryKeyOf, rowidAlias, rowidOf, valuesOf } from './batches.js'
import type { RowidKey } from './runs-of-keys.js'

type Sql = RawBuilder<unknown>

/** Orphans that are looked at again one by one. */
export const candidateLimit = 1000

/** Some of a child's rows, and those of its parent's that they may point at. */
export interface Piece {
  readonly where: Sql
  readonly ofParent: Sql
}

export const everything: Piece = { where: sql`1`, ofParent: sql`1` }

/** Rows that seem to have no parent: how many, and where they are, or the first of them. */
export interface Seeming {
  readonly rows: number
  readonly positions: readonly Position[]
}

/** How the rows of a child that have no parent are asked for. */
export interface AntiJoin {
  readonly childTable: Sql
  /** Null where there is none. */
  readonly parentTable: Sql | null
  readonly parentColumns: readonly string[]
  /** The child in a FROM clause: through whichever of its b-trees is fastest. */
  readonly child: Sql
  /** The child's table alone. */
  readonly childHeap: Sql
  readonly columns: readonly string[]
  /** Columns that find a row again: its primary key, or its rowid. */
  readonly address: readonly { readonly name: string; readonly ref: Sql }[]
  readonly rowid: Sql | null
  /** The columns of a position; none where every name of the rowid is taken. */
  readonly position: readonly Sql[]
  /** An index of the child begins with the key. */
  readonly indexed: boolean
  readonly declared: boolean
  /** Which rows of the child have a key: those that are `meant`, and whose columns are all there. */
  readonly keyed: Sql
  readonly meant: Sql
  readonly join: Sql
  readonly absent: Sql
  /** The parent's key, where it is one integer and its table's own b-tree. */
  readonly rowidKey: RowidKey | null
  /**
   * The keys of a piece of the child that no parent has, each once; null where this would not be exact. What a join looks up one by one is
   * read side by side, in the order of the key.
   */
  readonly missingKeys: ((piece: Piece) => Sql) | null
  /** No index of the child holds a column of the key: what is counted is counted in the table. */
  readonly tableAlone: boolean
  /** The parent's table without its indexes; null where its key is the table's own b-tree. */
  readonly heap: {
    readonly table: Sql
    readonly key: Sql
    readonly position: readonly Sql[]
    readonly with: Sql
    readonly join: Sql
  } | null
}

export function antiJoinOf(catalog: Catalog, relationship: Relationship): AntiJoin {
  const { child, columns, parent, parentColumns, kind, none = [] } = relationship
  const childTable = findTable(catalog, child)
  const parentTable = findTable(catalog, parent)
  const rowid = childTable && rowidOf(childTable)
  // Affinity and collation are the parent column's only in this order, and with the child's column made an expression: then the
  // answer is that of PRAGMA foreign_key_check. https://www.sqlite.org/datatype3.html#comparisons
  const on = sql.join(
    columns.map((column, at) => sql`p.${sql.id(parentColumns[at] ?? '')} = +c.${sql.id(column)}`),
    sql` and `,
  )
  const keyColumns = sql.join(parentColumns.map((column) => sql.id(column)))
  const source = parentTable?.keys.some((key) => sameSet(key.columns, parentColumns))
    ? sql.id(parent.name)
    : sql`(select distinct ${keyColumns} from ${sql.id(parent.name)})`
  const indexes = indexesOf(catalog, child)
  const indexed = indexes.some((index) => !index.partial && columns.every((column, at) => index.columns[at] === column))
  const ofKind = kind ? [sql`c.${sql.id(kind.column)} = ${kind.value}`] : []
  const notNone =
    none.length > 0 ? columns.map((column) => sql`cast(c.${sql.id(column)} as text) not in (${sql.join(none)})`) : []
  return {
    childTable: sql.id(child.name),
    parentTable: parentTable ? sql.id(parent.name) : null,
    parentColumns,
    child: sql`${sql.id(child.name)} c`,
    childHeap: sql`${sql.id(child.name)} c not indexed`,
    columns,
    address: rowid
      ? [{ name: rowidAlias(childTable) ?? 'rowid', ref: sql`c.${rowid}` }]
      : primaryKeyOf(childTable).map((name) => ({ name, ref: sql`c.${sql.id(name)}` })),
    rowid: rowid ?? null,
    position: childTable ? positionOf(childTable, sql`c`) : [],
    indexed,
    declared: isDeclared(relationship),
    // SQLite takes "is not null" for true on a column that is declared so, whatever it holds.
    keyed: all([...ofKind, ...columns.map((column) => sql`+c.${sql.id(column)} is not null`), ...notNone]),
    meant: all([...ofKind, ...notNone]),
    // A parent that isn't there has no rows.
    ...(parentTable
      ? { join: sql`left join ${source} p on ${on}`, absent: sql`p.${sql.id(parentColumns[0] ?? '')} is null` }
      : { join: sql``, absent: sql`1` }),
    rowidKey: parentTable ? rowidKeyOf(parentTable, parentColumns, columns) : null,
    missingKeys:
      parentTable && childTable && !kind && none.length === 0
        ? missingKeysOf(childTable, columns, parentTable, parentColumns)
        : null,
    tableAlone: !indexes.some((index) => index.columns.some((column) => column === null || columns.includes(column))),
    heap: parentTable && !isTableKey(parentTable, parentColumns) ? heapOf(parentTable, parentColumns, on) : null,
  }
}

function all(conditions: readonly Sql[]): Sql {
  return conditions.length > 0 ? sql.join(conditions, sql` and `) : sql`1`
}

function rowidKeyOf(parent: Table, parentColumns: readonly string[], columns: readonly string[]): RowidKey | null {
  const [own, ...more] = columns
  const [key] = parentColumns
  if (own === undefined || key === undefined || more.length > 0 || rowidAlias(parent) !== key) return null
  const column = sql`c.${sql.id(own)}`
  return { table: sql.id(parent.name), key: sql.id(key), column, value: sql`+${column}` }
}

/**
 * What EXCEPT leaves of the child's keys. It compares values as they are stored, by their bytes: the same as a join where both columns are
 * declared alike, so that they store alike, and the parent's key is compared by bytes, too.
 * https://www.sqlite.org/datatype3.html#affinity_of_compound_views
 */
function missingKeysOf(
  child: Table,
  columns: readonly string[],
  parent: Table,
  parentColumns: readonly string[],
): ((piece: Piece) => Sql) | null {
  const typeOf = (table: Table, column: string) => table.columns.find(({ name }) => name === column)?.type
  const alike = columns.every((column, at) => {
    const type = typeOf(child, column)
    return type !== undefined && type !== '' && type === typeOf(parent, parentColumns[at] ?? '')
  })
  const key = parent.keys.find((one) => one.columns.join('\0') === parentColumns.join('\0'))
  const byBytes = key?.collations.every((collation) => collation?.join() === 'BINARY')
  if (!alike || !byBytes) return null
  const own = named(inBytes('c', columns))
  const others = named(inBytes('p', parentColumns))
  const there = sql.join(
    columns.map((column) => sql`${sql.id('c', column)} is not null`),
    sql` and `,
  )
  return ({ where, ofParent }) => sql`select ${own} from ${sql.id(child.name)} c where ${there} and (${where})
    except select ${others} from ${sql.id(parent.name)} p where ${ofParent}
    order by ${sql.join(columns.map((_, at) => sql.lit(at + 1)))}`
}

function heapOf(parent: Table, columns: readonly string[], on: Sql): AntiJoin['heap'] {
  const table = sql`${sql.id(parent.name)} as p not indexed`
  return {
    table,
    key: sql`(${sql.join(columns.map((column) => sql`p.${sql.id(column)}`))})`,
    position: positionOf(parent, sql`p`),
    with: sql`with heap as materialized (select distinct ${sql.join(columns.map((column) => sql.id(column)))} from ${table})`,
    join: sql`left join heap p on ${on}`,
  }
}

/** Columns that are compared by their bytes, whatever they are declared to be compared by. */
export function inBytes(alias: string, columns: readonly string[]): Sql[] {
  return columns.map((column) => sql`${sql.id(alias, column)} collate binary`)
}

/** The same plan, through the child's table alone. */
export function inTable(plan: AntiJoin): AntiJoin {
  return { ...plan, child: plan.childHeap }
}

/** Rows at these positions. A thousand rowids are one parameter. */
export function among({ position }: AntiJoin, positions: readonly Position[]): Sql {
  const values = positions.flat()
  const own = sql.join(position)
  if (position.length === 1 && values.every((value) => typeof value === 'bigint' || Number.isSafeInteger(value)))
    return sql`${own} in (select value from json_each(${`[${values.join()}]`}))`
  return sql`(${own}) in (values ${sql.join(positions.map((one) => sql`(${sql.join(one)})`))})`
}

/** As `seemingOrphans`, by the keys that are missing; null where that says nothing, or there are too many. */
export async function orphansByKey(
  kysely: AnyKysely,
  { missingKeys, columns, child, keyed, position }: AntiJoin,
  piece: Piece,
): Promise<Seeming | null> {
  if (missingKeys === null || position.length === 0) return null
  const missing = await sql<Record<string, unknown>>`${missingKeys(piece)} limit ${candidateLimit + 1}`.execute(kysely)
  const keys = missing.rows
  if (keys.length === 0) return { rows: 0, positions: [] }
  if (keys.length > candidateLimit) return null
  const those = keys.map((key) => sql`(${sql.join(valuesOf(key, columns.length))})`)
  const { rows } = await sql<Record<string, unknown>>`select ${named(position)} from ${child}
    where (${sql.join(inBytes('c', columns))}) in (values ${sql.join(those)}) and ${keyed} and (${piece.where})
    limit ${candidateLimit + 1}`.execute(kysely)
  if (rows.length > candidateLimit) return null
  return { rows: rows.length, positions: rows.map((row) => valuesOf(row, position.length)) }
}

/** What the plan takes for orphans: how many, and where they are, of the first `most`. One pass where they are no more. */
export async function seemingOrphans(kysely: AnyKysely, plan: AntiJoin, where: Sql, most: number): Promise<Seeming> {
  if (plan.position.length === 0) return { rows: await countOrphans(kysely, plan, where), positions: [] }
  const positions = await findPositions(kysely, plan, where, most + 1)
  if (positions.length <= most) return { rows: positions.length, positions }
  return { rows: await countOrphans(kysely, plan, where), positions: positions.slice(0, most) }
}

/** Whether the parents of rows that seem orphaned, or of the first of them, are in the table after all. */
export async function anyInHeap(kysely: AnyKysely, plan: AntiJoin, where: Sql, batch: Sql): Promise<boolean> {
  if (!plan.heap) return false
  const keys = sql.join(plan.columns.map((column) => sql`+c.${sql.id(column)}`))
  const { rows } = await sql<{ found: number }>`select exists (
    select 1 from ${plan.heap.table} where ${batch} and ${plan.heap.key} in (
      select ${keys} from ${plan.child} ${plan.join}
      where ${plan.keyed} and ${plan.absent} and (${where}) limit ${candidateLimit})) as found`.execute(kysely)
  return rows[0]?.found === 1
}

/** Counts everything again without the index; what only the index does not find is a phantom. */
export async function withoutIndex(
  kysely: AnyKysely,
  plan: AntiJoin,
  seeming: number,
  samples: number,
): Promise<Pick<Orphans, 'rows' | 'samples' | 'unconfirmed'>> {
  const inHeap = plan.heap ? { ...plan, with: plan.heap.with, join: plan.heap.join } : plan
  const rows = await countOrphans(kysely, inHeap, sql`1`)
  const found = rows === 0 ? [] : await findOrphans(kysely, inHeap, sql`1`, samples)
  return { rows, samples: found, unconfirmed: Math.max(0, seeming - rows) }
}

export async function countOrphans(kysely: AnyKysely, plan: AntiJoin & { with?: Sql }, where: Sql): Promise<number> {
  const { rows } = await sql<{ found: number }>`${plan.with ?? sql``}
    select count(*) as found from ${plan.child} ${plan.join}
    where ${plan.keyed} and ${plan.absent} and (${where})`.execute(kysely)
  return rows[0]?.found ?? 0
}

/** How many rows speak for a relationship: that matters where nobody declared it. */
export async function countKeyed(kysely: AnyKysely, { declared, child, keyed }: AntiJoin, where: Sql): Promise<number> {
  if (declared) return 0
  const { rows } = await sql<{ found: number }>`
    select count(*) as found from ${child} where ${keyed} and (${where})`.execute(kysely)
  return rows[0]?.found ?? 0
}

export async function findPositions(kysely: AnyKysely, plan: AntiJoin, where: Sql, limit: number): Promise<Position[]> {
  const { rows } = await sql<Record<string, unknown>>`select ${named(plan.position)}
    from ${plan.child} ${plan.join} where ${plan.keyed} and ${plan.absent} and (${where}) limit ${limit}`.execute(
    kysely,
  )
  return rows.map((row) => valuesOf(row, plan.position.length))
}

export async function findOrphans(
  kysely: AnyKysely,
  plan: AntiJoin & { with?: Sql },
  where: Sql,
  limit: number,
): Promise<Orphan[]> {
  const addresses = plan.address.map(({ ref }, at) => sql`${ref} as ${sql.id(`a${at}`)}`)
  const keys = plan.columns.map((column, at) => sql`c.${sql.id(column)} as ${sql.id(`k${at}`)}`)
  const { rows } = await sql<Record<string, unknown>>`${plan.with ?? sql``}
    select ${sql.join([...addresses, ...keys])}
    from ${plan.child} ${plan.join} where ${plan.keyed} and ${plan.absent} and (${where}) limit ${limit}`.execute(
    kysely,
  )
  return rows.map((row) => ({
    row: Object.fromEntries(plan.address.map(({ name }, at) => [name, row[`a${at}`]])),
    key: Object.fromEntries(plan.columns.map((name, at) => [name, row[`k${at}`]])),
  }))
}

/** Whether a key is looked up in the table's own b-tree: an alias of the rowid, or the key of a table without one. */
function isTableKey(table: Table, columns: readonly string[]): boolean {
  return sameSet(primaryKeyOf(table), columns) && (!table.addressable || rowidAlias(table) !== null)
}

function sameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name) => other.includes(name))
}
