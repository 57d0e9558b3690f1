import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { faultsOf } from '../config/faults.js'
import { DbdoctorError } from '../contracts/errors.js'
import { type Snapshot, snapshotSchema, snapshotVersion } from './snapshot-format.js'

const hint = 'correct database.expect.snapshot, or write the file anew with "dbdoctor snapshot"'

/** The snapshot in a file, its path seen from the config. Throws `ERR_SNAPSHOT_INVALID` where it can't be read, or is none. */
export function readSnapshot(path: string, folder: string): Snapshot {
  const value = contents(resolve(folder, path))
  const version = versionOf(value)
  if (version !== undefined && version !== snapshotVersion) {
    const newer = typeof version === 'number' && version > snapshotVersion
    throw new DbdoctorError(
      'ERR_SNAPSHOT_INVALID',
      `${path} is a snapshot of version ${JSON.stringify(version)}, and this dbdoctor knows version ${snapshotVersion}`,
      newer ? 'examine with the dbdoctor that wrote it, or a newer one' : hint,
    )
  }
  const { success, data, error } = snapshotSchema.safeParse(value, { reportInput: true })
  if (success) return data
  throw new DbdoctorError(
    'ERR_SNAPSHOT_INVALID',
    `${path} is not a snapshot: ${faultsOf(error, []).slice(0, 3).join('; ')}`,
    hint,
  )
}

function contents(path: string): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new DbdoctorError('ERR_SNAPSHOT_INVALID', `the snapshot ${path} cannot be read: ${code}`, hint)
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new DbdoctorError('ERR_SNAPSHOT_INVALID', `${path} is not JSON`, hint)
  }
}

/** Its version, where it is something that has one. */
function versionOf(value: unknown): unknown {
  const head = z.object({ kind: z.literal('dbdoctor-snapshot'), schemaVersion: z.unknown() }).safeParse(value)
  return head.data?.schemaVersion
}
