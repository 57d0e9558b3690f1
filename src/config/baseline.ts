import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { DbdoctorError } from '../contracts/errors.js'
import { faultsOf } from './faults.js'
import { day } from './ignore.js'

const entrySchema = z.strictObject({
  /** What the finding is known by, run after run. */
  fingerprint: z.string().min(1),
  address: z.string().min(1),
  message: z.string(),
  /** How many rows were accepted; more are news. */
  rows: z.int().nonnegative().optional(),
  reason: z.string().optional(),
  expires: day.optional(),
})

/** A baseline as its file holds it. */
export const baselineSchema = z.strictObject({
  kind: z.literal('dbdoctor-baseline'),
  version: z.literal(1),
  findings: z.array(entrySchema),
})

export type BaselineEntry = z.output<typeof entrySchema>
export type Baseline = z.output<typeof baselineSchema>

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
