/** A relation's name as the database gives it. */
export interface Relation {
  readonly schema: string
  readonly name: string
  /** It stands for its partitions, which hold the rows. */
  readonly partitioned?: boolean
}

/** What the database declares: read once a run by a handful of set-based queries. Plain data; checks over it are pure. */
export interface Catalog {
  /** All that there are, but for the engine's own. */
  readonly schemas: readonly string[]
  readonly tables: readonly Table[]
  readonly indexes: readonly Index[]
  readonly foreignKeys: readonly ForeignKey[]
  readonly checks: readonly CheckConstraint[]
  readonly sequences: readonly Sequence[]
  readonly triggers: readonly Trigger[]
  /** Tables of rows that were moved aside. They are in none of the other lists. */
  readonly quarantine: readonly Relation[]
  /** The schema that needs no prefix when a name is printed. */
  readonly defaultSchema: string
}

export interface Table extends Relation {
  /** `partition`: of a partitioned table, which stands for it in counts. `shadow`: kept by a virtual table. */
  readonly kind: 'table' | 'partitioned' | 'partition' | 'foreign' | 'virtual' | 'shadow' | 'view' | 'materialized view'
  readonly partitionOf: Relation | null
  readonly columns: readonly Column[]
  /** Primary key first. Columns of every key that a foreign key may reference. */
  readonly keys: readonly Key[]
  readonly rowsEstimate: number | null
  readonly bytesEstimate: number | null
  /** Whether rows have a rowid (SQLite) or a ctid (PostgreSQL) to find them by. */
  readonly addressable: boolean
  /** Whether it keeps rows of its own here: not a partitioned parent, a foreign table, or an unlogged table on a standby. */
  readonly stored: boolean
}

export interface Column {
  readonly name: string
  /** The declared type, without modifiers: `integer`, `character varying`; empty where SQLite has none. */
  readonly type: string
  /** Its type is one of labels that the catalog keeps (`create type … as enum`). */
  readonly enumerated: boolean
  readonly nullable: boolean
  readonly generated: boolean
  readonly default: string | null
}

export interface Key {
  readonly primary: boolean
  readonly columns: readonly string[]
  /** By what rules its index compares each column: what is typed after COLLATE, schema first; null where the type knows none. */
  readonly collations: readonly (readonly string[] | null)[]
  /** Whether rows with a null in it are all different, as the standard has it. */
  readonly nullsDistinct: boolean
}

export interface Index extends Relation {
  readonly table: string
  /** Null where an expression is indexed. */
  readonly columns: readonly (string | null)[]
  readonly unique: boolean
  readonly valid: boolean
  readonly ready: boolean
  /** Somebody is building it right now: not valid yet, and not broken. Null on a standby, where only its primary knows. */
  readonly building: boolean | null
  readonly partial: boolean
  readonly expression: boolean
  /** The kind of constraint that it backs, if any. */
  readonly backs: 'primary key' | 'unique' | 'exclusion' | null
  /** Belongs to a partition, and is counted with its parent. */
  readonly ofPartition: boolean
  /** It is a part of a partitioned index. */
  readonly attached: boolean
}

export interface ForeignKey {
  /** Null where SQLite has none. */
  readonly name: string | null
  readonly child: Relation
  readonly columns: readonly string[]
  readonly parent: Relation
  /** Empty where `fault` says that there are none to compare with. */
  readonly parentColumns: readonly string[]
  readonly match: 'simple' | 'full' | 'partial'
  readonly validated: boolean
  readonly enforced: boolean
  readonly deferrable: boolean
  /** The equality operators, schema and name, a column each; null where plain `=` is meant. */
  readonly operators: readonly Relation[] | null
  /** SQLite lets a schema declare what cannot work: no such parent table, or no key of the parent on these columns. */
  readonly fault: 'parent-missing' | 'mismatch' | null
}

export interface CheckConstraint {
  readonly name: string | null
  readonly table: Relation
  readonly definition: string
  readonly validated: boolean
}

export interface Sequence extends Relation {
  readonly start: number
  readonly increment: number
  readonly ownedBy: { readonly table: Relation; readonly column: string } | null
}

export interface Trigger {
  readonly name: string
  readonly table: Relation
  readonly enabled: boolean
}

/** A name for a sentence: with its schema where that isn't the default one. */
export function nameOf(relation: Relation, catalog: Pick<Catalog, 'defaultSchema'>): string {
  return relation.schema === catalog.defaultSchema ? relation.name : `${relation.schema}.${relation.name}`
}

/** The name itself, of one as `nameOf` has it. */
export function ownName(schema: string, name: string): string {
  return name.startsWith(`${schema}.`) ? name.slice(schema.length + 1) : name
}

/**
 * Whether a primary key may have no value, as SQLite allows for the sake of old files, unless it is the rowid, which no index holds:
 * https://www.sqlite.org/lang_createtable.html#the_primary_key.
 */
export function allowsNull({ columns }: Table, key: Key): boolean {
  if (key.collations.includes(null)) return false
  return key.columns.some((column) => columns.some(({ name, nullable }) => name === column && nullable))
}

/** The tables that a user would count: partitions, shadow tables and what lives elsewhere are left out. */
export function countedTables(catalog: Catalog): Table[] {
  const counted: readonly Table['kind'][] = ['table', 'partitioned', 'virtual']
  return catalog.tables.filter(({ kind, partitionOf }) => counted.includes(kind) && partitionOf === null)
}

/** The indexes that a user would count: one of a partition is a part of its parent's. */
export function countedIndexes(catalog: Catalog): Index[] {
  return catalog.indexes.filter(({ ofPartition }) => !ofPartition)
}

/** The relations that hold a table's rows: itself, or the partitions of its partitions. */
export function leavesOf(catalog: Catalog, relation: Relation): Table[] {
  const table = findTable(catalog, relation)
  if (!relation.partitioned) return table ? [table] : []
  return partitionsOf(catalog, relation).flatMap((partition) => leavesOf(catalog, partition))
}

/** Whether all rows of these relations are on this server: an unlogged table has none on a standby. */
export function heldHere(catalog: Catalog, ...relations: readonly Relation[]): boolean {
  return relations.every((relation) => leavesOf(catalog, relation).every(({ stored }) => stored))
}

/** Whether all of a table is read in a moment. One that was never analysed is taken for small, where the catalog has its size at all. */
export function isSmall({ bytesEstimate }: Table): boolean {
  return bytesEstimate !== null && bytesEstimate < small
}

/** Bytes of a table that is read in a moment. */
export const small = 256 * 1024

/** The partitions of a relation, one level down. */
export function partitionsOf({ tables }: Catalog, relation: Relation): readonly Table[] {
  return named(partitionsByParent, tables, relation, ({ partitionOf }) => partitionOf)
}

/** The indexes of a table. */
export function indexesOf({ indexes }: Catalog, table: Relation): readonly Index[] {
  return named(indexesByTable, indexes, table, (index) => ({ schema: index.schema, name: index.table }))
}

/** The CHECK clauses of a table. */
export function checksOf({ checks }: Catalog, table: Relation): readonly CheckConstraint[] {
  return named(checksByTable, checks, table, (check) => check.table)
}

/** The table of this name, if there is one: the first, where there are more. */
export function findTable({ tables }: Catalog, relation: Relation): Table | undefined {
  return named(tablesByName, tables, relation, (table) => table)[0]
}

/** Items by the name of a relation: in catalogs of thousands nobody should look through all of them each time. */
type ByName<T> = WeakMap<readonly T[], ReadonlyMap<string, readonly T[]>>
const tablesByName: ByName<Table> = new WeakMap()
const partitionsByParent: ByName<Table> = new WeakMap()
const checksByTable: ByName<CheckConstraint> = new WeakMap()
const indexesByTable: ByName<Index> = new WeakMap()

function named<T>(known: ByName<T>, items: readonly T[], wanted: Relation, nameOf: (item: T) => Relation | null) {
  let groups = known.get(items)
  if (!groups) {
    groups = groupBy(items, (item) => {
      const name = nameOf(item)
      return name === null ? '' : keyOf(name)
    })
    known.set(items, groups)
  }
  return groups.get(keyOf(wanted)) ?? []
}

function keyOf({ schema, name }: Relation): string {
  return `${schema}\0${name}`
}

/** Items by key, in the order in which the keys first come. */
export function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}
