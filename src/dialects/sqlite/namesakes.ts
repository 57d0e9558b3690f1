import { readdir, realpath } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { sql } from 'kysely'
import { readAlone } from './alone.js'
import { sizeOf } from './file.js'

/** A database of the same name near by. */
export interface Namesake {
  /** Seen from the working directory, where it lies below that. */
  readonly path: string
  readonly tables: number
}

/** Levels below the folder's parent, folders in all, and files that are looked at. */
const [deepest, mostFolders, mostFiles] = [2, 200, 3]
/** Folders of other people's files. */
const passed = /^(node_modules|\.git|\.venv|venv|__pycache__|dist|target)$/

/**
 * Files of the same name with tables in them, in the folder's parent and up to two levels below it: an application that is started
 * elsewhere makes a file of its own from a relative path.
 */
export async function namesakesOf(path: string, signal: AbortSignal): Promise<Namesake[]> {
  const own = await realpath(path).catch(() => path)
  const name = basename(path)
  const found: string[] = []
  let folders = [dirname(dirname(own))]
  let looked = 0
  for (let level = 0; level <= deepest && !signal.aborted; level++) {
    const below: string[] = []
    for (const folder of folders) {
      if (++looked > mostFolders) break
      for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
        const place = join(folder, entry.name)
        if (entry.isDirectory() && !passed.test(entry.name)) below.push(place)
        else if (entry.isFile() && entry.name === name && place !== own) found.push(place)
      }
    }
    folders = below
  }
  const namesakes: Namesake[] = []
  for (const place of found.slice(0, mostFiles)) {
    if (!(await sizeOf(place))) continue
    const answer = await readAlone(
      place,
      async (kysely) =>
        (
          await sql<{ tables: number }>`select count(*) as tables from sqlite_schema where type = 'table'`.execute(
            kysely,
          )
        ).rows,
      { signal },
    )
    const tables = answer.outcome === 'answered' ? Number(answer.value[0]?.tables ?? 0) : 0
    const shown = relative('', place)
    if (tables > 0) namesakes.push({ path: shown.startsWith('..') ? place : `./${shown}`, tables })
  }
  return namesakes
}
