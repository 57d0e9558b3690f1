import { defineCheck, pluralize, quoted, rowsOfEach, sql } from 'dbdoctor'

interface Row {
  enabled: boolean
  /** Null where the server counts none, because checksums are off. */
  failures: number | null
  last: string | null
  database: string | null
}

/** Settings that let a damaged page pass: https://www.postgresql.org/docs/current/runtime-config-developer.html. */
const hiding = {
  zero_damaged_pages: 'a damaged page is read as an empty one, its rows vanish',
  ignore_checksum_failure: 'a page that fails its checksum is read all the same',
}
type Hiding = keyof typeof hiding

export default defineCheck({
  id: 'storage/checksums',
  title: 'No page has failed its checksum',
  severity: 'error',
  after: ['connection/opens'],
  docs: {
    why: 'A page that fails its checksum came back from the disk as something else than was written. The server counts these and says no more until somebody reads the page again.',
    fix: 'Copy the data directory, find the pages (pg_amcheck, or dbdoctor check --depth deep), look at disk and memory, and restore from a backup or fail over to a standby.',
  },
  messages: {
    failed: {
      say: ({ database, failures, last }: { database: string; failures: number; last: string | undefined }) =>
        `${pluralize(failures, 'checksum failure')} in ${database}${last === undefined ? '' : `, the last at ${last}`}`,
      next: () => [
        'Stop what writes to the database, and copy its files as they are before anything is repaired',
        'Look at the disk and the memory: the server log names the file and the block',
        'Find what is damaged: dbdoctor check --only storage/pages --depth deep',
        'Restore from a backup, or fail over to a standby whose pages are sound',
      ],
    },
    'damage-hidden': {
      severity: 'warning',
      say: ({ setting }: { setting: Hiding }) =>
        `${setting} is on: ${hiding[setting]}, and nobody is told but the server log`,
      next: ({ setting }: { setting: Hiding }) => [
        `select source, sourcefile, sourceline from pg_settings where name = '${setting}'`,
        'Switch it off where it is switched on: it is meant for saving what can be read, once.',
        'Look for damage that it has hidden: dbdoctor check --only storage/pages --depth deep, as a superuser',
      ],
    },
  },
  run: {
    async postgres({ db, report, saw, skip }) {
      const answer = await db.read(async (kysely) => {
        const [rows, settings] = await rowsOfEach(
          kysely,
          sql<Row>`select current_setting('data_checksums')::boolean as enabled, checksum_failures as failures,
            to_char(checksum_last_failure at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as last, datname as database
          from pg_stat_database where datname = current_database() or datid = 0
          order by datid desc`,
          // What a session of the server's starts with: ours may have it otherwise.
          sql<{ setting: Hiding }>`select name as setting from pg_settings
            where name in (${sql.join(Object.keys(hiding).map((name) => sql.lit(name)))}) and reset_val = 'on' order by name`,
        )
        return { rows, settings }
      })
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      const { rows, settings } = answer.value
      for (const setting of settings) report('damage-hidden', setting)
      if (rows.every(({ enabled }) => !enabled)) return saw('checksums are off')
      for (const { failures, last, database } of rows) {
        const where = database === null ? 'objects that all databases share' : `database ${quoted(database)}`
        if (failures) report('failed', { database: where, failures, last: last ?? undefined })
      }
    },
  },
})
