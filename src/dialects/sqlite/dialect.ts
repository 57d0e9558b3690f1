import { basename } from 'node:path'
import type { TargetInfo } from '../../report/report.js'
import type { Dialect } from '../dialect.js'
import { startLink } from './link.js'

/**
 * SQLite databases in a file at `path`. The file and its side files are only ever read. The process that will hold the connection starts
 * at once, while the rest is being loaded.
 */
export function sqlite(path: string, understood?: string): Dialect {
  const target: TargetInfo = { dialect: 'sqlite', name: basename(path), ...(understood && { understood }) }
  const link = startLink()
  return {
    name: 'sqlite',
    hasSchemas: false,
    target,
    secrets: [],
    open: async (limits) => (await import('./database.js')).openDatabase(path, target, link, limits),
    repairer: async () => (await import('./repairer.js')).repairerOf(path),
    dismiss: link.kill,
  }
}
