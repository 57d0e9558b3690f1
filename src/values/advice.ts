import { quoted } from './text.js'

/** Where to go on when a table cannot be read to its end. */
export const lookAtPages =
  'Copy the files before anything is repaired, then look at its pages: dbdoctor check --only storage --depth deep'

/** What mends the indexes of a table that do not agree with it, on either dialect. */
export function rebuildIndexes(table: string): string {
  return `Rebuild the indexes of ${quoted(table)} once the files are copied: reindex table concurrently on PostgreSQL, reindex on SQLite`
}
