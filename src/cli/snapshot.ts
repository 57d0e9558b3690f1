import { join, resolve } from 'node:path'
import { snapshotOf, textOf } from '../config/snapshot-format.js'
import { usualSnapshot } from '../config/usual-snapshot.js'
import { DbdoctorError } from '../contracts/errors.js'
import { limit } from '../contracts/limits.js'
import type { Definitions } from '../dialects/definitions.js'
import type { Dialect } from '../dialects/dialect.js'
import { pluralize } from '../values/text.js'
import { onSubject } from './check.js'
import type { CheckOptions } from './options.js'
import { replaceFile } from './output.js'
import type { Parts } from './parts.js'

export interface SnapshotOptions extends Pick<CheckOptions, 'config' | 'envFile'> {
  readonly output?: string
}

/** Milliseconds for all of it. */
const deadline = 60_000

/** `dbdoctor snapshot`: writes the schema as it is now as the expectation. All of it, or nothing. Answers with the exit code. */
export async function snapshot(parts: Parts, target: string | undefined, options: SnapshotOptions): Promise<number> {
  return onSubject(
    parts,
    target,
    options,
    async ({ config, surroundings: { folder }, dialect: choose, interruption }) => {
      const dialect = await choose(true)
      if (!dialect) throw new DbdoctorError('ERR_USAGE', 'there is no database to take a snapshot of', 'name a target')
      const { expect, schemas } = config.database
      const definitions = await readDefinitions(dialect, interruption.signal)
      const made = snapshotOf(definitions, dialect.name, dialect.hasSchemas ? schemas : undefined)
      const path =
        options.output === undefined ? join(folder, expect.snapshot ?? usualSnapshot) : resolve(options.output)
      await replaceFile(path, textOf(made)).catch(({ code }: NodeJS.ErrnoException) => {
        throw new DbdoctorError('ERR_OUTPUT', `${path} cannot be written: ${code}`, 'name another place with --output')
      })
      const tables = made.objects.filter(({ kind }) => kind.endsWith('table')).length
      const of = `${pluralize(made.objects.length, 'definition')}, of ${pluralize(tables, 'table')} and what else there is`
      process.stderr.write(`${path}: ${of}\n`)
      return 0
    },
  )
}

/** All that the database declares. Throws `ERR_SNAPSHOT_IMPOSSIBLE` where a part of it can't be read. */
async function readDefinitions(dialect: Dialect, interrupt: AbortSignal): Promise<Definitions> {
  const refuse = (why: string) =>
    new DbdoctorError('ERR_SNAPSHOT_IMPOSSIBLE', `nothing was written: ${why}`, '"dbdoctor check" says more')
  const limits = limit(performance.now() + deadline, interrupt)
  try {
    const opening = await dialect.open(limits)
    if (opening.outcome !== 'opened')
      throw refuse(`the database at ${opening.place} cannot be opened: ${opening.text || opening.outcome}`)
    try {
      const answer = await opening.database.session(limits).definitions()
      if (answer.outcome === 'failed') throw refuse(`the schema cannot be read: ${answer.text}`)
      const [gap] = answer.value.gaps
      if (gap) throw refuse(`what each ${gap.kind} is cannot be read: ${gap.detail}`)
      return answer.value
    } finally {
      await opening.database.close()
    }
  } finally {
    limits.clear()
  }
}
