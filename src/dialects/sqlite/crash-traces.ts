import { open, stat } from 'node:fs/promises'
import type { CrashTrace } from '../dialect.js'
import { sizeOf } from './file.js'
import { heldBySomebody } from './locks.js'
import { readWal } from './wal.js'

/** https://www.sqlite.org/fileformat2.html#the_rollback_journal. `journal_mode=PERSIST` leaves zeros in its place. */
const journalMagic = Buffer.from('d9d505f920a163d7', 'hex')

/** What a writer that ended without closing left beside a file. Reads side files alone, before any connection of ours exists. */
export async function tracesOf(path: string): Promise<CrashTrace[]> {
  const [journal, wal] = await Promise.all([hotJournal(path), walLeftBehind(path)])
  return [...journal, ...wal]
}

/**
 * A journal with a valid header. It is hot only while no live process holds a lock on the file; where SQLite opens the file without
 * asking for recovery, the caller drops it.
 */
async function hotJournal(path: string): Promise<CrashTrace[]> {
  const head = await readAt(`${path}-journal`, 0, journalMagic.length)
  if (!head?.equals(journalMagic) || (await heldBySomebody(path)) === true) return []
  const at = await changedAt(`${path}-journal`)
  return at === null ? [] : [{ kind: 'hot-journal', at }]
}

async function walLeftBehind(path: string): Promise<CrashTrace[]> {
  // Where the system does not tell who holds a file, nobody can say that nobody does.
  if (!(await sizeOf(`${path}-wal`)) || (await heldBySomebody(path)) !== false) return []
  const wal = await readWal(path)
  const at = await changedAt(`${path}-wal`)
  return wal && wal.frames + wal.lost > 0 && at !== null ? [{ kind: 'wal-left-behind', ...wal, at }] : []
}

/** Null where it has gone meanwhile: then somebody lives who removes it, and it is no trace. */
async function changedAt(path: string): Promise<string | null> {
  return stat(path).then(
    ({ mtime }) => mtime.toISOString(),
    () => null,
  )
}

async function readAt(path: string, offset: number, length: number): Promise<Buffer | null> {
  const file = await open(path).catch(() => null)
  if (!file) return null
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset)
    return bytesRead === length ? buffer : null
  } finally {
    await file.close()
  }
}
