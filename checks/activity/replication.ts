import {
  bytes,
  defineCheck,
  duration,
  identifier,
  lately,
  listed,
  literal,
  ownName,
  pluralize,
  quoted,
  remarked,
  rowsOfEach,
  type Session,
  size,
  sql,
  z,
} from 'dbdoctor'

/** A replication slot. Sizes are bytes. */
interface Slot {
  readonly name: string
  readonly kind: string
  readonly active: boolean
  readonly state: string | null
  /** How much WAL it keeps; null where it keeps none any more, or never has. */
  readonly retained: number | null
}

/** A standby, as its primary sees it. Times are milliseconds. */
interface Standby {
  readonly name: string
  readonly state: string | null
  readonly behind: number | null
  readonly lag: number | null
}

/** A subscription of this database. */
interface Subscription {
  readonly name: string
  readonly enabled: boolean
  /** A worker of it applies changes. */
  readonly working: boolean
  /** Tables whose rows are still to be copied. */
  readonly uncopied: readonly string[]
  /** A worker of it copies one. */
  readonly copying: boolean
}

/** A table that publications send changes of, and whose rows subscribers cannot tell apart. */
interface Unidentified {
  readonly schema: string
  readonly table: string
  readonly publications: readonly string[]
  /** Rows of it were updated or deleted once, since the statistics were reset. */
  readonly changed: boolean
}

const dropping = ({ name }: { name: string }) => [
  'Ask first whose slot it is: a standby or a subscriber that comes back without its slot has to be made anew.',
  remarked(
    `select pg_drop_replication_slot(${literal(name)})`,
    'the WAL that it keeps is removed at the next checkpoint',
  ),
]

const unidentified = ({ table, publications }: Unidentified) =>
  `${quoted(table)} is published by ${listed(publications)} and has no replica identity: updates and deletes of its rows are refused`
const identifying = ({ schema, table }: Unidentified) => {
  const name = identifier(schema, ownName(schema, table))
  return [
    'Give it a primary key, where it has none.',
    remarked(`alter table ${name} replica identity full`, 'until then: whole rows are sent, and compared'),
  ]
}

export default defineCheck({
  id: 'activity/replication',
  title: 'Standbys keep up, and no slot is forgotten',
  severity: 'warning',
  after: ['connection/opens'],
  needs: ['api?'],
  docs: {
    why: 'A slot that nobody reads keeps WAL until the disk is full. A standby that fell behind is no safety, and answers with what was true hours ago.',
    fix: 'Bring the standby or the subscriber back, or drop its slot; set max_slot_wal_keep_size, so that no slot can fill the disk.',
  },
  options: z.strictObject({
    lag: duration.prefault('1m').describe('how far behind a standby may be'),
    behind: size.prefault('1GB').describe('how much WAL a standby may still have to replay'),
    retained: size.prefault('1GB').describe('how much WAL a slot may keep that nobody reads'),
  }),
  messages: {
    'slot-forgotten': {
      say: ({ name, kind, retained }: { name: string; kind: string; retained: number }) =>
        `nobody reads the ${kind} slot ${quoted(name)}, and it keeps ${bytes(retained)} of WAL: the disk fills until somebody does`,
      next: dropping,
    },
    'slot-lost': {
      say: ({ name, kind, state }: { name: string; kind: string; state: string }) =>
        `the ${kind} slot ${quoted(name)} is ${state}: WAL that its reader needs ${state === 'unreserved' ? 'is about to be removed' : 'is gone'}`,
      next: dropping,
    },
    'standby-behind': {
      say: ({ name, behind, lag }: { name: string; behind: number; lag: number }) =>
        `standby ${quoted(name)} has ${bytes(behind)} of WAL to replay still${lag > 0 ? `, and is ${lately(lag)} behind` : ''}`,
      next: () => [
        'select application_name, state, sent_lsn, write_lsn, flush_lsn, replay_lsn, write_lag, flush_lag, replay_lag from pg_stat_replication',
        'Look on the standby at what replay waits for: a query that conflicts, a slow disk, replay that is paused.',
      ],
    },
    'commits-wait': {
      severity: 'error',
      say: ({ names }: { names: string }) =>
        `synchronous_standby_names is ${quoted(names)}, and no such standby is connected: each commit waits for one`,
      next: () => [
        'Bring the standby back.',
        "Or go on without it: alter system set synchronous_standby_names = ''; select pg_reload_conf(): commits are on this server alone then",
      ],
    },
    standby: { severity: 'info', say: () => 'this server is a standby: it answers, and takes no writes' },
    'application-on-standby': {
      say: () =>
        'this server is a standby: it answers, and takes no writes; by the config, the API server works with it',
      next: () => [
        'select sender_host, sender_port from pg_stat_wal_receiver',
        'Lead the application to the primary, or promote this server where the primary is gone.',
      ],
    },
    'not-receiving': {
      say: ({ since }: { since: number | null }) =>
        `this standby receives nothing from its primary${since === null ? '' : `; the last transaction that it replayed is ${lately(since)} old`}`,
      next: () => ['Look at whether the primary is up and lets it in: the log of this server names the reason.'],
    },
    'replay-paused': {
      say: ({ behind }: { behind: number }) =>
        `replay is paused on this standby${behind > 0 ? `, and ${bytes(behind)} of WAL wait` : ''}: it answers with what was true when it stopped`,
      next: () => ['select pg_wal_replay_resume()'],
    },
    'replay-behind': {
      say: ({ behind, since }: { behind: number; since: number }) =>
        `this standby has ${bytes(behind)} of received WAL to replay still; the last transaction is ${lately(since)} old`,
      next: () => ['Look at what replay waits for: queries that conflict (max_standby_streaming_delay), a slow disk.'],
    },
    'subscription-stopped': {
      say: ({ name }: { name: string }) => `subscription ${quoted(name)} is enabled, and no worker applies its changes`,
      next: () => [
        'Look at the log of this server: a row that is there already, or a publisher that is gone, stops it.',
      ],
    },
    'copy-stopped': {
      say: ({ name, tables }: { name: string; tables: readonly string[] }) =>
        `subscription ${quoted(name)} has not copied ${listed(tables)}, and no worker does: changes of ${tables.length === 1 ? 'it' : 'them'} are not applied either`,
      next: () => [
        'Look at the log of this server: the copy fails and is tried again (rows that are there already, a column that is missing), or no worker is free.',
      ],
    },
    'updates-refused': {
      say: (one: Unidentified) => `${unidentified(one)}, and there were some before`,
      next: identifying,
    },
    // A table that is only ever added to is in order.
    'no-replica-identity': { severity: 'info', say: unidentified, next: identifying },
    'subscription-disabled': {
      severity: 'info',
      say: ({ name }: { name: string }) => `subscription ${quoted(name)} is disabled: its tables receive no changes`,
    },
  },
  run: {
    async postgres({ db, config, given, options, report, coverage, saw, skip }) {
      const answer = await replicationOf(db)
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      const { slots, standbys, subscriptions, tables, self } = answer.value
      const seen = coverage('standby')
      for (const { name, kind, active, state, retained } of slots) {
        if (state === 'lost' || state === 'unreserved') report('slot-lost', { name, kind, state })
        else if (!active && (retained ?? 0) >= options.retained)
          report('slot-forgotten', { name, kind, retained: retained ?? 0 })
      }
      for (const { name, state, behind, lag } of standbys) {
        if (state === null || behind === null) {
          seen.missing(name, 'no-permission', 'how far it is, is shown to members of pg_monitor', true)
          continue
        }
        seen.examined()
        // The last lag is shown for a while after all has been replayed.
        const late = behind > 0 && (lag ?? 0) >= options.lag
        if (state === 'streaming' && (late || behind >= options.behind))
          report('standby-behind', { name, behind, lag: lag ?? 0 })
      }
      for (const { name, enabled, working } of subscriptions) {
        if (!enabled) report('subscription-disabled', { name })
        else if (!working) report('subscription-stopped', { name })
      }
      for (const { name, uncopied } of await stuck(db, subscriptions))
        report('copy-stopped', { name, tables: uncopied })
      for (const one of tables)
        if (!config.schemas || config.schemas.includes(one.schema))
          report(one.changed ? 'updates-refused' : 'no-replica-identity', one)
      if (!self.standby) {
        if (self.awaited !== '' && !self.synchronous) report('commits-wait', { names: self.awaited })
        return saw(
          standbys.length + slots.length === 0
            ? 'no standby, no slot'
            : `${pluralize(standbys.length, 'standby')}, ${pluralize(slots.length, 'slot')}`,
        )
      }
      report(given.api ? 'application-on-standby' : 'standby')
      const { behind, since, delay } = self
      if (self.paused) report('replay-paused', { behind })
      // On a quiet primary the last transaction is old, and nothing is wrong.
      else if (behind > 0 && since !== null && since - delay >= options.lag) report('replay-behind', { behind, since })
      if (self.streams === null && !self.receives)
        seen.missing('primary_conninfo', 'no-permission', 'it is shown to members of pg_read_all_settings')
      else if (self.streams && !self.receives) report('not-receiving', { since })
      saw('a standby')
    },
  },
})

interface Self {
  readonly standby: boolean
  /** The standbys that a commit waits for, as the setting names them; empty where it waits for none. */
  readonly awaited: string
  /** One of them is connected, or may be: of a standby that this role is not shown nobody knows. */
  readonly synchronous: boolean
  readonly paused: boolean
  /** Bytes that were received and are not replayed. */
  readonly behind: number
  /** How old the last transaction is that was replayed, in milliseconds. */
  readonly since: number | null
  /** It is told to receive from a primary; null where this role is not told. */
  readonly streams: boolean | null
  /** How late it is on purpose, in milliseconds. */
  readonly delay: number
  readonly receives: boolean
}

/** Before PostgreSQL 14, the oid of a subscription is not for everybody to read; its name is, and the view has both. */
const subscriptionQuery = sql<Subscription>`
  select s.subname as name, s.subenabled as enabled, w.working, w.copying,
    coalesce((
      select json_agg(case n.nspname when 'public' then '' else n.nspname || '.' end || c.relname order by n.nspname, c.relname)
      from pg_subscription_rel r join pg_class c on c.oid = r.srrelid join pg_namespace n on n.oid = c.relnamespace
      where r.srsubid = any (w.ids) and r.srsubstate not in ('s', 'r')), '[]') as uncopied
  from pg_subscription s
  cross join lateral (
    select array_agg(subid) as ids, coalesce(bool_or(pid is not null and relid is null), false) as working,
      coalesce(bool_or(pid is not null and relid is not null), false) as copying
    from pg_stat_subscription where subname = s.subname
  ) w
  where s.subdbid = (select oid from pg_database where datname = current_database()) and not pg_is_in_recovery() order by 1`

/** Where this server is: a standby has no place of its own to write to. */
const here = sql`case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end`

/** Slots, standbys, subscriptions of this database, tables that it publishes, and what this server itself does. Columns of newer versions are read as JSON. */
function replicationOf({ read }: Session) {
  return read(async (kysely) => {
    const [slots, standbys, subscriptions, tables, selves] = await rowsOfEach(
      kysely,
      sql<Slot>`
        select slot_name as name, slot_type as kind, active,
          case when to_jsonb(s) ->> 'invalidation_reason' is not null then 'lost' else to_jsonb(s) ->> 'wal_status' end as state,
          pg_wal_lsn_diff(${here}, restart_lsn)::float8 as retained
        from pg_replication_slots s
        -- Nobody reads a slot that is kept in step for the day of a failover.
        where not temporary and not coalesce((to_jsonb(s) ->> 'synced')::boolean, false) order by slot_name`,
      sql<Standby>`
        select coalesce(nullif(application_name, ''), host(client_addr), 'pid ' || pid) as name, state,
          pg_wal_lsn_diff(${here}, coalesce(replay_lsn, flush_lsn, write_lsn, sent_lsn))::float8 as behind, (extract(epoch from replay_lag) * 1000)::float8 as lag
        from pg_stat_replication where state is null or state in ('streaming', 'catchup') order by 1`,
      subscriptionQuery,
      // https://www.postgresql.org/docs/current/logical-replication-publication.html#LOGICAL-REPLICATION-PUBLICATION-REPLICA-IDENTITY
      sql<Unidentified>`
        select n.nspname as schema, case n.nspname when 'public' then '' else n.nspname || '.' end || c.relname as table,
          json_agg(p.pubname order by p.pubname) as publications, bool_or(s.n_tup_upd + s.n_tup_del > 0) as changed
        from pg_publication p join pg_publication_tables t on t.pubname = p.pubname
        join pg_namespace n on n.nspname = t.schemaname join pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
        left join pg_stat_all_tables s on s.relid = c.oid
        where (p.pubupdate or p.pubdelete) and c.relkind = 'r' and not pg_is_in_recovery() and case c.relreplident
          when 'd' then not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary and i.indimmediate and i.indisvalid)
          when 'i' then not exists (select from pg_index i where i.indrelid = c.oid and i.indisreplident and i.indisvalid)
          else c.relreplident = 'n' end
        group by n.nspname, c.relname order by 1, 2`,
      sql<Self>`
        select pg_is_in_recovery() as standby,
          case when current_setting('synchronous_commit') in ('off', 'local') then '' else current_setting('synchronous_standby_names') end as awaited,
          exists (select from pg_stat_replication where sync_state in ('sync', 'quorum') or state is null) as synchronous,
          pg_is_in_recovery() and pg_is_wal_replay_paused() as paused,
          coalesce(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0)::float8 as behind,
          (extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::float8 as since,
          (select setting <> '' from pg_settings where name = 'primary_conninfo') as streams,
          coalesce((select setting::float8 from pg_settings where name = 'recovery_min_apply_delay'), 0) as delay,
          exists (select from pg_stat_wal_receiver) as receives`,
    )
    const [self] = selves
    if (!self) throw new Error('a server says what it is')
    return { slots, standbys, subscriptions, tables, self }
  })
}

/**
 * Subscriptions that work, and whose tables nobody copies. Between two tables there is a moment without a worker: what is suspected is
 * looked at again.
 */
async function stuck({ read }: Session, before: readonly Subscription[]): Promise<readonly Subscription[]> {
  const suspected = (one: Subscription) => one.enabled && one.working && !one.copying && one.uncopied.length > 0
  const names = before.filter(suspected).map(({ name }) => name)
  if (names.length === 0) return []
  await read((kysely) => sql`select pg_sleep(1)`.execute(kysely))
  const answer = await read(async (kysely) => (await subscriptionQuery.execute(kysely)).rows)
  if (answer.outcome === 'failed') return []
  return answer.value.filter((one) => suspected(one) && names.includes(one.name))
}
