import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Snapshot, snapshotOf, textOf } from '../../src/config/snapshot-format.js'
import { limit } from '../../src/contracts/limits.js'
import { dialectOf, parseTarget } from '../../src/dialects/target.js'
import { examineOne, testFolder } from './databases.js'

/** The snapshot of a database as it is now. */
export async function snapshotAt(target: string, schemas?: readonly string[]): Promise<Snapshot> {
  const limits = limit(performance.now() + 10_000, new AbortController().signal)
  const dialect = await dialectOf(parseTarget(target), process.env)
  const opening = await dialect.open(limits)
  if (opening.outcome !== 'opened') throw new Error(opening.text)
  try {
    const answer = await opening.database.session(limits).definitions()
    if (answer.outcome === 'failed') throw new Error(answer.text)
    return snapshotOf(answer.value, dialect.name, schemas)
  } finally {
    await opening.database.close()
    limits.clear()
  }
}

/** The file of a snapshot. */
export async function fileOf(snapshot: Snapshot): Promise<string> {
  const file = join(await testFolder(), 'snapshot.json')
  await writeFile(file, textOf(snapshot))
  return file
}

/** Holds a database against the snapshot in a file. */
export function drift(target: string, file: string, more: { schemas?: string[]; added?: string } = {}) {
  const { schemas, added } = more
  const database = { expect: { snapshot: file }, ...(schemas && { schemas }) }
  const checks = { 'schema/drift': { options: { ...(added && { added }) } } }
  return examineOne('schema/drift', target, { config: { database, checks } })
}
