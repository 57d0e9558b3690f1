import { byName } from '../compare.js'
import {
  type HistoryRow,
  type MigrationHistory,
  type MigrationState,
  type MigrationTool,
  typedName,
  utc,
} from '../tool.js'

/** https://www.prisma.io/docs/orm/prisma-migrate: a folder for each migration. */
export const prisma: MigrationTool = {
  name: 'Prisma',
  tables: [
    {
      table: '_prisma_migrations',
      columns: ['migration_name', 'started_at', 'finished_at', 'rolled_back_at'],
      reads: ['migration_name', 'started_at', 'finished_at', 'rolled_back_at'],
      asks: 'logs',
      locks: () => [72707369],
      judge,
    },
  ],
  compare: byName(['migration_name', 'finished_at', 'rolled_back_at'], {
    ofFile: ({ path }) => /^([^/]+)\/migration\.sql$/.exec(path)?.[1] ?? null,
    ofRow: (row) => (row.finished_at !== null && row.rolled_back_at === null ? (row.migration_name ?? null) : null),
  }),
  applies: 'npx prisma migrate deploy',
  repair: ({ name }) => [
    `See what of prisma/migrations/${typedName(name)}/migration.sql is in place, statement by statement.`,
    `Nothing, or you undid it: npx prisma migrate resolve --rolled-back "${typedName(name)}" && npx prisma migrate deploy`,
    `All of it, or you completed it: npx prisma migrate resolve --applied "${typedName(name)}"`,
  ],
}

/** A migration that began this long ago, in milliseconds, may still be running where no lock can tell. */
const recent = 5 * 60_000

function judge(rows: readonly HistoryRow[], running: boolean): MigrationHistory {
  const finished = rows.filter((row) => row.finished_at !== null && row.rolled_back_at === null)
  const open = rows.filter((row) => row.finished_at === null && row.rolled_back_at === null)
  const findings = open.map((row): MigrationState => {
    const since = momentOf(row.started_at)
    const begun = { name: row.migration_name ?? '', ...(since !== null && { since: utc(since) }) }
    // The schema engine writes its log when a step fails, and not before.
    if (row.logs) return { code: 'failed', ...begun }
    const justNow = since !== null && Math.abs(Date.now() - since) < recent
    return { code: running || justNow ? 'running' : 'half-applied', ...begun }
  })
  return { state: `, ${finished.length} applied`, findings }
}

/** Milliseconds since 1970: as they are on SQLite, or a time that is UTC where it names no zone. */
function momentOf(value: string | null | undefined): number | null {
  if (!value) return null
  if (/^\d{12,}$/.test(value)) return Number(value)
  const iso = value.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')
  const moment = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}Z`)
  return Number.isNaN(moment) ? null : moment
}
