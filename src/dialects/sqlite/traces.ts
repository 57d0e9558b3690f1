import { open, readFile, stat } from 'node:fs/promises'
import type { Trace } from '../dialect.js'
import { sizeOf } from './file.js'

/** https://www.sqlite.org/fileformat2.html#the_rollback_journal. `journal_mode=PERSIST` leaves zeros in its place. */
const journalMagic = Buffer.from('d9d505f920a163d7', 'hex')
/** https://www.sqlite.org/fileformat2.html#the_write_ahead_log, in bytes. */
const [walHeader, frameHeader] = [32, 24]
/** Frames that are counted; a log of more is left to the next writer's checkpoint anyway. */
const mostFrames = 100_000

/** What a writer that ended without closing left beside a file. Reads side files alone, before any connection of ours exists. */
export async function tracesOf(path: string): Promise<Trace[]> {
  const [journal, wal] = await Promise.all([hotJournal(path), walLeftBehind(path)])
  return [...journal, ...wal]
}

/**
 * A journal with a valid header. It is hot only while no live process holds a lock on the file; where SQLite opens the file without
 * asking for recovery, the caller drops it.
 */
async function hotJournal(path: string): Promise<Trace[]> {
  const head = await readAt(`${path}-journal`, 0, journalMagic.length)
  if (!head?.equals(journalMagic) || (await heldBySomebody(path)) === true) return []
  const at = await changedAt(`${path}-journal`)
  return at === null ? [] : [{ kind: 'hot-journal', at }]
}

async function walLeftBehind(path: string): Promise<Trace[]> {
  // Where the system does not tell who holds a file, nobody can say that nobody does.
  if (!(await sizeOf(`${path}-wal`)) || (await heldBySomebody(path)) !== false) return []
  const frames = await framesOf(`${path}-wal`)
  const at = await changedAt(`${path}-wal`)
  return frames > 0 && at !== null ? [{ kind: 'wal-left-behind', frames, at }] : []
}

/** Frames that belong to the log's present header, up to the last commit. */
async function framesOf(wal: string): Promise<number> {
  const header = await readAt(wal, 0, walHeader)
  const size = (await sizeOf(wal)) ?? 0
  if (!header) return 0
  const pageSize = header.readUInt32BE(8)
  const salt = header.subarray(16, 24)
  const file = await open(wal).catch(() => null)
  if (!file) return 0
  try {
    let committed = 0
    for (let frame = 0; frame < mostFrames; frame++) {
      const offset = walHeader + frame * (frameHeader + pageSize)
      if (offset + frameHeader + pageSize > size) break
      const { buffer } = await file.read(Buffer.alloc(frameHeader), 0, frameHeader, offset)
      if (!buffer.subarray(8, 16).equals(salt)) break
      if (buffer.readUInt32BE(4) > 0) committed = frame + 1
    }
    return committed
  } finally {
    await file.close()
  }
}

/** Whether a process has a lock on the file or its WAL index; null where the system has no list of locks (proc(5), `/proc/locks`). */
async function heldBySomebody(path: string): Promise<boolean | null> {
  const locks = await readFile('/proc/locks', 'utf8').catch(() => null)
  if (locks === null) return null
  const inodes = await Promise.all(
    ['', '-shm'].map((side) =>
      stat(path + side).then(
        ({ ino }) => `:${ino} `,
        () => null,
      ),
    ),
  )
  return inodes.some((inode) => inode !== null && locks.includes(inode))
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
