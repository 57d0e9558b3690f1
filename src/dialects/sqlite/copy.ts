import { constants } from 'node:fs'
import { chmod, copyFile, mkdir, rm, statfs } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fingerprint, sizeOf } from './file.js'

export type Copy =
  | { readonly outcome: 'copied'; readonly path: string }
  | { readonly outcome: 'unsafe' | 'unreadable'; readonly text: string }

/**
 * Copies a database and its journals, under their own names, into a private folder: recovery may write there, and the evidence stays
 * as it is. A copy counts only if nothing was written meanwhile. Runs in the child, which can be killed half-way.
 */
export async function copyDatabase(path: string, folder: string): Promise<Copy> {
  const lacking = await makeRoom(path, folder)
  if (lacking) return { outcome: 'unsafe', text: lacking }
  const target = join(folder, basename(path))
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      const before = await fingerprint(path)
      await copyAs(path, target)
      for (const side of sides) {
        await rm(target + side, { force: true })
        if ((await sizeOf(path + side)) !== null) await copyAs(path + side, target + side)
      }
      if ((await fingerprint(path)) === before) return { outcome: 'copied', path: target }
    }
    return { outcome: 'unsafe', text: 'somebody writes to the file, so a private copy would mix two states' }
  } catch (error) {
    return { outcome: 'unreadable', text: `a private copy was needed and failed: ${(error as Error).message}` }
  }
}

const sides = ['-journal', '-wal']

/** Makes the folder, if the place has room for a copy; otherwise says what it lacks. */
async function makeRoom(path: string, folder: string): Promise<string | null> {
  const place = dirname(folder)
  try {
    const sizes = await Promise.all(['', ...sides].map((side) => sizeOf(path + side)))
    const needed = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0)
    const { bavail, bsize } = await statfs(place)
    if (needed * 1.1 > bavail * bsize) return `a private copy needs ${needed} bytes, and ${place} has not got them`
    await mkdir(folder, { mode: 0o700 })
    return null
  } catch (error) {
    return `a private copy is needed, and ${place} has no place for it: ${(error as Error).message}`
  }
}

/** A copy that its owner may write to, whatever the original allows. */
async function copyAs(source: string, target: string): Promise<void> {
  await rm(target, { force: true })
  await copyFile(source, target, constants.COPYFILE_FICLONE)
  await chmod(target, 0o600)
}
