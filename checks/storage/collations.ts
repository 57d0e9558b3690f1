import {
  type AnyKysely,
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
  recorded: string
  indexes: readonly Ordered[]
}

/** An index that is ordered by a collation. */
interface Ordered {
  collation: number
  schema: string
  index: string
  table: string
}

interface Evidence {
  readonly database: string | undefined
  readonly schema: string
  readonly collation: string
  readonly recorded: string
  readonly actual: string
  readonly indexes: readonly string[]
  readonly tables: readonly string[]
  readonly repair: readonly string[]
}

type Read = Session['read']

const change = ({ database, collation, recorded, actual }: Evidence) =>
  `${database === undefined ? `collation ${quoted(collation)}` : `the collation of database ${quoted(database)}`} has changed from version ${recorded} to ${actual}`

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
    changed: {
      say: (evidence: Evidence) =>
        `${change(evidence)}: ${pluralize(evidence.indexes.length, 'index')} may be out of order: ${listed(evidence.indexes)}`,
      next: ({ repair }: Evidence) => repair,
      repair: reindexing,
    },
    'changed-unused': {
      severity: 'info',
      say: (evidence: Evidence) => `${change(evidence)}: no index is ordered by it`,
      next: ({ repair }: Evidence) => repair,
    },
  },
  run: {
    async postgres({ db, config, report, coverage, skip }) {
      const answer = await driftIn(db.read)
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      const { collations, changed, recorded } = answer.value
      const seen = coverage('collation')
      seen.examined(collations)
      if (!recorded) seen.missing('the default collation', 'unavailable', 'this server records no version of it', true)
      for (const { database, schema, name, recorded: before, actual, indexes } of changed) {
        const own = indexes.filter((one) => !config.schemas || config.schemas.includes(one.schema))
        report(own.length > 0 ? 'changed' : 'changed-unused', {
          database: database ?? undefined,
          schema,
          collation: name,
          recorded: before,
          actual: actual ?? 'unknown',
          indexes: own.map(({ schema: home, index }) => (home === 'public' ? index : `${home}.${index}`)),
          tables: [...new Set(own.map(({ schema: home, table }) => (home === 'public' ? table : `${home}.${table}`)))],
          repair: [
            ...own.map(({ schema: home, index }) => `reindex index concurrently ${identifier(home, index)}`),
            database === null
              ? `alter collation ${identifier(schema, name)} refresh version`
              : `alter database ${identifier(database)} refresh collation version`,
          ],
        })
      }
    },
  },
})

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
    // Where none was recorded, there is nothing that could have changed.
    const changed = all.filter(
      (one): one is Used & { recorded: string } => one.recorded !== null && one.recorded !== one.actual,
    )
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
    select distinct k.oid::int8 as collation, n.nspname as schema, x.relname as index, t.relname as "table"
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
