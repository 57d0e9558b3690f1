import { fileURLToPath } from 'node:url'
import { execa, type Options } from 'execa'
import type { Report } from '../../src/report.js'

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
  const { stdout } = await dbdoctor([...args, '--format', 'json'], options)
  return { ...JSON.parse(stdout), raw: stdout }
}
