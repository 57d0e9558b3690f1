import { statfs } from 'node:fs/promises'
import type { Disk } from './dialect.js'

/** The room on the disk that holds a path, as a user without privileges may have it; null where it cannot be told. */
export async function diskOf(path: string): Promise<Disk | null> {
  try {
    const { bavail, blocks, bsize } = await statfs(path)
    return blocks > 0 ? { place: path, free: bavail * bsize, size: blocks * bsize } : null
  } catch {
    return null
  }
}
