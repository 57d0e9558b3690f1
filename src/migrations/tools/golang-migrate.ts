import { appliedIn, namedIn } from '../compare.js'
import type { MigrationFolder } from '../folder.js'
import { type Comparison, type HistoryRow, isSet, type MigrationHistory, type MigrationTool } from '../tool.js'

export const golangMigrate: MigrationTool = {
  name: 'golang-migrate',
  tables: [{ table: 'schema_migrations', columns: ['version', 'dirty'], reads: ['version', 'dirty'], locks, judge }],
  compare: { columns: ['version'], with: compare },
  applies: 'migrate -path FOLDER -database "$DATABASE_URL" up',
  repair: ({ name }) => [
    `See what of the migration to version ${name} is in place, statement by statement.`,
    `All of it, or you completed it: migrate -path FOLDER -database "$DATABASE_URL" force ${name}`,
    'Nothing, or you undid it: the same with the version that it started from.',
  ],
}

function judge([row]: readonly HistoryRow[], running: boolean): MigrationHistory {
  const name = row?.version ?? 'none'
  if (!isSet(row?.dirty)) return { state: ` at ${name}` }
  return { findings: [{ code: running ? 'running' : 'dirty', name }] }
}

/** The history names the version it is at: all up to that one are applied. */
function compare(folder: MigrationFolder, rows: readonly HistoryRow[]): Comparison | null {
  const named = namedIn(folder, ({ path }) => /^0*(\d+)_[^/]*\.up\.\w+$/.exec(path)?.[1] ?? null)
  if (!named) return null
  const [at] = appliedIn(rows, ({ version = null }) => version)
  const names = [...new Set(named.map(({ name }) => name))]
  return {
    pending: names.filter((name) => at === undefined || BigInt(name) > BigInt(at)),
    unknown: at === undefined || names.includes(at) ? [] : [at],
  }
}

/** As its `GenerateAdvisoryLockId`, whose older versions knew fewer names. */
function locks({ database, schema, table }: { database: string; schema: string; table: string }): number[] {
  const names = [[schema, table, database], [schema, database], [database]]
  return names.map((parts) => Math.imul(crc32(parts.join('\0')), 1486364155) >>> 0)
}

function crc32(text: string): number {
  let sum = -1
  for (const byte of new TextEncoder().encode(text)) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0)
  }
  return ~sum
}
