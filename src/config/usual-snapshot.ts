import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.js'

/** Where a snapshot is kept unless the config says otherwise: beside it. */
export const usualSnapshot = 'dbdoctor.snapshot.json'

/** A config that names its snapshot: the usual file in a folder, where it names none and that is there. */
export function withSnapshot(config: Config, folder: string | null): Config {
  const { database } = config
  if (database.expect.snapshot !== undefined || folder === null || !existsSync(join(folder, usualSnapshot)))
    return config
  return { ...config, database: { ...database, expect: { ...database.expect, snapshot: usualSnapshot } } }
}
