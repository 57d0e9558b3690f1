import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa, type Options } from 'execa'
import type { ConfigInput } from '../../src/config/config.js'
import type { Report } from '../../src/report/report.js'
import { executable } from '../support/cli.js'
import { testFolder } from '../support/databases.js'

/** A password, a key and a token that no output may hold: each fault is examined with all of them. */
export const canaries = {
  password: 'canary-password-3f9a',
  key: 'canary-key-of-the-config-that-is-long-enough-0',
  token: 'canary-token-71c2',
}

/** How a fault is examined, and what must come of it. */
export interface Look {
  readonly target?: string
  readonly config?: ConfigInput
  readonly args?: readonly string[]
  readonly env?: Record<string, string>
  /** Runs as somebody else, where the tests may become them. */
  readonly ids?: Pick<Options, 'uid' | 'gid'>
  /** What happens meanwhile. */
  readonly during?: (pid: number) => Promise<unknown>
  readonly exit: number
  /** The id of the first cause; left out where no report is made. */
  readonly cause?: string
  /** What the headline says, or standard error where no report is made. */
  readonly says: RegExp
  /** The deadline of the run, in seconds. */
  readonly deadline?: number
  /** What must be as it was: files and folders, to the last byte. */
  readonly untouched?: readonly string[]
  readonly after?: (report: Report | null) => unknown
}

export interface Fault {
  /** As in the list of fault cases; those with a letter are further ones of their kind. */
  readonly id: string
  readonly fault: string
  readonly make: () => Promise<Look>
}

/** What a run came to. */
export interface Seen {
  readonly exit: number | undefined
  readonly report: Report | null
  readonly said: string
  readonly seconds: number
  /** The most memory that one of its processes held, in MB. */
  readonly memory: number
  /** Temporary files and folders that it left behind. */
  readonly left: readonly string[]
  /** What it changed of what must be untouched. */
  readonly changed: readonly string[]
}

export async function examined(look: Look): Promise<Seen> {
  const folder = await testFolder()
  const [temporary, working, peaks] = ['temporary', 'working', 'peaks'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  for (const path of [temporary, working, peaks]) mkdirSync(path, { mode: 0o777 })
  await execa('chmod', ['-R', 'a+rwx', folder])
  const witness = join(folder, 'witness.cjs')
  writeFileSync(witness, witnessOf(peaks))
  const config = join(working, 'dbdoctor.config.json')
  writeFileSync(config, JSON.stringify(look.config ?? {}), { mode: 0o644 })
  const before = printOf(look.untouched ?? [])
  const deadline = look.deadline === undefined ? [] : ['--deadline', `${look.deadline}s`]
  const target = look.target === undefined ? [] : ['--', look.target]
  const began = performance.now()
  const run = execa(
    process.execPath,
    [executable, 'check', '-f', 'json', '--no-progress', ...deadline, ...(look.args ?? []), ...target],
    {
      cwd: working,
      reject: false,
      maxBuffer: 200_000_000,
      ...look.ids,
      env: {
        ...{ NO_COLOR: undefined, FORCE_COLOR: undefined, DATABASE_URL: undefined, CI: undefined },
        ...{ TMPDIR: temporary, NODE_OPTIONS: `--require ${witness}` },
        ...{ CANARY_PASSWORD: canaries.password, CANARY_KEY: canaries.key },
        ...look.env,
      },
    },
  )
  await look.during?.(run.pid ?? 0)
  const { stdout, stderr, exitCode } = await run
  const after = printOf(look.untouched ?? [])
  return {
    exit: exitCode,
    report: String(stdout).startsWith('{') ? JSON.parse(String(stdout)) : null,
    said: `${stdout}${stderr}`,
    seconds: (performance.now() - began) / 1000,
    memory: Math.max(0, ...readdirSync(peaks).map((name) => Number(readFileSync(join(peaks, name), 'utf8')) / 1024)),
    left: readdirSync(temporary),
    changed: Object.keys({ ...before, ...after }).filter((path) => before[path] !== after[path]),
  }
}

/** Has each process write down the most memory that it held, in kB. */
function witnessOf(peaks: string): string {
  return `const { writeFileSync } = require('node:fs')
process.on('exit', () => {
  try { writeFileSync(${JSON.stringify(peaks)} + '/' + process.pid, String(process.resourceUsage().maxRSS)) } catch {}
})`
}

/** Content, times and owner of files and of what folders hold, by path. */
function printOf(paths: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    paths.flatMap((path) => {
      const stat = statSync(path)
      const all = stat.isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [path]
      return all.map((one): [string, string] => {
        const { mtimeMs, ino, uid, isFile } = { ...statSync(one), isFile: statSync(one).isFile() }
        const content = isFile ? createHash('sha256').update(readFileSync(one)).digest('hex') : ''
        return [one, [content, mtimeMs, ino, uid].join(' ')]
      })
    }),
  )
}
