import {
  type Backlog,
  bytes,
  type Disk,
  defineCheck,
  outOf,
  quoted,
  remarked,
  type Session,
  size,
  sql,
  z,
} from 'dbdoctor'

/** One limit of connections, and how much of it is taken. */
interface Slots {
  readonly used: number
  readonly limit: number
  /** What the limit is of: the server, a role, a database. */
  readonly of: string
}

interface Room {
  readonly place: string
  readonly free: number
  readonly size: number
}

/** Less than this, in bytes, and the next write may be the one that fails. */
const nothing = 1_048_576
/** More than this, in bytes, is room enough, whatever its share of the disk. */
const plenty = 10 * 2 ** 30

export default defineCheck({
  id: 'connection/capacity',
  title: 'Connections and disk leave room',
  severity: 'warning',
  after: ['connection/opens'],
  docs: {
    why: 'The client that finds no free slot, or the write that finds no room, fails as if the database were down.',
    fix: 'End idle connections or put a pool in between; move or delete what fills the disk, never the database’s own files.',
  },
  options: z.strictObject({
    connections: z.number().min(0).max(1).default(0.85).describe('share of the connections that may be taken'),
    disk: z.number().min(0).max(1).default(0.05).describe('share of the disk that should be free'),
    log: size.prefault('256MB').describe('how much of a write-ahead log of SQLite may wait for a checkpoint'),
  }),
  messages: {
    'connections-low': {
      say: ({ used, limit, of }: Slots) => `${outOf(used, limit, 'connection')} of ${of} are taken`,
      next: () => [
        'select usename, application_name, state, count(*) from pg_stat_activity group by 1, 2, 3 order by 4 desc',
        'End what is idle for long, and put a pool between the application and the server before max_connections is raised.',
      ],
    },
    'disk-low': {
      say: ({ place, free, size }: Room) => `the disk of ${place} has ${bytes(free)} of ${bytes(size)} left`,
      next: ({ place }: Room) => [
        `df -h ${place}`,
        'Find what grows: logs, backups, WAL that an idle replication slot keeps.',
      ],
    },
    'disk-full': {
      severity: 'error',
      say: ({ place, free, size }: Room) => `the disk of ${place} is full: ${bytes(free)} of ${bytes(size)} are left`,
      next: ({ place }: Room) => [
        `df -h ${place}`,
        'Make room beside the database: never delete its own files, not even its log (pg_wal, -wal, -journal).',
      ],
    },
    'log-grows': {
      say: ({ log, bytes: waiting, reader }: Backlog) =>
        `${log} has ${bytes(waiting)} that no checkpoint has written back${reader === null ? '' : `, for ${reader} goes on reading what was there before`}: it grows with each write, and each read becomes slower`,
      next: ({ log, reader }: Backlog) => [
        ...(reader === null ? [remarked(`lsof ${log}`, 'who has it open')] : []),
        'End what goes on reading there: a transaction that was not committed, a statement that was not read to its end or reset.',
        ...(reader === null ? ['Where nobody does, checkpoints are switched off: pragma wal_autocheckpoint.'] : []),
        'pragma wal_checkpoint(truncate)',
      ],
    },
  },
  run: {
    async sqlite({ db, options, report, saw }) {
      const backlog = await db.backlog()
      if (backlog && backlog.bytes >= options.log) report('log-grows', backlog)
      const disk = await db.disk()
      if (!disk) return
      saw(`${bytes(disk.free)} left on the disk`)
      lookAtDisk(disk, options.disk, report)
    },

    async postgres({ db, options, report, saw, skip }) {
      const answer = await slotsOf(db)
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      const [all] = answer.value
      if (all) saw(outOf(all.used, all.limit, 'connection'))
      for (const { used, limit, of } of answer.value) {
        if (limit > 0 && used / limit >= options.connections) report('connections-low', { used, limit, of })
      }
      const disk = await db.disk()
      if (disk) lookAtDisk(disk, options.disk, report)
    },
  },
})

function lookAtDisk(disk: Disk, share: number, report: (code: 'disk-full' | 'disk-low', room: Room) => void): void {
  if (disk.free < nothing) report('disk-full', disk)
  else if (disk.free < plenty && disk.free / disk.size < share) report('disk-low', disk)
}

/** The server's slots for those who are no superusers, and the limits of this role and this database where they have one. */
function slotsOf({ read }: Session) {
  return read(async (kysely) => {
    const { rows } = await sql<{ used: number; limit: number; kind: string; name: string }>`
      with sessions as (
        select datname, usename from pg_stat_activity
        -- Our own are gone in a moment.
        where coalesce(backend_type, 'client backend') = 'client backend' and not (pid = pg_backend_pid()
          or application_name = current_setting('application_name') and usename = current_user
            and client_addr is not distinct from inet_client_addr())
      )
      select (select count(*) from sessions)::int as used,
        (current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
          - coalesce(current_setting('reserved_connections', true), '0')::int) as limit, 'server' as kind, '' as name
      union all
      select (select count(*) from sessions where usename = rolname)::int, rolconnlimit, 'role', rolname
      from pg_roles where rolname = current_user and rolconnlimit >= 0
      union all
      select (select count(*) from sessions where sessions.datname = d.datname)::int, datconnlimit, 'database', d.datname
      from pg_database d where d.datname = current_database() and datconnlimit >= 0`.execute(kysely)
    return rows.map(
      ({ used, limit, kind, name }): Slots => ({
        used,
        limit,
        of: kind === 'server' ? 'the server' : `${kind} ${quoted(name)}`,
      }),
    )
  })
}
