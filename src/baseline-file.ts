import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type BaselineEntry, baselineSchema } from './acceptance.js'
import { faultsOf } from './config/faults.js'
import { DbdoctorError } from './errors.js'

/** Where a baseline is kept unless somebody says otherwise: beside the config. */
export function baselinePath(named: string | undefined, folder: string): string {
  return named === undefined ? join(folder, 'dbdoctor.baseline.json') : resolve(named)
}

/** The findings that were accepted: those of the named file, or of the usual one where it is there. Throws where a file is no baseline. */
export async function loadBaseline(
  named: string | undefined,
  folder: string | null,
): Promise<readonly BaselineEntry[]> {
  if (named === undefined && folder === null) return []
  const path = baselinePath(named, folder ?? '')
  const hint = 'correct --baseline, or write the file anew with "dbdoctor baseline"'
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (named === undefined && error.code === 'ENOENT') return null
    throw new DbdoctorError('ERR_BASELINE_INVALID', `the baseline ${path} cannot be read: ${error.code}`, hint)
  })
  return text === null ? [] : parsed(text, path, hint)
}

function parsed(text: string, path: string, hint: string): readonly BaselineEntry[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new DbdoctorError('ERR_BASELINE_INVALID', `${path} is not JSON`, hint)
  }
  const { success, data, error } = baselineSchema.safeParse(value, { reportInput: true })
  if (success) return data.findings
  throw new DbdoctorError('ERR_BASELINE_INVALID', `${path} is not a baseline: ${faultsOf(error, []).join('; ')}`, hint)
}
