import { writeFile } from 'node:fs/promises'
import { DbdoctorError } from '../errors.js'
import type { Report } from '../report.js'
import { loadReporter } from '../reporters/index.js'
import type { Output } from './options.js'

/** Writes a report in all its formats. Resolves when everything has been flushed; throws `ERR_OUTPUT` where something could not be. */
export async function writeReport(
  report: Report,
  outputs: readonly Output[],
  style: { verbose: boolean; quiet: boolean; color: boolean | undefined },
): Promise<void> {
  for (const { format, file } of outputs) {
    const color = file === null && usesColor(process.stdout, style.color)
    const reporter = await loadReporter(format)
    const text = reporter.render(report, { ...style, color, width: process.stdout.columns || 80 })
    await (file === null ? print(text) : writeFile(file, text)).catch((error: NodeJS.ErrnoException) => {
      const where = file === null ? 'standard output' : file
      throw new DbdoctorError(
        'ERR_OUTPUT',
        `the report could not be written to ${where}: ${error.code ?? error.message}`,
        'the report is lost; make room or name another place',
      )
    })
  }
}

/** Prints to standard output; resolves when it has been handed over. */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()))
  })
}

/** Whether a stream gets colours: the flag, then FORCE_COLOR, NO_COLOR, TERM, and last whether it is a terminal. */
export function usesColor(stream: NodeJS.WriteStream, flag: boolean | undefined): boolean {
  const { FORCE_COLOR, NO_COLOR, TERM } = process.env
  if (flag !== undefined) return flag
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  if (NO_COLOR) return false
  return stream.isTTY === true && TERM !== 'dumb'
}
