import { type RawBuilder, sql } from 'kysely'
import type { Limits } from '../../contracts/limits.js'
import { type Catalog, findTable, type Table } from '../catalog.js'
import type { Answer, AnyKysely, Orphan, Orphans, Relationship } from '../dialect.js'
import { inBatches, named, positionOf, primaryKeyOf, rowidAlias, rowidOf, valuesOf } from './batches.js'
import { absentByRuns, type RowidKey } from './runs-of-keys.js'

type Sql = RawBuilder<unknown>

interface World {
  readonly read: <T>(work: (kysely: AnyKysely) => Promise<T>) => Promise<Answer<T>>
  readonly catalog: Catalog
  /** Whether one long transaction leaves writers alone. */
  readonly snapshots: boolean
  /** When (`performance.now()`) the time for it is up. */
  readonly expires: number
  readonly advance?: Limits['advance']
}

/** Rows that one short transaction may visit where a reader's lock stops a writer's commit: some 100 ms of work. */
const rowsAtOnce = { throughIndex: 1_000_000, throughTable: 150_000 }
/** Rows that a look at each parent gets through in a millisecond, on a slow machine: what will not fit is scanned so that its share is known. */
const rowsInMillisecond = 250
/** Rows of a child from which on it pays to ask for its parent's keys first. */
const fewestForRuns = 20_000
/** Rows of a table that are scanned at once where nobody has to see how far it is; through an index they always are. */
const rowsUnseen = 2_000_000
/** Orphans of a windowed scan that are looked at again in one transaction. */
const candidateLimit = 1000

/**
 * Scans a relationship. In rollback mode a long scan is cut into batches of the table's own order, and what it found is confirmed in one fresh
 * transaction: a row that was written meanwhile is never called an orphan. Then their keys are looked for in the parent's table itself:
 * an index that lost a key must not make orphans either.
 */
export async function scanOrphans(world: World, relationship: Relationship, samples: number): Promise<Answer<Orphans>> {
  const plan = planOf(world.catalog, relationship)
  const { rowid } = plan
  const atOnce = (kysely: AnyKysely) => scanAtOnce(kysely, plan, samples, 0)
  if (plan.position.length === 0 || (world.snapshots && !rowid)) return world.read(atOnce)
  if (!rowid) return scanInWindows(world, plan, samples)

  const scanned = await world.read(async (kysely): Promise<Bounds | Orphans> => {
    const bounds = await boundsOf(kysely, plan.childTable, rowid)
    const rows = Number(BigInt(bounds.high) - BigInt(bounds.low)) + 1
    const fits = rows < rowsInMillisecond * (world.expires - performance.now())
    const whole = fits && (plan.indexed || rows < rowsUnseen)
    return rows <= plan.rowsAtOnce || (world.snapshots && whole) ? scanAtOnce(kysely, plan, samples, rows) : bounds
  })
  if (scanned.outcome === 'failed') return scanned
  if (!('low' in scanned.value)) return { outcome: 'answered', value: scanned.value }
  return scanInWindows(world, plan, samples, scanned.value)
}

interface Bounds {
  readonly low: Rowid
  readonly high: Rowid
}

type Rowid = number | bigint

interface Plan {
  readonly childTable: Sql
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
  readonly rowsAtOnce: number
  /** An index of the child begins with the key. */
  readonly indexed: boolean
  readonly declared: boolean
  readonly keyed: Sql
  readonly join: Sql
  readonly absent: Sql
  /** The parent's key, where it is one integer and its table's own b-tree. */
  readonly rowidKey: RowidKey | null
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

function planOf(catalog: Catalog, relationship: Relationship): Plan {
  const { child, columns, parent, parentColumns, operators, kind, none = [] } = relationship
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
  const indexed = catalog.indexes.some(
    (index) =>
      index.table === child.name && !index.partial && columns.every((column, at) => index.columns[at] === column),
  )
  return {
    childTable: sql.id(child.name),
    child: sql`${sql.id(child.name)} c`,
    childHeap: sql`${sql.id(child.name)} c not indexed`,
    columns,
    address: rowid
      ? [{ name: rowidAlias(childTable) ?? 'rowid', ref: sql`c.${rowid}` }]
      : primaryKeyOf(childTable).map((name) => ({ name, ref: sql`c.${sql.id(name)}` })),
    rowid: rowid ?? null,
    position: childTable ? positionOf(childTable, sql`c`) : [],
    indexed,
    rowsAtOnce: indexed ? rowsAtOnce.throughIndex : rowsAtOnce.throughTable,
    declared: operators !== undefined,
    keyed: sql.join(
      [
        ...(kind ? [sql`c.${sql.id(kind.column)} = ${kind.value}`] : []),
        // SQLite takes "is not null" for true on a column that is declared so, whatever it holds.
        ...columns.map((column) => sql`+c.${sql.id(column)} is not null`),
        ...(none.length > 0
          ? columns.map((column) => sql`cast(c.${sql.id(column)} as text) not in (${sql.join(none)})`)
          : []),
      ],
      sql` and `,
    ),
    // A parent that isn't there has no rows.
    ...(parentTable
      ? { join: sql`left join ${source} p on ${on}`, absent: sql`p.${sql.id(parentColumns[0] ?? '')} is null` }
      : { join: sql``, absent: sql`1` }),
    rowidKey: parentTable ? rowidKeyOf(parentTable, parentColumns, columns) : null,
    tableAlone: !catalog.indexes.some(
      (index) =>
        index.table === child.name && index.columns.some((column) => column === null || columns.includes(column)),
    ),
    heap: parentTable && !isTableKey(parentTable, parentColumns) ? heapOf(parentTable, parentColumns, on) : null,
  }
}

function rowidKeyOf(parent: Table, parentColumns: readonly string[], columns: readonly string[]): RowidKey | null {
  const [own, ...more] = columns
  const [key] = parentColumns
  if (own === undefined || key === undefined || more.length > 0 || rowidAlias(parent) !== key) return null
  return { table: sql.id(parent.name), key: sql.id(key), value: sql`+c.${sql.id(own)}` }
}

function heapOf(parent: Table, columns: readonly string[], on: Sql): Plan['heap'] {
  const table = sql`${sql.id(parent.name)} as p not indexed`
  return {
    table,
    key: sql`(${sql.join(columns.map((column) => sql`p.${sql.id(column)}`))})`,
    position: positionOf(parent, sql`p`),
    with: sql`with heap as materialized (select distinct ${sql.join(columns.map((column) => sql.id(column)))} from ${table})`,
    join: sql`left join heap p on ${on}`,
  }
}

/** The same plan, by the parent's keys alone where that is as exact and cheaper. */
async function byRuns(kysely: AnyKysely, plan: Plan, span: number): Promise<Plan> {
  if (!plan.rowidKey || span < fewestForRuns) return plan
  const absent = await absentByRuns(kysely, plan.rowidKey, span)
  return absent === null ? plan : { ...plan, join: sql``, absent }
}

async function boundsOf(kysely: AnyKysely, table: Sql, rowid: Sql): Promise<Bounds> {
  const { rows } = await sql<{ low: Rowid | null; high: Rowid | null }>`
    select (select min(${rowid}) from ${table}) as low, (select max(${rowid}) from ${table}) as high`.execute(kysely)
  return { low: rows[0]?.low ?? 0, high: rows[0]?.high ?? 0 }
}

/** The same plan, through the child's table alone. */
function inTable(plan: Plan): Plan {
  return { ...plan, child: plan.childHeap }
}

/** In one transaction, of a table with as many rows, or gaps between them, as `span`. */
async function scanAtOnce(kysely: AnyKysely, plan: Plan, samples: number, span: number): Promise<Orphans> {
  const fast = await byRuns(kysely, plan, span)
  const keyed = await countKeyed(kysely, plan, sql`1`)
  const seeming = await seemingOrphans(kysely, fast, sql`1`, candidateLimit)
  if (seeming.rows === 0) return { rows: 0, keyed, samples: [], unconfirmed: 0, misread: 0 }
  // What an index of the child says of a key counts only where the child's own row says it: looked at again row by row, where they are few.
  const few = seeming.positions.length === seeming.rows
  const again = few ? among(plan, seeming.positions) : sql`1`
  const own = inTable(few ? plan : fast)
  const rows = plan.tableAlone ? seeming.rows : await countOrphans(kysely, own, again)
  const misread = Math.max(0, seeming.rows - rows)
  if (rows === 0) return { rows, keyed, samples: [], unconfirmed: 0, misread }
  if (await anyInHeap(kysely, own, again, sql`1`))
    return { ...(await withoutIndex(kysely, inTable(fast), rows, samples)), keyed, misread }
  return { rows, keyed, samples: await findOrphans(kysely, own, again, samples), unconfirmed: 0, misread }
}

/** What the plan takes for orphans: how many, and where they are, of the first `most`. One pass where they are no more. */
async function seemingOrphans(
  kysely: AnyKysely,
  plan: Plan,
  where: Sql,
  most: number,
): Promise<{ rows: number; positions: readonly Sql[] }> {
  if (plan.position.length === 0) return { rows: await countOrphans(kysely, plan, where), positions: [] }
  const positions = await findPositions(kysely, plan, where, most + 1)
  if (positions.length <= most) return { rows: positions.length, positions }
  return { rows: await countOrphans(kysely, plan, where), positions: positions.slice(0, most) }
}

/** Rows at these positions. */
function among({ position }: Plan, positions: readonly Sql[]): Sql {
  return sql`(${sql.join(position)}) in (values ${sql.join(positions)})`
}

async function scanInWindows(
  world: World,
  plan: Plan,
  samples: number,
  bounds: Bounds | null = null,
): Promise<Answer<Orphans>> {
  let [rows, keyed] = [0, 0]
  let reached: unknown
  const candidates: Sql[] = []
  // Parents that come later have later children: those only seem orphaned, and are looked at again below.
  const span = bounds === null ? 0 : doneOf(bounds, bounds.high)[1]
  const known = await world.read((kysely) => byRuns(kysely, plan, span))
  if (known.outcome === 'failed') return known
  const fast = known.value
  const scanned = await inBatches(world.read, plan.child, plan.position, async (kysely, batch, end) => {
    const seeming = await seemingOrphans(kysely, fast, batch, candidateLimit - candidates.length)
    candidates.push(...seeming.positions)
    rows += seeming.rows
    keyed += await countKeyed(kysely, plan, batch)
    reached = end?.[0]
    if (bounds && isRowid(reached)) world.advance?.(...doneOf(bounds, reached))
  })
  if (scanned.outcome === 'failed') {
    const share = bounds && shareOf(bounds, reached, rows)
    return share === null || scanned.reason !== 'deadline' ? scanned : { ...scanned, text: `${scanned.text}; ${share}` }
  }
  if (rows === 0) return { outcome: 'answered', value: { rows, keyed, samples: [], unconfirmed: 0, misread: 0 } }

  const own = inTable(plan)
  const again = among(plan, candidates)
  const confirmed = await world.read(async (kysely) => ({
    rows: rows - candidates.length + (await countOrphans(kysely, own, again)),
    samples: await findOrphans(kysely, own, again, samples),
  }))
  if (confirmed.outcome === 'failed') return confirmed

  let unconfirmed = false
  const lookIn = async (kysely: AnyKysely, batch: Sql) => {
    unconfirmed ||= await anyInHeap(kysely, plan, again, batch)
  }
  const looked = plan.heap?.position.length
    ? await inBatches(world.read, plan.heap.table, plan.heap.position, lookIn)
    : await world.read((kysely) => lookIn(kysely, sql`1`))
  if (looked.outcome === 'failed') return looked
  if (!unconfirmed) return { outcome: 'answered', value: { ...confirmed.value, keyed, unconfirmed: 0, misread: 0 } }
  return world.read(async (kysely) => ({
    ...(await withoutIndex(kysely, plan, confirmed.value.rows, samples)),
    ...{ keyed, misread: 0 },
  }))
}

function isRowid(value: unknown): value is Rowid {
  return typeof value === 'number' || typeof value === 'bigint'
}

/** How many rowids of how many come before one. */
function doneOf({ low, high }: Bounds, reached: Rowid): [done: number, of: number] {
  return [Number(BigInt(reached) - BigInt(low)), Number(BigInt(high) - BigInt(low)) + 1]
}

/** How much of a table was compared before the time was up; null where that was nothing. */
function shareOf({ low, high }: Bounds, reached: unknown, rows: number): string | null {
  if (!isRowid(reached)) return null
  const [done, of] = doneOf({ low, high }, reached)
  const seen = `rowids ${low} to ${BigInt(reached) - 1n} of ${high} were compared (${Math.floor((100 * done) / of)} %)`
  return `${seen}${rows === 0 ? ', and each has its parent' : `; ${rows} of them seem to have no parent`}`
}

/** Whether the parents of rows that seem orphaned, or of the first of them, are in the table after all. */
async function anyInHeap(kysely: AnyKysely, plan: Plan, where: Sql, batch: Sql): Promise<boolean> {
  if (!plan.heap) return false
  const keys = sql.join(plan.columns.map((column) => sql`+c.${sql.id(column)}`))
  const { rows } = await sql<{ found: number }>`select exists (
    select 1 from ${plan.heap.table} where ${batch} and ${plan.heap.key} in (
      select ${keys} from ${plan.child} ${plan.join}
      where ${plan.keyed} and ${plan.absent} and (${where}) limit ${candidateLimit})) as found`.execute(kysely)
  return rows[0]?.found === 1
}

/** Counts everything again without the index; what only the index does not find is a phantom. */
async function withoutIndex(
  kysely: AnyKysely,
  plan: Plan,
  seeming: number,
  samples: number,
): Promise<Pick<Orphans, 'rows' | 'samples' | 'unconfirmed'>> {
  const inHeap = plan.heap ? { ...plan, with: plan.heap.with, join: plan.heap.join } : plan
  const rows = await countOrphans(kysely, inHeap, sql`1`)
  const found = rows === 0 ? [] : await findOrphans(kysely, inHeap, sql`1`, samples)
  return { rows, samples: found, unconfirmed: Math.max(0, seeming - rows) }
}

async function countOrphans(kysely: AnyKysely, plan: Plan & { with?: Sql }, where: Sql): Promise<number> {
  const { rows } = await sql<{ found: number }>`${plan.with ?? sql``}
    select count(*) as found from ${plan.child} ${plan.join}
    where ${plan.keyed} and ${plan.absent} and (${where})`.execute(kysely)
  return rows[0]?.found ?? 0
}

/** How many rows speak for a relationship: that matters where nobody declared it. */
async function countKeyed(kysely: AnyKysely, { declared, child, keyed }: Plan, where: Sql): Promise<number> {
  if (declared) return 0
  const { rows } = await sql<{ found: number }>`
    select count(*) as found from ${child} where ${keyed} and (${where})`.execute(kysely)
  return rows[0]?.found ?? 0
}

async function findPositions(kysely: AnyKysely, plan: Plan, where: Sql, limit: number): Promise<Sql[]> {
  const { rows } = await sql<Record<string, unknown>>`select ${named(plan.position)}
    from ${plan.child} ${plan.join} where ${plan.keyed} and ${plan.absent} and (${where}) limit ${limit}`.execute(
    kysely,
  )
  return rows.map((row) => sql`(${sql.join(valuesOf(row, plan.position.length))})`)
}

async function findOrphans(
  kysely: AnyKysely,
  plan: Plan & { with?: Sql },
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
