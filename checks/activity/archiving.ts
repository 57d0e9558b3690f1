import { bytes, defineCheck, lately, quoted, size, sql, z } from 'dbdoctor'

interface Archiver {
  /** Neither a command nor a library is set: WAL is kept for one that is set later. */
  readonly idle: boolean
  /** What it tried last, it could not archive. */
  readonly failing: boolean | null
  /** How long ago a file was archived, in milliseconds; null where none was. */
  readonly archived: number | null
  /** The file that fails, or else the last that was archived; null where none was since the server was started. */
  readonly reached: string | null
  /** How many bytes a file of WAL has. */
  readonly segment: number
  /** Up to where WAL is written, in bytes; null on a standby. */
  readonly written: number | null
}

const kept = (waiting: number | null) => (waiting ? `, and ${bytes(waiting)} of WAL wait` : '')
const since = (archived: number | null) =>
  archived === null ? 'no archived file is on record' : `the last file was archived ${lately(archived)} ago`
const fills = 'the server keeps what is not archived, until the disk is full'
const looking = 'select * from pg_stat_archiver'

export default defineCheck({
  id: 'activity/archiving',
  title: 'WAL is archived as it is written',
  severity: 'warning',
  after: ['connection/opens'],
  docs: {
    why: 'The server removes no WAL before it is archived. Where archiving fails, nobody notices until the disk is full and the database stops, and until then no backup can be brought up to date.',
    fix: 'Read in the server log what archive_command said, make room in the archive or mend the way there; never delete files from pg_wal.',
  },
  options: z.strictObject({
    waiting: size.prefault('1GB').describe('how much WAL may wait to be archived'),
  }),
  messages: {
    failing: {
      say: ({ file, archived, waiting }: Told & { file: string }) =>
        `WAL cannot be archived: ${quoted(file)} failed, ${since(archived)}${kept(waiting)}: ${fills}`,
      next: () => [
        looking,
        'The server log has what the archive command or library said: the archive is full, or cannot be reached, or refuses.',
        'The server tries again by itself once that is mended; what is in pg_wal is removed then, and must not be before.',
      ],
    },
    behind: {
      say: ({ archived, waiting }: Told) =>
        `WAL is written faster than it is archived: ${bytes(waiting ?? 0)} wait, ${since(archived)}: ${fills}`,
      next: () => [looking, 'Archive several files at once, or to a faster place.'],
    },
    'switched-off': {
      say: ({ waiting }: Told) =>
        `archive_mode is on, and no archive command or library is set${kept(waiting)}: ${fills}`,
      next: () => ['Set archive_command again; or archive_mode = off and restart, where WAL need not be archived.'],
    },
    // It is how archiving is paused: https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-ARCHIVE-COMMAND.
    paused: {
      severity: 'info',
      say: () => 'archive_mode is on, and no archive command or library is set: WAL is kept until one is',
    },
  },
  run: {
    async postgres({ db, options, report, saw, skip }) {
      const answer = await db.read(async (kysely) => (await query.execute(kysely)).rows)
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      const [archiver] = answer.value
      if (!archiver) return saw('archiving is off')
      const { failing, reached, archived, idle } = archiver
      const waiting = waitingOf(archiver)
      const much = waiting !== null && waiting >= options.waiting
      if (idle) return much ? report('switched-off', { archived, waiting }) : report('paused')
      if (failing && reached !== null) return report('failing', { file: reached, archived, waiting })
      if (much) return report('behind', { archived, waiting })
      saw(since(archived))
    },
  },
})

interface Told {
  readonly archived: number | null
  /** Bytes of WAL that are written and not archived; null where nobody knows. */
  readonly waiting: number | null
}

/** A file's name is its timeline, and its place in WAL as a number of 4 GB and one of files. */
function waitingOf({ written, reached, segment, failing }: Archiver): number | null {
  const [, log, file] = /^[0-9A-F]{8}([0-9A-F]{8})([0-9A-F]{8})/.exec(reached ?? '') ?? []
  if (written === null || log === undefined || file === undefined) return null
  const begin = Number.parseInt(log, 16) * 2 ** 32 + Number.parseInt(file, 16) * segment
  return Math.max(0, written - begin - (failing ? 0 : segment))
}

/**
 * What the archiver did last, where there is one. What it did before the server was started says nothing of how much waits: archiving
 * may have been off for a year in between.
 */
const query = sql<Archiver>`
  select last.failed as failing, last.file as reached,
    (extract(epoch from clock_timestamp() - a.last_archived_time) * 1000)::float8 as archived,
    coalesce((select bool_and(setting = '') from pg_settings where name in ('archive_command', 'archive_library')), false) as idle,
    (select setting::float8 from pg_settings where name = 'wal_segment_size') as segment,
    case when not pg_is_in_recovery() then pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 end as written
  from pg_stat_archiver a
  left join lateral (
    select file, failed
    from (values (a.last_archived_wal, a.last_archived_time, false), (a.last_failed_wal, a.last_failed_time, true)) as v (file, time, failed)
    where time >= pg_postmaster_start_time()
    order by time desc limit 1
  ) last on true
  where current_setting('archive_mode') = 'always' or current_setting('archive_mode') = 'on' and not pg_is_in_recovery()`
