import { constants } from 'node:fs'
import { type FileHandle, open, readlink, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { UnopenedOutcome } from '../dialect.js'
import { foreignOf } from './foreign.js'

/**
 * How a file can be opened without changing a byte of it or its side files.
 * `read-only`: a rollback-mode file; `beside-a-writer`: WAL with its index, the index opened read-only; `at-rest`: WAL mode without
 * side files, so nobody holds it; `copy`: a private copy, because recovery would have to write.
 */
export type Way = 'read-only' | 'beside-a-writer' | 'at-rest' | 'copy'

export type FileState =
  | { readonly outcome: 'openable'; readonly way: Way; readonly note: string }
  | {
      readonly outcome: Extract<
        UnopenedOutcome,
        'missing' | 'not-a-file' | 'unreadable' | 'empty' | 'encrypted' | 'not-a-database' | 'damaged'
      >
      readonly code: string
      readonly text: string
      readonly remedies?: readonly string[]
    }

const magic = 'SQLite format 3\0'
const walVersion = 2

/** Looks at a file before SQLite does, which would merge half of these cases into one error, or create or recover what it finds. */
export async function examineFile(path: string): Promise<FileState> {
  let kind: Awaited<ReturnType<typeof stat>>
  let head: Buffer
  try {
    kind = await stat(path)
    if (!kind.isFile()) return { outcome: 'not-a-file', code: '', text: `it is ${kindOf(kind)}` }
    head = await readHead(path)
  } catch (error) {
    return unreadable(path, error as NodeJS.ErrnoException)
  }

  if (kind.size === 0) return { outcome: 'empty', code: '', text: 'the file holds 0 bytes' }
  if (head.toString('latin1', 0, 16) !== magic) return foreign(path, head, kind.size)
  const pageSize = pageSizeOf(head)
  if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0) {
    return { outcome: 'damaged', code: '', text: `the header gives an impossible page size, ${pageSize}` }
  }
  const version = Math.max(head[18] ?? 0, head[19] ?? 0)
  if (version > walVersion)
    return { outcome: 'damaged', code: '', text: `the header gives an unknown format version, ${version}` }
  return { outcome: 'openable', way: await wayToRead(path, head), note: shortfall(head, pageSize, kind.size) }
}

/** What changes when anybody writes to the file, or opens it to write. */
export async function fingerprint(path: string): Promise<string> {
  const parts = ['', '-wal', '-journal'].map((suffix) =>
    stat(path + suffix, { bigint: true }).then(
      ({ ino, size, mtimeNs }) => [ino, size, mtimeNs].join(),
      () => 'none',
    ),
  )
  return (await Promise.all(parts)).join(':')
}

/**
 * How many bytes a file lacks of the pages that its header counts; 0 where nothing can be said, because a journal or a log may hold
 * them. A writer's header is on disk before its last page is: only what stays so counts.
 */
export async function missingBytes(path: string): Promise<number> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const before = await fingerprint(path)
    const missing = (await inUse(path)) ? 0 : await lack(path)
    if (missing === 0) return 0
    await sleep(settling)
    if ((await fingerprint(path)) === before) return missing
  }
  return 0
}

/** Whether a log holds anything, or a journal begins like one that is hot. */
async function inUse(path: string): Promise<boolean> {
  if (await sizeOf(`${path}-wal`)) return true
  if (!(await sizeOf(`${path}-journal`))) return false
  // One that is gone between two looks belongs to a transaction that has just ended.
  const head = await readHead(`${path}-journal`).catch(() => null)
  return head !== null && head[0] !== 0
}

async function lack(path: string): Promise<number> {
  const [head, size] = await Promise.all([readHead(path).catch(() => null), sizeOf(path)])
  return head === null || size === null || head.length < 100
    ? 0
    : Math.max(0, countedPages(head) * pageSizeOf(head) - size)
}

/** How long a file must stay as it is for its size to mean something, in milliseconds. */
const settling = 60

/** The size of a file in bytes; null where there is none. */
export async function sizeOf(path: string): Promise<number | null> {
  return stat(path).then(
    ({ size }) => size,
    () => null,
  )
}

async function wayToRead(path: string, head: Buffer): Promise<Way> {
  const [wal, index, journal] = await Promise.all(['-wal', '-shm', '-journal'].map((suffix) => sizeOf(path + suffix)))
  // A log that holds anything is replayed by SQLite, whatever the header says.
  if (head[18] !== walVersion && head[19] !== walVersion && !wal) return 'read-only'
  // A journal may be hot in this mode too, when the switch to it was cut short.
  if (wal === null) return journal ? 'copy' : 'at-rest'
  return index === null ? 'copy' : 'beside-a-writer'
}

function pageSizeOf(head: Buffer): number {
  return head.readUInt16BE(16) === 1 ? 65536 : head.readUInt16BE(16)
}

async function readHead(path: string): Promise<Buffer> {
  let handle: FileHandle | undefined
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle?.close()
  }
}

async function unreadable(path: string, { code = '', message }: NodeJS.ErrnoException): Promise<FileState> {
  if (code === 'ENOENT' || code === 'ENOTDIR') return { outcome: 'missing', code, text: await whatIsMissing(path) }
  if (code === 'EACCES' || code === 'EPERM') return { outcome: 'unreadable', code, text: 'permission denied' }
  return { outcome: 'unreadable', code, text: message }
}

/** SQLite has one error for a file, its folder and the end of a link. */
async function whatIsMissing(path: string): Promise<string> {
  const leadsTo = await readlink(path).catch(() => null)
  if (leadsTo !== null) return `it is a link to ${leadsTo}, and nothing is there`
  const folder = await stat(dirname(path)).catch(() => null)
  return folder?.isDirectory() ? 'no such file' : `there is no folder ${dirname(path)}`
}

function kindOf(stats: Awaited<ReturnType<typeof stat>>): string {
  if (stats.isDirectory()) return 'a directory'
  if (stats.isFIFO()) return 'a FIFO'
  if (stats.isSocket()) return 'a socket'
  return 'a device'
}

function foreign(path: string, head: Buffer, size: number): FileState {
  if (head.toString('latin1', 0, 15) === '** This file co') {
    return { outcome: 'not-a-database', code: '', text: 'it was written by SQLite 2' }
  }
  const known = foreignOf(head)
  if (known) return { outcome: 'not-a-database', code: '', text: `it is ${known.what}`, remedies: [known.remedy(path)] }
  if (wasDatabase(head, size)) return { outcome: 'damaged', code: '', text: 'its first bytes were overwritten' }
  // Encrypted pages can't be told from noise; whatever else people keep in files can.
  if (size % 512 === 0 && head.length >= 1024 && entropy(head) > 7.5) {
    return { outcome: 'encrypted', code: '', text: 'it holds whole pages of what looks like noise' }
  }
  const printable = head.every((byte) => byte >= 32 || (byte >= 9 && byte <= 13))
  return {
    outcome: 'not-a-database',
    code: '',
    text: printable ? 'it holds text' : 'its header is not that of SQLite 3',
  }
}

/** Whether what follows the first 16 bytes is a SQLite header that fits the file: https://www.sqlite.org/fileformat2.html#the_database_header. */
function wasDatabase(head: Buffer, size: number): boolean {
  if (head.length < 100) return false
  const pageSize = head.readUInt16BE(16) === 1 ? 65536 : head.readUInt16BE(16)
  const fractions = [head[21], head[22], head[23]].join()
  return fractions === '64,32,32' && head.readUInt32BE(28) * pageSize === size
}

/** Shannon entropy, in bits a byte. */
function entropy(bytes: Buffer): number {
  const counts = new Map<number, number>()
  for (const byte of bytes) counts.set(byte, (counts.get(byte) ?? 0) + 1)
  return [...counts.values()].reduce((sum, count) => sum - (count / bytes.length) * Math.log2(count / bytes.length), 0)
}

/** Says so where the file holds fewer pages than its header counts. */
function shortfall(head: Buffer, pageSize: number, size: number): string {
  const counted = countedPages(head)
  const held = Math.floor(size / pageSize)
  return held < counted ? `its header counts ${counted} pages, the file holds ${held}` : ''
}

/** The pages that the header counts. The count is only meant where the header says so (bytes 24, 92). */
function countedPages(head: Buffer): number {
  return head.length >= 100 && head.readUInt32BE(24) === head.readUInt32BE(92) ? head.readUInt32BE(28) : 0
}
