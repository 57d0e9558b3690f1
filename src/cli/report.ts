import { DbdoctorError } from '../contracts/errors.js'
import type { Reporter } from '../contracts/reporter.js'
import { reportersOf } from '../engine/registry.js'
import { version } from '../engine/version.js'
import { compare } from '../report/comparison.js'
import { exitCodeOfComparison, exitCodeOfSaved } from '../report/exit-code.js'
import { type ComparerName, comparerNames } from '../reporters/index.js'
import { formatsOf, isBuiltIn } from './formats.js'
import type { Output, ReportOptions } from './options.js'
import { styleOf, writeComparison, writeReport } from './output.js'
import { readReport } from './saved-report.js'

/** `dbdoctor report`: renders a saved report, or holds two against each other. Answers with the exit code. */
export async function report(files: readonly string[], options: ReportOptions): Promise<number> {
  const [first, second, ...more] = files
  if (first === undefined || more.length > 0)
    throw usage('there are more than two reports', 'name one to render it, or two to compare them, the older one first')
  return second === undefined ? rendered(first, options) : compared(first, second, options)
}

async function rendered(file: string, options: ReportOptions): Promise<number> {
  const outputs = formatsOf(options.format, await addedBy(options))
  const saved = await readReport(file)
  const exitCode = exitCodeOfSaved(saved, options.failOn)
  await writeReport({ ...saved, exitCode }, outputs, styleOf(options))
  return exitCode
}

/** The formats of the config's plugins, where one is asked for that does not come with dbdoctor. */
async function addedBy({ format = [], config }: ReportOptions): Promise<readonly Reporter[]> {
  if (config === undefined && format.every(isBuiltIn)) return []
  const { loadConfig } = await import('../config/load.js')
  return reportersOf((await loadConfig(config)).plugins)
}

async function compared(first: string, second: string, options: ReportOptions): Promise<number> {
  if (first === '-' && second === '-') throw usage('standard input holds one report', 'name a file for the other one')
  if (options.failOn !== undefined)
    throw usage('--fail-on judges one report, not two', 'leave it out: what is new or worse is exit code 1')
  const outputs = options.format?.map(comparable)
  const held = compare(await readReport(first), await readReport(second), version)
  const { schemaVersion, kind, tool, ...rest } = held
  const exitCode = exitCodeOfComparison(held)
  await writeComparison({ schemaVersion, kind, tool, exitCode, ...rest }, outputs, styleOf(options))
  return exitCode
}

function comparable({ format, file }: Output): Output<ComparerName> {
  const known = comparerNames.find((name) => name === format)
  if (known) return { format: known, file }
  throw usage(`two reports cannot be compared as ${format}`, `write ${comparerNames.join(' or ')}`)
}

function usage(message: string, hint: string): DbdoctorError {
  return new DbdoctorError('ERR_USAGE', message, hint)
}
