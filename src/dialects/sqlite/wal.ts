import { type FileHandle, open } from 'node:fs/promises'

/** What a write-ahead log holds, beside the file that it lies next to. */
export interface Wal {
  /** Frames up to the last commit that its checksums vouch for: what the next one to open the file replays. */
  readonly frames: number
  /** Committed frames behind a broken checksum: nobody will replay them. */
  readonly lost: number
  /** Why it seems to belong to another state of the file; null where nothing speaks for that. */
  readonly mismatch: 'rollback-header' | 'older-than-file' | null
}

/** https://www.sqlite.org/fileformat2.html#the_write_ahead_log, in bytes. */
const [headerSize, frameHeader] = [32, 24]
const magic = 0x377f0682
/** Frames that are read; a log of more is left to the next writer's checkpoint anyway. */
const mostFrames = 20_000
/** How much later than its log a file must have been written to be called newer, in milliseconds. */
const newer = 1000

/**
 * Reads a log and follows its chain of checksums, as SQLite does: https://www.sqlite.org/walformat.html. Null where there is none, or none
 * with a header that means anything.
 */
export async function readWal(path: string): Promise<Wal | null> {
  const file = await open(path).catch(() => null)
  const log = await open(`${path}-wal`).catch(() => null)
  try {
    return file && log ? await follow(file, log) : null
  } finally {
    await Promise.all([file?.close(), log?.close()])
  }
}

async function follow(file: FileHandle, log: FileHandle): Promise<Wal | null> {
  const header = await readAt(log, 0, headerSize)
  if (!header || (header.readUInt32BE(0) & ~1) >>> 0 !== magic) return null
  const pageSize = header.readUInt32BE(8)
  if (pageSize < 512 || pageSize > 65_536) return null
  const words = header.readUInt32BE(0) & 1 ? readBig : readLittle
  const salt = header.subarray(16, 24)
  let sum = checksum([0, 0], header.subarray(0, 24), words)
  let intact = agrees(sum, header, 24)
  let [frames, lost] = [0, 0]
  let shared = false
  const { size, mtimeMs: logTime } = await log.stat()
  const { mtimeMs: fileTime } = await file.stat()
  const isNewer = fileTime > logTime + newer

  for (let at = 0; at < mostFrames; at++) {
    const offset = headerSize + at * (frameHeader + pageSize)
    if (offset + frameHeader + pageSize > size) break
    const frame = await readAt(log, offset, frameHeader + pageSize)
    // What is of an older generation of the log was never meant to be read again.
    if (!frame?.subarray(8, 16).equals(salt)) break
    const [head, page] = [frame.subarray(0, 8), frame.subarray(frameHeader)]
    if (intact) {
      sum = checksum(checksum(sum, head, words), page, words)
      intact = agrees(sum, frame, 16)
    }
    const commits = frame.readUInt32BE(4) > 0
    if (intact && isNewer && !shared) shared = await holds(file, frame.readUInt32BE(0), page)
    if (commits && intact) frames = at + 1
    else if (commits) lost = at + 1 - frames
  }
  return { frames, lost, mismatch: frames > 0 ? await mismatchOf(file, isNewer && !shared) : null }
}

/**
 * A file says that it is in WAL mode before its log has a frame, and as long as it has one. One that was written after its log, by a
 * checkpoint, holds pages of it.
 */
async function mismatchOf(file: FileHandle, isOlder: boolean): Promise<Wal['mismatch']> {
  const versions = await readAt(file, 18, 2)
  if (versions?.[0] === 1 && versions[1] === 1) return 'rollback-header'
  return isOlder ? 'older-than-file' : null
}

/** Whether the file holds a page as the log has it. */
async function holds(file: FileHandle, number: number, page: Buffer): Promise<boolean> {
  return (await readAt(file, (number - 1) * page.length, page.length))?.equals(page) ?? false
}

type Sum = readonly [number, number]
type Words = (bytes: Buffer, at: number) => number

const readBig: Words = (bytes, at) => bytes.readUInt32BE(at)
const readLittle: Words = (bytes, at) => bytes.readUInt32LE(at)

function checksum([first, second]: Sum, bytes: Buffer, word: Words): Sum {
  let [a, b] = [first, second]
  for (let at = 0; at < bytes.length; at += 8) {
    a = (a + word(bytes, at) + b) >>> 0
    b = (b + word(bytes, at + 4) + a) >>> 0
  }
  return [a, b]
}

function agrees([first, second]: Sum, bytes: Buffer, at: number): boolean {
  return bytes.readUInt32BE(at) === first && bytes.readUInt32BE(at + 4) === second
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer | null> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
  return bytesRead === length ? buffer : null
}
