import { defineCheck, quoted, remarked, type Session, sql, z } from 'dbdoctor'

/** Identifiers of one kind, by what is oldest. */
interface Age {
  readonly kind: 'transaction' | 'multixact'
  readonly database: string
  readonly here: boolean
  readonly age: number
  /** At what age autovacuum freezes in any case. */
  readonly frozen: number
  readonly tables: readonly string[]
}

/** Ids are compared in a circle: half of 2^32 lies in the past. https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND */
const horizon = 2 ** 31

const millions = (count: number) => `${(count / 1e6).toFixed(count < 1e8 ? 1 : 0)} million`

export default defineCheck({
  id: 'storage/wraparound',
  title: 'Transaction ids are frozen in time',
  severity: 'warning',
  after: ['connection/opens'],
  docs: {
    why: 'A server whose oldest transaction ids were not frozen in time refuses every write, and says so only when it is nearly too late.',
    fix: 'Find what holds vacuum back (long transactions, prepared ones, slots), then vacuum the oldest tables.',
  },
  options: z.strictObject({
    warn: z.number().min(0).max(1).default(0.4).describe('share of the ids that may be in use'),
    fail: z.number().min(0).max(1).default(0.9).describe('share at which it becomes an error'),
  }),
  messages: {
    old: {
      severity: ({ share, fail }: { share: number; fail: number }) => (share >= fail ? 'error' : 'warning'),
      say: ({ kind, database, age, share }: Age & { share: number; fail: number }) =>
        `the oldest ${kind} id of database ${quoted(database)} is ${millions(age)} old, ${Math.floor(share * 100)} % of what there is: writes stop at the end`,
      next: ({ tables, database, here }: Age) => [
        'Look first at what holds vacuum back: pg_stat_activity by backend_xmin, pg_prepared_xacts, pg_replication_slots.',
        ...(here && tables.length > 0
          ? tables.map((table) =>
              remarked(`vacuum (freeze, verbose) ${table}`, 'reads the whole table, and lets others read and write'),
            )
          : [`vacuum (freeze), connected to database ${quoted(database)}`]),
      ],
    },
  },
  run: {
    async postgres({ db, options, report, saw, skip }) {
      const answer = await agesIn(db)
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      const oldest = Math.max(...answer.value.map(({ age }) => age))
      saw(`oldest ${millions(oldest)} of ${millions(horizon)}`)
      for (const one of answer.value) {
        const share = one.age / horizon
        // Where autovacuum was told to wait longer, it has to have come first.
        if (share >= options.fail || (share >= options.warn && one.age > one.frozen)) {
          report('old', { ...one, share, fail: options.fail })
        }
      }
    },
  },
})

function agesIn({ read }: Session) {
  return read(async (kysely) => {
    const { rows } = await sql<Age>`
      with databases as (
        select datname, datname = current_database() as here, age(datfrozenxid) as xids, mxid_age(datminmxid) as multixacts from pg_database
      ), tables as (
        select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name, age(c.relfrozenxid) as xids, mxid_age(c.relminmxid) as multixacts
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'm') and c.relfrozenxid <> '0'::xid
      )
      select 'transaction' as kind, datname as database, here, xids as age, current_setting('autovacuum_freeze_max_age')::int as frozen,
        (select json_agg(name) from (select name from tables order by tables.xids desc, name limit 3) t) as tables from databases
      union all
      select 'multixact', datname, here, multixacts, current_setting('autovacuum_multixact_freeze_max_age')::int,
        (select json_agg(name) from (select name from tables order by tables.multixacts desc, name limit 3) t) from databases
      order by 4 desc`.execute(kysely)
    return rows
  })
}
