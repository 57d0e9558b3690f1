import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { faultsOf } from '../config/faults.js'
import { DbdoctorError } from '../contracts/errors.js'
import { type Report, schemaVersion } from '../report/report.js'
import { reportSchema } from '../report/schema.js'

/** How many faults of a file are told. */
const shown = 3

/** A report that was saved as JSON; `-` is standard input. Throws `ERR_REPORT_INVALID` where a file is none. */
export async function readReport(file: string): Promise<Report> {
  const name = file === '-' ? 'standard input' : file
  const read = await (file === '-' ? text(process.stdin) : readFile(file, 'utf8')).catch(
    (error: NodeJS.ErrnoException) => {
      throw invalid(`${name} cannot be read: ${error.code ?? error.message}`, 'name a report that was saved as JSON')
    },
  )
  return reportIn(read.replace(/^\ufeff/, '').trim(), name)
}

function reportIn(json: string, name: string): Report {
  const again = 'write a report with: dbdoctor check -f json=report.json'
  if (json === '') throw invalid(`${name} is empty`, again)
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    const cut = json.startsWith('{') && !json.endsWith('}')
    throw invalid(`${name} ${cut ? 'ends in the middle: it was cut off' : 'is not JSON'}`, again)
  }
  const { tool, schemaVersion: foreign, kind } = fieldsOf(value)
  if (fieldsOf(tool).name !== 'dbdoctor' || kind !== undefined) throw invalid(`${name} is no report of dbdoctor`, again)
  if (foreign !== schemaVersion && typeof foreign === 'number') {
    const hint = 'read it with the dbdoctor that wrote it, or write it anew'
    throw invalid(`${name} has schemaVersion ${foreign}, and this dbdoctor reads ${schemaVersion}`, hint)
  }
  const { success, error } = reportSchema.safeParse(value, { reportInput: true })
  // What a newer dbdoctor has added stays: a report that is rendered as JSON again is the same.
  if (success) return value as Report
  const faults = faultsOf(error, [])
  const more = faults.length > shown ? [`and ${faults.length - shown} more`] : []
  throw invalid(`${name} is not a valid report: ${[...faults.slice(0, shown), ...more].join('; ')}`, again)
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function invalid(message: string, hint: string): DbdoctorError {
  return new DbdoctorError('ERR_REPORT_INVALID', message, hint)
}
