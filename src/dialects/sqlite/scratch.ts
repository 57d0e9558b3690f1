import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import type { Scratch } from '../scratch.js'

/** A SQLite database in a folder of its own, like the original where there is one. */
export async function sqliteScratch(original?: string): Promise<Scratch> {
  const folder = await mkdtemp(join(tmpdir(), 'dbdoctor-scratch-'))
  const file = join(folder, 'scratch.db')
  const execute = async (statements: string) => {
    const database = new BetterSqlite(file)
    try {
      // Orphans are what most tests are about: nothing here may refuse them.
      database.pragma('foreign_keys = off')
      // A schema may be made to say what is not so.
      database.unsafeMode()
      database.exec(statements)
    } finally {
      database.close()
    }
  }
  if (original) await copyFile(original, file)
  // A header, even where no statement writes one.
  else await execute('pragma user_version = 1')
  return {
    target: `sqlite:${file}`,
    execute,
    copy: () => sqliteScratch(file),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
