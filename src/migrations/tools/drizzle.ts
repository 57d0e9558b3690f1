import type { MigrationFolder } from '../folder.js'
import { type Comparison, counted, type HistoryRow, type MigrationTool } from '../tool.js'

export const drizzle: MigrationTool = {
  name: 'Drizzle',
  tables: [{ table: '__drizzle_migrations', columns: ['hash', 'created_at'], judge: counted }],
  compare: { columns: ['created_at'], with: compare },
  applies: 'npx drizzle-kit migrate',
}

/** The journal gives each migration's time; whatever is later than the last time of the history is not applied. */
function compare({ files }: MigrationFolder, rows: readonly HistoryRow[]): Comparison | null {
  const journal = files.find(({ path }) => path === 'meta/_journal.json')
  const entries = journal && entriesOf(journal.head)
  if (!entries) return null
  const times = rows.map((row) => Number(row.created_at))
  const last = Math.max(0, ...times)
  const known = new Set(entries.map(({ when }) => when))
  return {
    pending: entries.filter(({ when }) => when > last).map(({ tag }) => tag),
    unknown: times.filter((time) => !known.has(time)).map(String),
  }
}

function entriesOf(text: string): { tag: string; when: number }[] | null {
  try {
    const { entries } = JSON.parse(text) as { entries?: unknown }
    return Array.isArray(entries)
      ? entries.filter(({ tag, when }) => typeof tag === 'string' && typeof when === 'number')
      : null
  } catch {
    return null
  }
}
