import { constants } from 'node:fs'
import { access, appendFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DbdoctorError } from '../contracts/errors.js'
import type { RenderOptions } from '../contracts/reporter.js'
import type { Comparison, Report } from '../report/report.js'
import { type ComparerName, loadComparer, loadReporter } from '../reporters/index.js'
import { type Format, usual } from './formats.js'
import type { Output } from './options.js'

/** How the user wants to see it. */
export interface Style {
  readonly verbose: boolean
  readonly quiet: boolean
  readonly color: boolean | undefined
}

export function styleOf({ verbose, quiet, color }: { verbose?: boolean; quiet?: boolean; color?: boolean }): Style {
  return { verbose: verbose ?? false, quiet: quiet ?? false, color }
}

/** Throws `ERR_OUTPUT` where a report could not be written to a file that was named: before anything is examined for it. */
export async function refuseUnwritable(outputs: readonly Output<Format>[]): Promise<void> {
  for (const { file } of outputs) {
    if (file === null) continue
    const there = await stat(file).catch(() => null)
    const checked = there?.isDirectory()
      ? Promise.reject(Object.assign(new Error('it is a folder'), { code: 'EISDIR' }))
      : access(there && !there.isFile() ? file : dirname(file), constants.W_OK)
    await checked.catch(({ code, message }: NodeJS.ErrnoException) => {
      throw new DbdoctorError(
        'ERR_OUTPUT',
        `the report could not be written to ${file}: ${code ?? message}`,
        'nothing was examined; make the folder, or name another place',
      )
    })
  }
}

/** Writes a report in all its formats. */
export async function writeReport(report: Report, outputs: readonly Output<Format>[], style: Style): Promise<void> {
  await writeAll(outputs, style, async ({ name, load }, options) => {
    if (name === 'github') await summarize(report, options)
    return (await load()).render(report, options)
  })
}

/** Writes what two reports come to, in all its formats. */
export async function writeComparison(
  comparison: Comparison,
  outputs: readonly Output<ComparerName>[] | undefined,
  style: Style,
): Promise<void> {
  await writeAll(outputs ?? usual, style, async (format, options) =>
    (await loadComparer(format)).render(comparison, options),
  )
}

/** Resolves when everything has been flushed; throws `ERR_OUTPUT` where something could not be. */
async function writeAll<Name>(
  outputs: readonly Output<Name>[],
  style: Style,
  render: (format: Name, options: RenderOptions) => Promise<string>,
): Promise<void> {
  for (const { format, file } of outputs) {
    const color = file === null && usesColor(process.stdout, style.color)
    const text = await render(format, { ...style, color, width: process.stdout.columns || 80 })
    await (file === null ? print(text) : replaceFile(file, text)).catch((error: NodeJS.ErrnoException) => {
      const where = file === null ? 'standard output' : file
      throw new DbdoctorError(
        'ERR_OUTPUT',
        `the report could not be written to ${where}: ${error.code ?? error.message}`,
        'the report is lost; make room or name another place',
      )
    })
  }
}

/** Adds the markdown report to the summary of a GitHub Actions step, where this is one. */
async function summarize(report: Report, options: RenderOptions): Promise<void> {
  const { GITHUB_STEP_SUMMARY: summary } = process.env
  if (!summary) return
  const { render } = await loadReporter('markdown')
  const text = render(report, { ...options, color: false, width: 80 })
  // GitHub refuses a summary of more than a mebibyte, all of it.
  await appendFile(summary, text.length > 1_000_000 ? `${text.slice(0, 900_000)}\n\n(cut)\n` : text)
}

/** Writes a file at once: whoever reads it meanwhile finds the old one or the new one. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const there = await stat(file).catch(() => null)
  // A pipe or a device is written to; renaming would replace it.
  if (there && !there.isFile()) return writeFile(file, text)
  const draft = join(dirname(file), `.${basename(file)}.${process.pid}`)
  try {
    await writeFile(draft, text, { flush: true })
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
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
