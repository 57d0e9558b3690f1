import { endianness } from 'node:os'
import { basename } from 'node:path'
import type { Backlog } from '../dialect.js'
import { sizeOf } from './file.js'
import { holderNamed, readerAt } from './locks.js'

/** Places in a WAL index, in bytes: https://www.sqlite.org/walformat.html#the_wal_index_file_format. The header is there twice. */
const [header, pageSizeAt, framesAt, backfilledAt, marksAt] = [48, 14, 16, 96, 100]
const marks = [0, 1, 2, 3, 4]
/** In a log, in bytes: its header, and that of each frame. */
const [logHeader, frameHeader] = [32, 24]

/**
 * What of a log is not in its file yet, by what the index that those who have it open share begins with. Null where somebody changes it.
 * A reader goes on from the mark that was the end of the log when it began: nothing behind that is written back meanwhile.
 */
export async function backlogIn(index: Uint8Array, path: string): Promise<Backlog | null> {
  const bytes = Buffer.from(index)
  if (!bytes.subarray(0, header).equals(bytes.subarray(header, 2 * header))) return null
  const isLittle = endianness() === 'LE'
  const word = (at: number) => (isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at))
  const half = isLittle ? bytes.readUInt16LE(pageSizeAt) : bytes.readUInt16BE(pageSizeAt)
  const pageSize = half === 1 ? 65_536 : half
  const [frames, backfilled] = [word(framesAt), word(backfilledAt)]
  const size = await sizeOf(`${path}-wal`)
  // An index that has outlived its log.
  if (size === null || size < logHeader + frames * (frameHeader + pageSize)) return null
  // By the first mark somebody reads who needs nothing of the log.
  const old = marks.filter((mark) => mark === 0 || word(marksAt + 4 * mark) <= backfilled)
  const reader = frames > backfilled ? await readerAt(path, old) : null
  return {
    log: `${basename(path)}-wal`,
    bytes: (frames - backfilled) * pageSize,
    reader: reader && holderNamed(reader),
  }
}
