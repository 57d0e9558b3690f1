import { existsSync } from 'node:fs'
import type { FileRepair } from '../contracts/repair.js'
import type { Repairer } from '../dialects/repairer.js'
import { typed } from '../values/text.js'
import type { Draft } from './step.js'

const file = {
  rows: null,
  seconds: null,
  locks: [],
  lock: 'none',
  alone: true,
  guards: [],
  images: [],
  undoQueries: [],
  undo: [],
}

/** What saves a damaged file, or has its journal rolled back. */
export function fileStep(
  { action }: FileRepair,
  repairer: Repairer | null,
): { readonly draft: Draft } | { readonly reason: string } {
  const files = repairer?.files
  if (!files)
    return {
      reason:
        'what is damaged here is not repaired: stop the server, copy its data directory as it is, and restore a backup',
    }
  const { path } = files
  if (action === 'recover') {
    const to = free(`${path}.recovered`)
    const what = `save what can be read into a new file, ${to}; ${path} stays as it is`
    const statements = [`sqlite3 ${typed(path)} .recover | sqlite3 ${typed(to)}`]
    return {
      draft: { ...file, class: 'safe', what, statements, file: { action, to }, undone: 'the new file is removed' },
    }
  }
  const to = free(`${path}.before-rollback`)
  const statements = [
    `cp ${typed(path)} ${typed(to)}`,
    `cp ${typed(`${path}-journal`)} ${typed(`${to}-journal`)}`,
    `sqlite3 ${typed(path)} 'select count(*) from sqlite_schema'`,
  ]
  const what = 'copy the file and its hot journal aside, and roll the journal back'
  const undone = 'file and journal are put back as they were'
  return {
    draft: { ...file, class: 'data', what, statements, file: { action, to }, lock: 'the file, for writing', undone },
  }
}

/** A name that no file has. */
function free(path: string): string {
  for (let more = 1; ; more++) {
    const name = more === 1 ? path : `${path}-${more}`
    if (!existsSync(name)) return name
  }
}
