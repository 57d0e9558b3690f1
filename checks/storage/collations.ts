import {
  type AnyKysely,
  ahead,
  defineCheck,
  identifier,
  listed,
  pluralize,
  quoted,
  type Repair,
  rowsOfEach,
  type Session,
  sql,
} from 'dbdoctor'

interface Used {
  /** The database whose default collation it is; null for any other. */
  database: string | null
  oid: number
  schema: string
  name: string
  recorded: string | null
  actual: string | null
}

interface Drift extends Used {
  indexes: readonly Ordered[]
}

/** An index that is ordered by a collation. */
interface Ordered {
  collation: number
  schema: string
  index: string
  table: string
  /** Its first column, where that is a text ordered by the collation, and the index is a b-tree of all rows. */
  column: string | null
}

interface Evidence {
  readonly database: string | undefined
  readonly schema: string
  readonly collation: string
  readonly recorded: string | null
  readonly actual: string
  readonly indexes: readonly string[]
  /** Those among them that have been seen to be out of order. */
  readonly disordered: readonly string[]
  readonly tables: readonly string[]
  readonly repair: readonly string[]
}

type Read = Session['read']

/** So many entries at either end of an index are looked at. */
const sampled = 10_000

const change = ({ database, collation, recorded, actual }: Evidence) => {
  const what =
    database === undefined ? `collation ${quoted(collation)}` : `the collation of database ${quoted(database)}`
  return recorded === null
    ? `${what} is of version ${actual} here, and came from a system that tells none (musl, as in Alpine images)`
    : `${what} has changed from version ${recorded} to ${actual}`
}
const doubtful = (evidence: Evidence) =>
  `${change(evidence)}: ${pluralize(evidence.indexes.length, 'index')} may be out of order: ${listed(evidence.indexes)}`

const reindexing = ({ repair, collation }: Evidence): Repair[] => [
  {
    kind: 'statements',
    class: 'safe',
    what: `rebuild what is ordered by collation ${quoted(collation)}, and refresh its version`,
    statements: repair,
    lock: 'SHARE UPDATE EXCLUSIVE on the tables, one after the other',
    alone: true,
  },
]

export default defineCheck({
  id: 'storage/collations',
  title: 'Indexes are ordered by the collations of this system',
  severity: 'warning',
  after: ['connection/opens'],
  docs: {
    why: 'An upgrade of the operating system changes how text sorts. Indexes built before are in the old order: rows are not found, and unique indexes let duplicates in.',
    fix: 'Reindex the indexes that are named, then tell the server that it is done: alter collation … refresh version, or alter database … refresh collation version.',
  },
  messages: {
    'out-of-order': {
      severity: 'error',
      say: (evidence: Evidence) => {
        const { indexes, disordered } = evidence
        const more = indexes.length - disordered.length
        const others = more > 0 ? `, and ${more} more may be` : ''
        return `${change(evidence)}: ${listed(disordered)} ${disordered.length === 1 ? 'is' : 'are'} out of order, and what is there is not found${others}`
      },
      next: ({ repair }: Evidence) => repair,
      repair: reindexing,
    },
    changed: {
      say: doubtful,
      next: ({ repair }: Evidence) => repair,
      repair: reindexing,
    },
    unrecorded: {
      severity: 'info',
      say: doubtful,
    },
    'changed-unused': {
      severity: 'info',
      say: (evidence: Evidence) => `${change(evidence)}: no index is ordered by it`,
      next: ({ repair }: Evidence) => repair,
    },
  },
  run: {
    async postgres({ db, config, depth, report, coverage, skip }) {
      const answer = await driftIn(db.read)
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      const { collations, changed, recorded } = answer.value
      const seen = coverage('collation')
      seen.examined(collations)
      if (!recorded) seen.missing('the default collation', 'unavailable', 'this server records no version of it', true)
      for (const { database, schema, name, recorded: before, actual, indexes } of changed) {
        const own = indexes.filter((one) => !config.schemas || config.schemas.includes(one.schema))
        if (before === null && own.length === 0) continue
        const disordered = depth === 'quick' ? [] : await disorderedAmong(db, own)
        const code = disordered.length > 0 ? 'out-of-order' : before === null ? 'unrecorded' : 'changed'
        report(own.length > 0 ? code : 'changed-unused', {
          database: database ?? undefined,
          schema,
          collation: name,
          recorded: before,
          actual: actual ?? 'unknown',
          indexes: own.map(({ schema: home, index }) => named(home, index)),
          disordered: disordered.map(({ schema: home, index }) => named(home, index)),
          tables: [...new Set(own.map(({ schema: home, table }) => named(home, table)))],
          repair: [
            ...own.map(({ schema: home, index }) => `reindex index concurrently ${identifier(home, index)}`),
            // Where none is recorded it is refused.
            ...(before === null ? [] : [refreshing(database, identifier(schema, name))]),
          ],
        })
      }
    },
  },
})

function named(schema: string, name: string): string {
  return schema === 'public' ? name : `${schema}.${name}`
}

function refreshing(database: string | null, collation: string): string {
  return database === null
    ? `alter collation ${collation} refresh version`
    : `alter database ${identifier(database)} refresh collation version`
}

/** Those whose entries at an end are in another order than their collation has them here. */
async function disorderedAmong(db: Session, indexes: readonly Ordered[]): Promise<readonly Ordered[]> {
  const found: Ordered[] = []
  for await (const [index, answer] of ahead(indexes, (one) => db.read((kysely) => isDisordered(kysely, one), byIndex)))
    if (answer.outcome === 'answered' && answer.value) found.push(index)
  return found
}

const byIndex = sql`set local enable_seqscan = off; set local enable_sort = off; set local enable_bitmapscan = off`

/** Whether an entry of the index comes after one that is greater; false where the server would not read through this index. */
async function isDisordered(kysely: AnyKysely, { schema, table, index, column }: Ordered): Promise<boolean> {
  if (column === null) return false
  const value = sql.id(column)
  const from = (end: typeof value) =>
    sql`select ${value} as v from only ${sql.id(schema, table)} where ${value} is not null order by ${value} ${end} limit ${sql.lit(sampled)}`
  const plan = await sql`explain (format json) ${from(sql`asc`)}`.execute(kysely)
  if (!JSON.stringify(plan.rows).includes(`"Index Name":${JSON.stringify(index)}`)) return false
  const wrong = (end: typeof value, comes: typeof value) =>
    sql`(select bool_or(before ${comes} v) from (select v, lag(v) over () as before from (${from(end)}) entries) pairs)`
  const { rows } = await sql<{ wrong: boolean | null }>`
    select ${wrong(sql`asc`, sql`>`)} or ${wrong(sql`desc`, sql`<`)} as wrong`.execute(kysely)
  return rows[0]?.wrong ?? false
}

/**
 * Collations that indexes are ordered by, and those among them whose version differs from the recorded one. Servers before PostgreSQL 15
 * record none for the database's own.
 */
async function driftIn(read: Read) {
  return read(async (kysely) => {
    const [used, versions] = await rowsOfEach(
      kysely,
      sql<Used>`
        select null as database, c.oid::int8 as oid, n.nspname as schema, c.collname as name, c.collversion as recorded,
          pg_collation_actual_version(c.oid) as actual
        from pg_collation c join pg_namespace n on n.oid = c.collnamespace
        where c.collprovider <> 'd' and c.oid in (
          select k.oid from (select distinct i.indcollation, i.indclass from ${trees}) i ${orders})
        order by c.collname`,
      sql<{ recorded: boolean }>`
        select current_setting('server_version_num')::int >= 150000 as recorded`,
    )
    const recorded = versions[0]?.recorded ?? false
    const { rows: own } = recorded
      ? await sql<Used>`
          select datname as database, 'pg_catalog."default"'::regcollation::oid::int8 as oid, 'pg_catalog' as schema, 'default' as name,
            datcollversion as recorded, pg_database_collation_actual_version(oid) as actual
          from pg_database where datname = current_database()`.execute(kysely)
      : { rows: [] }
    const all = [...own, ...used]
    const changed = all.filter((one) => one.recorded !== one.actual)
    const indexes = changed.length > 0 ? await orderedBy(kysely, changed) : []
    return {
      collations: all.length,
      changed: changed.map(
        (one): Drift => ({ ...one, indexes: indexes.filter(({ collation }) => collation === one.oid) }),
      ),
      recorded,
    }
  })
}

async function orderedBy(kysely: AnyKysely, collations: readonly Used[]): Promise<readonly Ordered[]> {
  const { rows } = await sql<Ordered>`
    select distinct k.oid::int8 as collation, n.nspname as schema, x.relname as index, t.relname as "table",
      (select f.attname from pg_attribute f where f.attrelid = i.indrelid and f.attnum = i.indkey[0] and i.indcollation[0] = k.oid
        and f.atttypid in ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype) and a.amname = 'btree' and i.indpred is null and i.indisvalid) as "column"
    from ${trees}
    join pg_class t on t.oid = i.indrelid
    join pg_namespace n on n.oid = x.relnamespace
    ${orders} and k.oid::int8 = any (${collations.map(({ oid }) => oid)}::int8[])
    order by 2, 3`.execute(kysely)
  return rows
}

/** Indexes that lie on disk beyond a session. */
const trees = sql`pg_index i join pg_class x on x.oid = i.indexrelid and x.relkind = 'i' and x.relpersistence <> 't'`

/** Collations that the columns of an index are ordered by. Hashes do not depend on an order, and the operators of `pattern` classes compare bytes. */
const orders = sql`
  cross join lateral unnest(i.indcollation::oid[], i.indclass::oid[]) as k (oid, class)
  join pg_opclass o on o.oid = k.class and o.opcname !~ '_pattern_ops$'
  join pg_am a on a.oid = o.opcmethod and a.amname <> 'hash'
  where k.oid <> 0`
