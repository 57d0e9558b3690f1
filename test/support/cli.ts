import { fileURLToPath } from 'node:url'
import { execa, type Options } from 'execa'
import type { Report } from '../../src/report/report.js'

/** The built executable. */
export const executable = fileURLToPath(new URL('../../dist/bin/dbdoctor.js', import.meta.url))

export interface Ran {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number | undefined
}

/** Runs the built command line as a user would; never throws for its exit code. */
export async function dbdoctor(args: readonly string[], options: Options = {}): Promise<Ran> {
  const env = { NO_COLOR: undefined, FORCE_COLOR: undefined, DATABASE_URL: undefined, ...options.env }
  const { stdout, stderr, exitCode } = await execa(process.execPath, [executable, ...args], {
    reject: false,
    ...options,
    env,
  })
  return { stdout: String(stdout), stderr: String(stderr), exitCode }
}

/** The JSON report of a run. */
export async function reportOf(
  args: readonly string[],
  options: Options = {},
): Promise<Report & { readonly raw: string }> {
  const { stdout, stderr, exitCode } = await dbdoctor([...args, '--format', 'json'], options)
  if (stdout === '') throw new Error(`no report, exit code ${exitCode}: ${stderr}`)
  return { ...JSON.parse(stdout), raw: stdout }
}

/** The addresses of what is wrong, each once, in order. */
export function faultsOf({ results }: Report): string[] {
  const faults = results.flatMap(({ findings }) => findings.filter(({ severity }) => severity !== 'info'))
  return [...new Set(faults.map(({ address }) => address))].sort()
}

/** Whether a finding says that something took long. */
export function isOfTime(address: string): boolean {
  return /^(connection|server)\/latency#/.test(address)
}

/** The report of a run that nothing slowed down: a busy machine may be slow for a moment, and is asked again. */
export async function unhurriedReportOf(args: readonly string[], options: Options = {}): Promise<Report> {
  for (let attempt = 1; ; attempt++) {
    const report = await reportOf(args, options)
    if (!faultsOf(report).some(isOfTime) || attempt === 4) return report
  }
}
