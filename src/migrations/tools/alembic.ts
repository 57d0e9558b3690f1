import { appliedIn, type Naming, namedIn } from '../compare.js'
import type { MigrationFolder } from '../folder.js'
import type { Comparison, HistoryRow, MigrationHistory, MigrationTool } from '../tool.js'

export const alembic: MigrationTool = {
  name: 'Alembic',
  tables: [{ table: 'alembic_version', columns: ['version_num'], reads: ['version_num'], judge }],
  compare: { columns: ['version_num'], with: compare },
  applies: 'alembic upgrade head',
}

function judge(rows: readonly HistoryRow[]): MigrationHistory {
  if (rows.length > 1) return { findings: [{ code: 'several-heads', heads: rows.length }] }
  return { state: ` at ${rows[0]?.version_num ?? 'base'}` }
}

const naming: Naming = {
  ofFile: ({ head }) => /^revision\b[^=\n]*=\s*["']([^"']+)["']/m.exec(head)?.[1] ?? null,
  ofRow: ({ version_num: version = null }) => version,
}

/** The history names the last revisions alone: whatever they follow is applied too. */
function compare(folder: MigrationFolder, rows: readonly HistoryRow[]): Comparison | null {
  const named = namedIn(folder, naming.ofFile)
  if (!named) return null
  const heads = appliedIn(rows, naming.ofRow)
  const before = new Map(named.map(({ name, file }) => [name, parentsIn(file.head)]))
  const applied = new Set<string>()
  const left = [...heads]
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    if (applied.has(one)) continue
    applied.add(one)
    left.push(...(before.get(one) ?? []))
  }
  return {
    pending: [...before.keys()].filter((name) => !applied.has(name)),
    unknown: [...heads].filter((name) => !before.has(name)),
  }
}

function parentsIn(head: string): string[] {
  const written = /^down_revision\b[^=\n]*=\s*(\([^)]*\)|[^\n]*)/m.exec(head)?.[1] ?? ''
  return [...written.matchAll(/["']([^"']+)["']/g)].flatMap(([, name]) => name ?? [])
}
