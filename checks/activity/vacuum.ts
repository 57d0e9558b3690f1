import {
  bytes,
  defineCheck,
  identifier,
  ownName,
  pluralize,
  quoted,
  type Repair,
  remarked,
  rowsOfEach,
  type Session,
  size,
  sql,
  takenRelations,
  z,
} from 'dbdoctor'

/** A table that nobody has vacuumed or analyzed, though it was time. */
interface Neglected {
  readonly schema: string
  readonly table: string
  /** Rows that live, and rows that are dead and take room, as the server counts them. */
  readonly live: number
  readonly dead: number
  /** More rows are dead than autovacuum lets be. */
  readonly bloated: boolean
  /** The size of a table of which the planner knows nothing, in bytes; 0 where it knows something. */
  readonly unknown: number
}

type Named = Pick<Neglected, 'schema' | 'table'>
const nameIn = ({ schema, table }: Named) => identifier(schema, ownName(schema, table))

export default defineCheck({
  id: 'activity/vacuum',
  title: 'Tables are vacuumed and analyzed',
  severity: 'warning',
  after: ['connection/opens'],
  depth: 'standard',
  docs: {
    why: 'After an upgrade (pg_upgrade), or a restore of statistics that were lost, the planner knows nothing of the tables, and autovacuum sees no change that would bring it there: queries take minutes, and the database looks dead. Rows that are dead and never removed make it slower each day.',
    fix: 'Run ANALYZE on what has no statistics (vacuumdb --all --analyze-in-stages after an upgrade); switch autovacuum on, and end what keeps it from removing dead rows.',
  },
  options: z.strictObject({
    size: size.prefault('10MB').describe('how large a table is whose statistics matter'),
    dead: z.int().nonnegative().default(100_000).describe('dead rows that are worth a word'),
  }),
  messages: {
    off: {
      say: ({ setting }: { setting: string }) =>
        `${setting} is off: nobody removes dead rows, gathers statistics or freezes transaction ids in time`,
      next: ({ setting }: { setting: string }) => [`alter system set ${setting} = on; select pg_reload_conf()`],
    },
    'not-analyzed': {
      say: ({ table, unknown }: Named & { unknown: number }) =>
        `${quoted(table)} (${bytes(unknown)}) has no statistics, and autovacuum sees nothing to do: the planner guesses, and queries may take very long`,
      next: (one: Named) => [
        remarked(`analyze ${nameIn(one)}`, 'reads a sample, and lets others read and write'),
        'After an upgrade, of all databases: vacuumdb --all --analyze-in-stages',
      ],
      repair: (one: Named): Repair[] => [
        {
          kind: 'statements',
          class: 'safe',
          what: `gather statistics of ${quoted(one.table)}`,
          statements: [`analyze ${nameIn(one)}`],
          lock: `SHARE UPDATE EXCLUSIVE on ${quoted(one.table)}`,
        },
      ],
    },
    'dead-rows': {
      say: ({ table, dead, live }: Named & Pick<Neglected, 'dead' | 'live'>) =>
        `${quoted(table)} has ${pluralize(dead, 'dead row')} beside ${pluralize(live, 'live row')}: vacuum has not come yet, or may not remove them`,
      next: (one: Named) => [
        'Look first at what holds vacuum back: pg_stat_activity by backend_xmin, pg_prepared_xacts, pg_replication_slots.',
        remarked(
          `vacuum (verbose, analyze) ${nameIn(one)}`,
          'tells what it may not remove, and lets others read and write',
        ),
      ],
    },
  },
  run: {
    async postgres({ db, config, options, report, saw, skip }) {
      const answer = await neglectedIn(db, options)
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      const { standby, off, tables } = answer.value
      if (standby) return saw('a standby')
      for (const setting of off) report('off', { setting })
      for (const { schema, table, live, dead, bloated, unknown } of tables) {
        if (config.schemas && !config.schemas.includes(schema)) continue
        if (unknown > 0) report('not-analyzed', { schema, table, unknown })
        if (bloated) report('dead-rows', { schema, table, live, dead })
      }
      saw(off.length === 0 ? 'autovacuum is on' : 'autovacuum is off')
    },
  },
})

const whole = (setting: string) => sql`current_setting(${sql.lit(setting)})::float8`

/**
 * Tables that autovacuum leaves alone (https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM). It counts changes since
 * the last ANALYZE: of a table that came with an upgrade it has seen none. The size is asked for where it matters, for that locks the
 * table. Ten times what autovacuum lets be is no longer the moment before it comes.
 */
function neglectedIn({ read }: Session, { size, dead }: { size: number; dead: number }) {
  const comes = sql`current_setting('autovacuum')::boolean and not coalesce('autovacuum_enabled=false' = any (c.reloptions), false)
    and pg_stat_get_mod_since_analyze(c.oid) >= ${whole('autovacuum_analyze_threshold')}
      + ${whole('autovacuum_analyze_scale_factor')} * greatest(c.reltuples, 0)`
  return read(async (kysely) => {
    const [tables, [state]] = await rowsOfEach(
      kysely,
      sql<Neglected>`
        with ${takenRelations}, own as materialized (
          select c.oid, n.nspname as schema, c.relname as name, pg_stat_get_live_tuples(c.oid) as live, pg_stat_get_dead_tuples(c.oid) as dead,
            case when pg_stat_get_last_analyze_time(c.oid) is null and pg_stat_get_last_autoanalyze_time(c.oid) is null
              and (c.relpages = 0 or c.reltuples > 0) and not (${comes})
              -- Of what a role may not read, pg_stats shows it nothing.
              and has_table_privilege(c.oid, 'select') and not row_security_active(c.oid)
              then pg_relation_size(c.oid) else 0 end as unanalyzed
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where c.relkind in ('r', 'm') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
            and c.oid not in (select relation from taken)
        ), looked as (
          select *, dead >= ${sql.lit(dead)} and dead >= 10 * (${whole('autovacuum_vacuum_threshold')} + ${whole('autovacuum_vacuum_scale_factor')} * live)
              and not exists (select from pg_stat_progress_vacuum p where p.relid = own.oid) as bloated,
            unanalyzed >= ${sql.lit(size)} and not exists (select from pg_stats s where s.schemaname = own.schema and s.tablename = own.name)
              and not exists (select from pg_stat_progress_analyze p where p.relid = own.oid) as unknown
          from own
        )
        select schema, case schema when 'public' then '' else schema || '.' end || name as "table", live::float8 as live, dead::float8 as dead, bloated,
          case when unknown then unanalyzed else 0 end::float8 as unknown
        from looked where bloated or unknown order by unanalyzed desc, dead desc, 1, 2`,
      // What a role or a client has set for itself is not the server's.
      sql<{ standby: boolean; off: string[] }>`
        select pg_is_in_recovery() as standby,
          (select coalesce(json_agg(name order by name), '[]') from pg_settings
            where name in ('autovacuum', 'track_counts') and reset_val = 'off' and source not in ('user', 'database user', 'client', 'session')) as off`,
    )
    if (!state) throw new Error('a server says how it is set up')
    return { ...state, tables }
  })
}
