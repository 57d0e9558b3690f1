import { constants } from 'node:fs'
import { chmod, copyFile, mkdtemp, rm, stat, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fingerprint, sizeOf } from './file.js'

export type Copy =
  | { readonly outcome: 'copied'; readonly folder: string; readonly path: string }
  | { readonly outcome: 'unsafe'; readonly text: string }
  | { readonly outcome: 'unreadable'; readonly text: string }

/**
 * Copies a database and its journals, under their own names, into a private folder: recovery may write there, and the evidence stays
 * as it is. A copy counts only if nothing was written meanwhile.
 */
export async function copyDatabase(path: string): Promise<Copy> {
  const sides = ['-journal', '-wal']
  const sizes = await Promise.all([stat(path).then(({ size }) => size), ...sides.map((side) => sizeOf(path + side))])
  const needed = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0)
  const { bavail, bsize } = await statfs(tmpdir())
  if (needed * 1.1 > bavail * bsize) {
    return { outcome: 'unsafe', text: `a private copy needs ${needed} bytes, and ${tmpdir()} has not got them` }
  }

  const folder = await mkdtemp(join(tmpdir(), 'dbdoctor-'))
  const target = join(folder, basename(path))
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      const before = await fingerprint(path)
      await copyAs(path, target)
      for (const side of sides) {
        await rm(target + side, { force: true })
        if ((await sizeOf(path + side)) !== null) await copyAs(path + side, target + side)
      }
      if ((await fingerprint(path)) === before) return { outcome: 'copied', folder, path: target }
    }
    await rm(folder, { recursive: true, force: true })
    return { outcome: 'unsafe', text: 'somebody writes to the file, so a private copy would mix two states' }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    return { outcome: 'unreadable', text: `a private copy was needed and failed: ${(error as Error).message}` }
  }
}

/** A copy that its owner may write to, whatever the original allows. */
async function copyAs(source: string, target: string): Promise<void> {
  await rm(target, { force: true })
  await copyFile(source, target, constants.COPYFILE_FICLONE)
  await chmod(target, 0o600)
}
