import { type RawBuilder, sql } from 'kysely'
import { type Catalog, findTable, indexesOf, partitionsOf, type Relation, type Table } from '../catalog.js'
import type { Answer, Read, TransactionSettings } from '../dialect.js'
import { rowsOfEach } from './rows-of-each.js'

/** Locks that one transaction may hold: reading a table locks it and each of its indexes, in a pool that the application shares. */
export const lockLimit = 500
/** For statements that go in one message because each takes a moment: one that takes a second is asked by itself. */
const atOnce = sql`set local statement_timeout = '1s'`
/** Statements that go in one message, at most. */
const batch = 100

/**
 * Reads the first row of each table: proves that it opens and that its first page can be read, not that all its data is intact.
 * Many statements a round trip; a batch that fails is asked again table by table. Without `touch` only the rights are looked up.
 */
export async function readableTables(
  read: Read,
  catalog: Catalog,
  tables: readonly Table[],
  touch: boolean,
): Promise<Answer<true>[]> {
  if (!touch) return rights(read, tables)
  const answers: Answer<true>[] = []
  for (const some of inBatches(tables, (table) => 1 + indexesOf(catalog, table).length)) {
    const together = await firstRows(read, some)
    if (together.outcome === 'answered') answers.push(...some.map(() => together))
    else for (const table of some) answers.push(await firstRow(read, catalog, table))
  }
  return answers
}

/** Counts rows; of the table alone, where others inherit from it, and of all its partitions. */
export async function rowCount(read: Read, table: Table): Promise<Answer<number>> {
  return read(async (kysely) => {
    const { rows } = await sql<{ rows: number }>`select count(*) as rows from ${from(table)}`.execute(kysely)
    return rows[0]?.rows ?? 0
  })
}

/** A relation in a FROM clause. A partitioned table stands for its partitions; any other for itself, not for what inherits from it. */
export function from(relation: Relation) {
  const name = sql.id(relation.schema, relation.name)
  return relation.partitioned ? name : sql`only ${name}`
}

/** Locks that reading a relation takes. */
export function locksOf(catalog: Catalog, relation: Relation): number {
  const own = 1 + indexesOf(catalog, relation).length
  return partitionsOf(catalog, relation).reduce((sum, partition) => sum + locksOf(catalog, partition), own)
}

/** Asks the same of each, many in one message. Answers for those of whose message nothing failed; one alone would save nothing. */
export async function askTogether<Item, Row>(
  read: Read,
  items: readonly Item[],
  locksOf: (item: Item) => number,
  question: (item: Item) => RawBuilder<Row>,
  settings: TransactionSettings = null,
): Promise<ReadonlyMap<Item, readonly Row[]>> {
  const answers = new Map<Item, readonly Row[]>()
  for (const some of inBatches(items, locksOf)) {
    if (some.length === 1) continue
    const questions = some.map(question)
    const answer = await read((kysely) => rowsOfEach(kysely, ...questions), sql`${settings ?? sql``}; ${atOnce}`)
    if (answer.outcome === 'answered')
      for (const [at, item] of some.entries()) answers.set(item, answer.value[at] ?? [])
  }
  return answers
}

/** As many together as one transaction may hold the locks of. */
export function inBatches<Item>(items: readonly Item[], locksOf: (item: Item) => number): Item[][] {
  const all: Item[][] = []
  let locks = lockLimit
  for (const item of items) {
    const more = locksOf(item)
    if (locks + more > lockLimit || (all.at(-1)?.length ?? batch) === batch) {
      all.push([])
      locks = 0
    }
    all.at(-1)?.push(item)
    locks += more
  }
  return all
}

async function firstRows(read: Read, tables: readonly Table[]): Promise<Answer<true>> {
  return read(async (kysely) => {
    const looks = tables.map((table) => sql`select 1 from only ${sql.id(table.schema, table.name)} limit 1`)
    await rowsOfEach(kysely, ...looks)
    return true as const
  })
}

/** A role may have rights on a partitioned table and none on its partitions: then they are read through it. */
async function firstRow(read: Read, catalog: Catalog, table: Table): Promise<Answer<true>> {
  const answer = await firstRows(read, [table])
  const root = rootOf(catalog, table)
  if (answer.outcome === 'answered' || answer.reason !== 'no-permission' || root === table) return answer
  return locksOf(catalog, root) > lockLimit
    ? rights(read, [root]).then(([right]) => right ?? answer)
    : throughRoot(read, root, table)
}

async function throughRoot(read: Read, root: Table, { schema, name }: Table): Promise<Answer<true>> {
  return read(async (kysely) => {
    await sql`select 1 from ${from(root)} where tableoid = (select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = ${schema} and c.relname = ${name}) limit 1`.execute(kysely)
    return true as const
  })
}

function rootOf(catalog: Catalog, table: Table): Table {
  const parent = table.partitionOf && findTable(catalog, table.partitionOf)
  return parent ? rootOf(catalog, parent) : table
}

async function rights(read: Read, tables: readonly Table[]): Promise<Answer<true>[]> {
  const answer = await read(async (kysely) => {
    const { rows } = await sql<{ denied: number }>`
      select asked.position - 1 as denied
      from unnest(${tables.map(({ schema }) => schema)}::text[], ${tables.map(({ name }) => name)}::text[])
        with ordinality as asked (schema, name, position)
      join pg_namespace n on n.nspname = asked.schema
      join pg_class c on c.relnamespace = n.oid and c.relname = asked.name
      where not (has_schema_privilege(n.oid, 'usage') and has_any_column_privilege(c.oid, 'select'))`.execute(kysely)
    return new Set(rows.map(({ denied }) => denied))
  })
  if (answer.outcome === 'failed') return tables.map(() => answer)
  return tables.map((_, at) =>
    answer.value.has(at)
      ? { outcome: 'failed', reason: 'no-permission', code: '42501', text: 'the role may not select from it' }
      : { outcome: 'answered', value: true },
  )
}
