import { basename, dirname } from 'node:path'
import { appliedIn, differences, namedIn } from '../compare.js'
import type { MigrationFolder } from '../folder.js'
import { type Comparison, counted, type HistoryRow, type MigrationTool } from '../tool.js'

export const django: MigrationTool = {
  name: 'Django',
  tables: [{ table: 'django_migrations', columns: ['app', 'name', 'applied'], judge: counted }],
  compare: { columns: ['app', 'name'], with: compare },
  applies: 'python manage.py migrate',
}

/** One history for all apps, and a folder for each. A squashed migration stands for those that it replaces: it is applied once they are. */
function compare(folder: MigrationFolder, rows: readonly HistoryRow[]): Comparison | null {
  const named = namedIn(folder, ({ path }) => (/^(?!__)[^/]+\.py$/.test(path) ? path.slice(0, -3) : null))
  if (!named) return null
  const own = rows.filter(({ app }) => app === basename(dirname(folder.folder)))
  const squashed = named.filter(({ file }) => /^\s*replaces\s*=/m.test(file.head))
  const { pending, unknown } = differences(
    named,
    appliedIn(own, ({ name = null }) => name),
  )
  return {
    pending: pending.filter((name) => !squashed.some((one) => one.name === name)),
    unknown: squashed.length > 0 ? [] : unknown,
  }
}
