import { basename } from 'node:path'
import { appliedIn, differences, namedIn } from '../compare.js'
import type { MigrationFolder } from '../folder.js'
import {
  type Comparison,
  type HistoryRow,
  isSet,
  type MigrationHistory,
  type MigrationTool,
  typedName,
} from '../tool.js'

export const flyway: MigrationTool = {
  name: 'Flyway',
  tables: [
    {
      table: 'flyway_schema_history',
      columns: ['installed_rank', 'type', 'script', 'success'],
      reads: ['installed_rank', 'type', 'script', 'success'],
      judge,
    },
  ],
  compare: { columns: ['script', 'success', 'type', 'version'], with: compare },
  applies: 'flyway migrate',
  repair: ({ name }) => [
    `See what of ${typedName(name)} is in place, and undo it.`,
    'flyway repair',
    `Correct ${typedName(name)}, then: flyway migrate`,
  ],
}

function judge(rows: readonly HistoryRow[]): MigrationHistory {
  const rank = (row: HistoryRow) => Number(row.installed_rank)
  const applied = rows.filter((row) => isSet(row.success))
  const failed = rows.filter(
    (row) => !isSet(row.success) && !applied.some((later) => later.script === row.script && rank(later) > rank(row)),
  )
  const migrations = applied.filter(({ type }) => !['SCHEMA', 'BASELINE', 'DELETE'].includes(type ?? ''))
  return {
    state: `, ${new Set(migrations.map(({ script }) => script)).size} applied`,
    findings: failed.map(({ script }) => ({ code: 'failed', name: script ?? '' })),
  }
}

/** What is not above a baseline is not applied, and the baseline stands for what the folder no longer holds. */
function compare(folder: MigrationFolder, rows: readonly HistoryRow[]): Comparison | null {
  const named = namedIn(folder, ({ path }) => (/^[VR][^/]*__[^/]*\.sql$/.test(basename(path)) ? basename(path) : null))
  if (!named) return null
  const applied = appliedIn(rows, ({ script, success }) => (isSet(success) && script ? basename(script) : null))
  const baseline = rows.find(({ type }) => type === 'BASELINE')?.version ?? null
  const { pending, unknown } = differences(named, applied)
  if (baseline !== null) return { pending: pending.filter((name) => !isAtMost(versionIn(name), baseline)), unknown: [] }
  // `<< Flyway Schema Creation >>` and the like are no files.
  return { pending, unknown: unknown.filter((name) => !name.startsWith('<<')) }
}

const versionIn = (name: string) => /^V([\d._]+?)__/.exec(name)?.[1] ?? null

function isAtMost(version: string | null, limit: string): boolean {
  if (version === null) return false
  const [own, other] = [version, limit].map((text) => text.split(/[._]/).map(Number))
  for (let at = 0; at < Math.max(own?.length ?? 0, other?.length ?? 0); at++) {
    const [a = 0, b = 0] = [own?.[at], other?.[at]]
    if (a !== b) return a < b
  }
  return true
}
