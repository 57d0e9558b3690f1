import {
  ago,
  agreeing,
  type CrashTrace,
  defineCheck,
  duration,
  listed,
  nameOf,
  outOf,
  partFromLog,
  pluralize,
  quoted,
  type Relation,
  type Session,
  sql,
  z,
} from 'dbdoctor'

interface When {
  /** ISO 8601, UTC. */
  readonly at: string
  /** Milliseconds since then. */
  readonly since: number
}

/** A start after which nothing is in tables that are unlogged. */
interface Recovery extends When {
  readonly unlogged: readonly string[]
}

/** A log that its writer left beside the file. */
interface Log extends When {
  readonly name: string
  readonly frames: number
  readonly lost: number
  readonly mismatch: string | null
}

const when = ({ at, since }: When) => `${ago(since)}, at ${at.replace(/\.\d+Z$/, 'Z')}`

export default defineCheck({
  id: 'connection/restarts',
  title: 'The database has not crashed and recovered lately',
  severity: 'warning',
  after: [
    'connection/opens',
    // What happens while they run is seen here.
    { id: 'integrity/foreign-keys', blocks: false },
    { id: 'integrity/orphaned-rows', blocks: false },
  ],
  docs: {
    why: 'A database that crashed and recovered is up again before anybody looks; the errors that it left behind stay a riddle.',
    fix: 'Read the server log around that time: it tells a crash from a restore, a failover and an immediate stop.',
  },
  options: z.strictObject({
    within: duration.prefault('24h').describe('how far back a crash still matters'),
  }),
  messages: {
    crashed: {
      say: ({ text, ...time }: Recovery & { text: string }) =>
        `the server crashed and recovered ${when(time)}: ${text}`,
      next: ({ at, unlogged }: Recovery) => [
        `Read the server log from ${at} back: what was terminated, by which signal, and what it ran.`,
        'dmesg -T | grep -i -E "killed process|out of memory" # on the server',
        ...emptied(unlogged),
      ],
    },
    'stopped-immediately': {
      say: (time: Recovery) =>
        `the server was stopped without a checkpoint (immediate shutdown) and recovered ${when(time)}`,
      next: ({ unlogged }: Recovery) => [
        'Find out who stopped it in this way; pg_ctl stop -m fast needs no recovery.',
        ...emptied(unlogged),
      ],
    },
    restarted: {
      say: (time: When) =>
        `the server was restarted while it was examined, ${when(time)}; what was lost was examined again`,
      next: () => ['Find out who restarted it: the server log, systemd, an orchestrator.'],
    },
    'session-ended': {
      severity: 'info',
      say: (time: When) => `somebody ended a session of this run, ${when(time)}; what was lost was examined again`,
    },
    'statistics-lost': {
      say: (time: Recovery) =>
        `the server lost its statistics ${when(time)}: crash recovery, restore from a backup, or failover; the server log tells which`,
      next: ({ at, unlogged }: Recovery) => [
        `Read the server log around ${at}: "was not properly shut down" is a crash, "starting backup recovery" a restore.`,
        'analyze, where plans went wrong since: autovacuum has forgotten what changed.',
        ...emptied(unlogged),
      ],
    },
    'hot-journal': {
      say: ({ name, ...time }: When & { name: string }) =>
        `a writer of ${name} ended in the middle of a transaction ${when(time)}: its journal is hot, and the next one to write rolls it back`,
      next: ({ name }: { name: string }) => [
        `Copy ${name} together with ${name}-journal before anything opens it for writing, and never delete the journal.`,
        'Look at why the writer ended: its log, dmesg, a loss of power.',
      ],
      repair: () => [{ kind: 'file', action: 'roll-back' }],
    },
    'wal-mismatch': {
      severity: ({ mismatch }: Log) => (mismatch === 'rollback-header' ? 'error' : 'warning'),
      say: ({ name, frames, mismatch, ...time }: Log) =>
        mismatch === 'rollback-header'
          ? `${name}-wal belongs to another state of ${name}, whose header says that it has no log: ${agreeing(frames, 'frame', 'replace')} what is in the file at the next open`
          : `${name}-wal may belong to another state of ${name}, which was written after it (the log ${when(time)}) and holds none of its pages`,
      next: ({ name }: Log) => partFromLog(name),
    },
    'wal-broken': {
      say: ({ name, frames, lost, ...time }: Log) =>
        `${outOf(frames, frames + lost, 'frame')} of ${name}-wal can be replayed; what was written after them is lost (${when(time)})`,
      next: ({ name }: Log) => [
        `Copy ${name} together with ${name}-wal before anything opens it: the next open throws away what is behind the damage.`,
        'Restore what is missing from a backup or a replica; look at the disk, and at whoever copied the log.',
      ],
    },
    'wal-left-behind': {
      severity: 'info',
      say: ({ name, frames, ...time }: When & { name: string; frames: number }) =>
        `the last writer of ${name} did not close it (${when(time)}): ${pluralize(frames, 'frame')} of its log ${frames === 1 ? 'is' : 'are'} replayed at the next open`,
      next: ({ name }: { name: string }) => [
        `Keep ${name}-wal with ${name}: without it what was committed last is lost.`,
      ],
    },
  },
  run: {
    sqlite({ db, report }) {
      const { name } = db.target
      for (const trace of db.crashTraces()) {
        const time = { at: trace.at, since: since(trace) }
        if (trace.kind === 'hot-journal') report('hot-journal', { name, ...time })
        if (trace.kind !== 'wal-left-behind') continue
        const { frames, lost, mismatch } = trace
        const log = { name, frames, lost, mismatch, ...time }
        if (mismatch !== null) report('wal-mismatch', log)
        else if (lost > 0) report('wal-broken', log)
        else report('wal-left-behind', { name, frames, ...time })
      }
    },

    async postgres({ db, connect, options, report, saw, skip }) {
      const witness = await witnessed(db, connect)
      const unlogged = () => unloggedTables(db)
      if (witness) return report('crashed', { ...witness, unlogged: await unlogged() })
      const gone = db.crashTraces().find(({ kind }) => kind === 'gone-meanwhile')
      if (gone?.kind === 'gone-meanwhile') {
        const time = { at: gone.at, since: since(gone) }
        const meanwhile = await db.read(lostStatistics)
        const { started = Number.POSITIVE_INFINITY, loss = null } =
          meanwhile.outcome === 'answered' ? meanwhile.value : {}
        // By its own clock, which need not be ours.
        const within = Date.now() - Date.parse(gone.opened)
        // A server that runs on discards its statistics when it recovers from a crash alone; the notice of it may be lost with its connection.
        if (started > within && loss && loss.since <= within)
          return report('crashed', {
            ...time,
            unlogged: await unlogged(),
            text: 'it ended its sessions and discarded its statistics, and was not started anew',
          })
        report(started <= within ? 'restarted' : 'session-ended', time)
      }
      if (db.target.primary === false) return skip('not-applicable', 'a standby counts from when it was built')
      const lost = await db.read(lostStatistics)
      if (lost.outcome === 'failed') return skip(lost.reason ?? 'unavailable', lost.text)
      const { started, loss } = lost.value
      if (!loss || loss.since > options.within) return saw(`up for ${ago(started).replace(/ ago$/, '')}`)

      const innocent = await explanation(db, loss)
      if (innocent) return saw(`${innocent} ${ago(loss.since)}`)
      const line = await logLine(db, loss)
      if (line === null && loss.maiden) return saw(`first started ${ago(loss.since)}`)
      const time = { at: loss.at, since: loss.since, unlogged: await unlogged() }
      if (line === null) report('statistics-lost', time)
      else if (/immediate shutdown/.test(line)) report('stopped-immediately', time)
      else report('crashed', { ...time, text: line })
    },
  },
})

/** Tables that recovery, a restore and a promotion leave empty: https://www.postgresql.org/docs/current/sql-createtable.html. */
async function unloggedTables(db: Session): Promise<readonly string[]> {
  const catalog = await db.catalog()
  const answer = await db.read(async (kysely) => {
    const { rows } = await sql<Relation>`
      select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relpersistence = 'u' and c.relkind = 'r' order by 1, 2`.execute(kysely)
    return rows
  })
  if (catalog.outcome === 'failed' || answer.outcome === 'failed') return []
  return answer.value.map((table) => nameOf(table, catalog.value))
}

function emptied(unlogged: readonly string[]): string[] {
  const [one, ...more] = unlogged
  if (one === undefined) return []
  return [
    more.length === 0
      ? `Fill ${quoted(one)} again: it is unlogged, and holds nothing from before.`
      : `Fill ${listed(unlogged)} again: they are unlogged, and hold nothing from before.`,
  ]
}

function since({ at }: CrashTrace): number {
  return Math.max(0, Date.now() - Date.parse(at))
}

/** What this run has seen with its own eyes: a notice of a crash, or a server in recovery mode while it was waited for. */
async function witnessed(
  db: Session,
  connect: () => Promise<{ readonly outcome: string; readonly waited?: readonly { outcome: string; text: string }[] }>,
): Promise<(When & { text: string }) | null> {
  const notice = db.crashTraces().find(({ kind }) => kind === 'crash-notice')
  if (notice?.kind === 'crash-notice') return { at: notice.at, since: since(notice), text: notice.text }
  const { waited = [] } = await connect()
  const recovering = waited.find(({ outcome }) => outcome === 'recovering')
  return recovering ? { at: new Date().toISOString(), since: 0, text: recovering.text } : null
}

/** When the server lost its statistics. `local` is the time as its log writes it. */
interface Loss extends When {
  readonly local: string
  readonly timeline: string
  /** Whether it may be no more than the first start of a new server. */
  readonly maiden: boolean
}

/**
 * A server that recovers from a crash discards its statistics, all kinds at one moment, down to the microsecond; nothing that a user can
 * reset takes them all at once. What initdb itself began is no loss. Before PostgreSQL 15 initdb began none: there they begin with the
 * first start, as they do with one that recovers, and a young server needs a line in its log to be told from one that crashed.
 */
async function lostStatistics(kysely: Parameters<Parameters<Session['read']>[0]>[0]) {
  const { rows } = await sql<Omit<Loss, 'at'> & { started: number; at: Date | null }>`
    with counters as (
      select (select stats_reset from pg_stat_bgwriter) as writer, (select stats_reset from pg_stat_archiver) as archiver,
        (select min(stats_reset) from pg_stat_slru) as slru, (select max(stats_reset) from pg_stat_slru) as last_slru,
        pg_postmaster_start_time() as started,
        to_timestamp((select system_identifier from pg_control_system()) >> 32) as made
    ), loss as (
      select started, current_setting('server_version_num')::int < 150000
          and writer between started and least(started + interval '5 s', made + interval '1 hour') as maiden, case when writer = archiver and writer = slru and writer = last_slru
        and (writer >= started or writer > made + interval '1 hour') then writer end as at from counters
    )
    select (extract(epoch from now() - started) * 1000)::float8 as started, at, maiden, (extract(epoch from now() - at) * 1000)::float8 as since,
      to_char(at at time zone current_setting('log_timezone'), 'YYYY-MM-DD HH24:MI:SS') as local,
      lpad(upper(to_hex((select timeline_id from pg_control_checkpoint()))), 8, '0') as timeline
    from loss`.execute(kysely)
  const [row] = rows
  if (!row) throw new Error('a query without conditions has a row')
  const { started, at, ...loss } = row
  return { started, loss: at && { at: at.toISOString(), ...loss } }
}

/** What took the statistics, where it left a file that this role may look at: a restored base backup, or a standby that was promoted later. */
async function explanation(db: Session, { at, timeline }: Loss): Promise<string | null> {
  const answer = await db.read(async (kysely) => {
    const { rows } = await sql<{ restored: boolean | null; promoted: boolean | null }>`select
      abs(extract(epoch from (pg_stat_file('backup_label.old', true)).change - ${at}::timestamptz)) < 300 as restored,
      (pg_stat_file('pg_wal/' || ${timeline} || '.history', true)).modification > ${at}::timestamptz - interval '1 minute' as promoted`.execute(
      kysely,
    )
    return rows[0]
  })
  if (answer.outcome === 'failed') return null
  if (answer.value?.restored) return 'restored from a base backup'
  return answer.value?.promoted
    ? 'on a new timeline (promoted, or restored to a point in time) after its statistics began'
    : null
}

/** Lines that only a crash, or an immediate stop, leaves: a restored backup "was interrupted" as well. */
const telling =
  /immediate shutdown request|was terminated by signal|terminating any other active server processes|was not properly shut down/
/** Bytes of a log's end, and seconds around the loss, that are read. */
const [tail, around] = [1_048_576, 300]

/** The first telling line of the server log around the loss; null where there is none, or none that this role may read. */
async function logLine(db: Session, { local }: Loss): Promise<string | null> {
  const answer = await db.read(async (kysely) => {
    const { rows } = await sql<{ text: Buffer }>`
      select pg_read_binary_file(current_setting('log_directory') || '/' || name, greatest(0, size - ${tail}), ${tail}) as text
      from (select * from pg_ls_logdir() order by modification desc limit 3) as logs`.execute(kysely)
    return rows.map(({ text }) => text.toString('utf8'))
  })
  if (answer.outcome === 'failed') return null
  const lines = answer.value.flatMap((text) => text.split('\n')).filter((line) => telling.test(line))
  const near = lines.filter((line) => {
    const written = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.exec(line)?.[0]
    return written !== undefined && Math.abs(clock(written) - clock(local)) < around * 1000
  })
  const first = near.sort((a, b) => a.localeCompare(b))[0]
  return first === undefined ? null : first.replace(/^.*?(?:LOG|WARNING|FATAL|PANIC):\s*/, '').slice(0, 200)
}

/** Two such clocks of one time zone can be compared, whichever zone it is. */
function clock(text: string): number {
  return Date.parse(`${text.replace(' ', 'T')}Z`)
}
