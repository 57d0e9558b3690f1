import { quoted, typed } from './text.js'

/** Where to go on when a table cannot be read to its end. */
export const lookAtPages =
  'Copy the files before anything is repaired, then look at its pages: dbdoctor check --only storage --depth deep'

/** What to do with a SQLite file and a log beside it that belongs to another state of the file. */
export function partFromLog(name: string): readonly string[] {
  return [
    `cp ${typed(name)} ${typed(`${name}.alone`)} && dbdoctor check ${typed(`./${name}.alone`)}`,
    `Keep both; where the file alone is what you want (a backup that was copied back): mv ${typed(`${name}-wal`)} ${typed(`${name}-wal.old`)}, and ${name}-shm likewise, before anything opens it.`,
  ]
}

/** What mends the indexes of a table that do not agree with it, on either dialect. */
export function rebuildIndexes(table: string): string {
  return `Rebuild the indexes of ${quoted(table)} once the files are copied: reindex table concurrently on PostgreSQL, reindex on SQLite`
}
