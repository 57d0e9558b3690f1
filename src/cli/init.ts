import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { basename, dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { parseConfig } from '../config/config.js'
import { configNames, findConfig } from '../config/load.js'
import type { Depth } from '../contracts/depth.js'
import { DbdoctorError } from '../contracts/errors.js'
import { dialectOf, isFile, parseTarget, type Target } from '../dialects/target.js'
import { lookAtApi } from '../init/api.js'
import { configText, summaryOf } from '../init/config-text.js'
import { lookAtDatabase } from '../init/database.js'
import type { ConfigFormat } from '../init/draft.js'
import type { Seen } from '../init/seen.js'
import { isUnknown, type Report } from '../report/report.js'
import { inert } from '../values/inert.js'
import { typed } from '../values/text.js'
import { loadEnvironment } from './environment.js'
import { examined } from './examine.js'
import { listenForSignals } from './interruption.js'
import { replaceFile } from './output.js'
import type { Parts } from './parts.js'

export interface InitOptions {
  readonly api?: string
  readonly format?: ConfigFormat
  readonly output?: string
  readonly names?: boolean
  readonly force?: boolean
  readonly depth: Depth
  readonly envFile?: string
  readonly progress: boolean
}

/** Descriptions of an API may be long, in bytes. */
const longestDocument = 16 * 1_048_576

/** `dbdoctor init`: looks at what is live, and writes a config that expects it. Answers with the exit code that `check` would have. */
export async function init(parts: Parts, named: string | undefined, options: InitOptions): Promise<number> {
  if (options.envFile !== undefined) loadEnvironment(options.envFile)
  const target = targetOf(named, options)
  const { path, format } = destinationOf(options)
  if (!options.force) refuseToReplace(path, options)

  const { seen, report } = await look(parts, target, options, dirname(path))
  if (!report.complete || (target && !seen.database) || (options.api !== undefined && !seen.api)) {
    for (const line of obstaclesOf(report)) process.stderr.write(`${inert(line)}\n`)
    return report.exitCode
  }
  const file = named !== undefined && target && isFile(target) ? fileFrom(dirname(path), target.address) : null
  await save(path, configText(seen, { format, names: options.names ?? false, file }), options)
  const summary = summaryOf(seen).map((line) => `  ${inert(line)}\n`)
  const fromEnvironment = named !== undefined && file === null && process.env.DATABASE_URL !== named
  process.stderr.write(
    `${shown(path)} is written\n${summary.join('')}next: ${fromEnvironment ? 'set DATABASE_URL to that address, then ' : ''}${nextCommand(path, options)}\n`,
  )
  return 0
}

function targetOf(named: string | undefined, { api }: InitOptions): Target | null {
  const address = named ?? process.env.DATABASE_URL
  if (address) return parseTarget(address, { source: named === undefined ? 'DATABASE_URL' : 'the target' })
  if (named === undefined && api !== undefined) return null
  throw new DbdoctorError(
    'ERR_USAGE',
    'there is nothing to look at',
    'name a target: dbdoctor init ./app.db; or set DATABASE_URL, or name a server with --api',
  )
}

const endings: Readonly<Record<string, ConfigFormat>> = {
  ...{ '.ts': 'ts', '.mts': 'ts', '.js': 'ts', '.mjs': 'ts' },
  ...{ '.json': 'json', '.yaml': 'yaml', '.yml': 'yaml' },
}

function destinationOf({ output, format }: InitOptions): { readonly path: string; readonly format: ConfigFormat } {
  const chosen = format ?? 'ts'
  if (output === undefined) return { path: resolve(`dbdoctor.config.${chosen}`), format: chosen }
  const fitting = endings[extname(output)]
  if (fitting === undefined || (format !== undefined && format !== fitting)) {
    const what = fitting === undefined ? 'has no ending of a config' : `is no ${format} file`
    throw new DbdoctorError(
      'ERR_USAGE',
      `${output} ${what}`,
      `end it in one of ${Object.keys(endings).join(' ')}, which says the format too`,
    )
  }
  return { path: resolve(output), format: fitting }
}

/** Another config of the usual name beside it would be in the way as well: one of the two would never be read. */
function refuseToReplace(path: string, { output }: InitOptions): void {
  const beside = output === undefined ? configNames.map((name) => join(dirname(path), name)) : []
  const there = [path, ...beside].find((file) => existsSync(file))
  if (there === undefined) return
  throw new DbdoctorError(
    'ERR_CONFIG_EXISTS',
    `there is a config already: ${shown(there)}`,
    'name another file with --output, or replace what is there with --force',
  )
}

/** Looks as `check` does: through the runner, and at what the checks stand on first. */
async function look(parts: Parts, target: Target | null, options: InitOptions, folder: string) {
  const found: { database: Seen['database']; api: Seen['api'] } = { database: null, api: null }
  const checks = [
    lookAtDatabase((database) => {
      found.database = database
    }),
    lookAtApi((api) => {
      found.api = api
    }),
  ]
  const interruption = listenForSignals()
  try {
    const report = await examined(
      {
        plugins: [await parts.checks(), { name: 'init', checks }],
        config: parseConfig(
          options.api === undefined ? {} : { api: { url: options.api, maxBodyBytes: longestDocument } },
          '--api',
        ),
        baseline: [],
        path: null,
        surroundings: { environment: process.env, folder },
        dialect: async () => target && dialectOf(target, process.env),
        interruption,
      },
      {
        only: [...foundations, 'schema/migrations', ...checks.map(({ id }) => id)],
        depth: options.depth,
        failOn: 'fail',
        concurrency: 4,
        samples: 0,
        progress: options.progress,
      },
    )
    const migrations = report.results.find(({ id }) => id === 'schema/migrations')?.saw ?? null
    return { seen: { ...found, migrations }, report }
  } finally {
    interruption.stop()
  }
}

const foundations = ['connection/opens', 'server/reachable']

/** Why nothing was written, in the words of the checks that stand at the bottom, and what to do. */
function obstaclesOf({ results, complete }: Report): string[] {
  if (!complete) return ['dbdoctor: interrupted, and no config is written']
  const telling = results.filter(({ id }) => foundations.includes(id) || id.endsWith('/first-look'))
  const reasons = telling.flatMap(({ findings, skip, error }) => [
    ...findings.filter(({ severity }) => severity === 'error').map(({ message, next }) => ({ message, next })),
    ...(skip && isUnknown(skip.reason) && skip.reason !== 'blocked' ? [{ message: skip.detail, next: [] }] : []),
    ...(error ? [{ message: `${error.name}: ${error.message}`, next: [] }] : []),
  ])
  return [
    ...reasons.flatMap(({ message, next = [] }) => [`dbdoctor: ${message}`, ...next.map((step) => `  ${step}`)]),
    'no config is written',
  ]
}

async function save(path: string, text: string, options: InitOptions): Promise<void> {
  try {
    await (options.force ? replaceFile(path, text) : writeFile(path, text, { flag: 'wx' }))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Somebody else wrote one meanwhile.
    if (code === 'EEXIST') refuseToReplace(path, options)
    throw new DbdoctorError(
      'ERR_OUTPUT',
      `${shown(path)} cannot be written: ${code}`,
      'name another place with --output',
    )
  }
}

/** The path of a database's file as the config has it: from its own folder. */
function fileFrom(folder: string, file: string): string {
  const path = relative(folder, resolve(file)).split(sep).join('/')
  return path.startsWith('.') || isAbsolute(path) ? path : `./${path}`
}

function nextCommand(path: string, { envFile }: InitOptions): string {
  const found = findConfig(process.cwd()) === path
  return [
    'dbdoctor check',
    ...(found ? [] : [`--config ${typed(shown(path))}`]),
    ...(envFile === undefined ? [] : [`--env-file ${typed(envFile)}`]),
  ].join(' ')
}

/** A path as somebody in the working directory would type it. */
function shown(path: string): string {
  return relative(process.cwd(), path) || basename(path)
}
