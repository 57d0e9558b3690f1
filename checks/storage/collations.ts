import { defineCheck, listed, pluralize, quoted, type Repair, type Session, sql } from 'dbdoctor'

interface Drift {
  /** The database whose default collation it is; null for any other. */
  database: string | null
  schema: string
  name: string
  recorded: string
  actual: string | null
  indexes: readonly [schema: string, index: string, table: string][]
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
        const own = indexes.filter(([home]) => !config.schemas || config.schemas.includes(home))
        report(own.length > 0 ? 'changed' : 'changed-unused', {
          database: database ?? undefined,
          schema,
          collation: name,
          recorded: before,
          actual: actual ?? 'unknown',
          indexes: own.map(([home, index]) => (home === 'public' ? index : `${home}.${index}`)),
          tables: [...new Set(own.map(([home, , table]) => (home === 'public' ? table : `${home}.${table}`)))],
          repair: [
            ...own.map(([home, index]) => `reindex index concurrently ${identifier(home, index)}`),
            database === null
              ? `alter collation ${identifier(schema, name)} refresh version`
              : `alter database ${identifier(database)} refresh collation version`,
          ],
        })
      }
    },
  },
})

const identifier = (...names: readonly string[]) => names.map((name) => `"${name.replaceAll('"', '""')}"`).join('.')

/**
 * Collations that indexes are ordered by, and those among them whose version differs from the recorded one. Servers before PostgreSQL 15
 * record none for the database's own.
 */
async function driftIn(read: Read) {
  return read(async (kysely) => {
    const { rows: used } = await sql<Drift>`
      with used as materialized (${indexesByCollation})
      select null as database, n.nspname as schema, c.collname as name, c.collversion as recorded,
        pg_collation_actual_version(c.oid) as actual, u.indexes
      from used u join pg_collation c on c.oid = u.oid join pg_namespace n on n.oid = c.collnamespace
      where c.collprovider <> 'd' order by c.collname`.execute(kysely)
    const { rows: versions } = await sql<{ recorded: boolean }>`
      select current_setting('server_version_num')::int >= 150000 as recorded`.execute(kysely)
    const recorded = versions[0]?.recorded ?? false
    const { rows: own } = recorded
      ? await sql<Drift>`
          with used as materialized (${indexesByCollation})
          select d.datname as database, 'pg_catalog' as schema, 'default' as name, d.datcollversion as recorded,
            pg_database_collation_actual_version(d.oid) as actual,
            coalesce((select u.indexes from used u where u.oid = 'pg_catalog."default"'::regcollation), '[]') as indexes
          from pg_database d where d.datname = current_database()`.execute(kysely)
      : { rows: [] }
    const all = [...own, ...used]
    // Where none was recorded, there is nothing that could have changed.
    const changed = all.filter(({ recorded: before, actual }) => before !== null && before !== actual)
    return { collations: all.length, changed, recorded }
  })
}

/** Hashes do not depend on an order, and the operators of `pattern` classes compare bytes. */
const indexesByCollation = sql`
  select uses.oid, json_agg(json_build_array(nspname, relname, tablename) order by nspname, relname) as indexes
  from (
    select distinct k.oid, n.nspname, x.relname, t.relname as tablename
    from pg_index i
    join pg_class x on x.oid = i.indexrelid and x.relkind = 'i' and x.relpersistence <> 't'
    join pg_class t on t.oid = i.indrelid
    join pg_namespace n on n.oid = x.relnamespace
    join pg_am a on a.oid = x.relam and a.amname <> 'hash'
    cross join lateral unnest(i.indcollation::oid[], i.indclass::oid[]) as k (oid, class)
    join pg_opclass o on o.oid = k.class and o.opcname !~ '_pattern_ops$'
    where k.oid <> 0
  ) uses
  group by uses.oid`
