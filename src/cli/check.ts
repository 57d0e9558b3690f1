import { loadEnvFile } from 'node:process'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Depth, depths } from '../check.js'
import { type Config, duration, resolve } from '../config.js'
import { DbdoctorError } from '../errors.js'
import type { Plugin } from '../plugin.js'
import { createRegistry } from '../registry.js'
import { reporters } from '../reporters/index.js'
import { run } from '../run.js'
import { select } from '../select.js'
import { dialectOf, parseTarget } from '../target.js'
import { version } from '../version.js'
import { exitCodeOf, type FailOn, failOn } from './exit-code.js'
import { loadConfig } from './load-config.js'
import { type Output, writeReport } from './output.js'
import type { Parts } from './parts.js'
import { startProgress } from './progress.js'

/** What the options of an examination parse to. */
export interface CheckOptions {
  readonly config?: string
  readonly only?: readonly string[]
  readonly skip?: readonly string[]
  readonly depth: Depth
  readonly format?: readonly Output[]
  readonly failOn: FailOn
  readonly deadline?: number
  readonly concurrency: number
  readonly samples: number
  readonly envFile?: string
  readonly showValues?: boolean
  readonly verbose?: boolean
  readonly quiet?: boolean
  readonly color?: boolean
  readonly progress: boolean
}

/** The deadline of a run that names none, by depth, in milliseconds. */
const deadlines: Record<Depth, number> = { quick: 10_000, standard: 300_000, deep: Number.POSITIVE_INFINITY }

export function addCheckCommand(program: Command, parts: Parts, exit: (code: number) => void): void {
  withCheckOptions(program.command('check').description('examine a database and say what is ill'))
    .argument('[target]', 'postgres://user@host:5432/database, sqlite:PATH, or a path to a SQLite file')
    .option('-c, --config <file>', 'config file (else dbdoctor.config.*, searched upward)')
    .addHelpText(
      'after',
      '\nExamples:\n  dbdoctor check ./app.db\n  dbdoctor check postgres://localhost/app --depth quick\n  DATABASE_URL=… dbdoctor check -f json=report.json',
    )
    .action(async (target: string | undefined, options: CheckOptions) => {
      if (options.envFile !== undefined) loadEnvironment(options.envFile)
      const { config, plugins } = await loadConfig(options.config)
      exit(await examine({ parts, config, plugins, address: target ?? addressOf(config) }, options))
    })
}

/** The options that every command takes which examines something. */
export function withCheckOptions(command: Command): Command {
  return command
    .option('--only <ids>', 'only these checks: ids, layers or globs, comma separated', list)
    .option('--skip <ids>', 'not these checks', list)
    .addOption(new Option('--depth <depth>', 'how much to read').choices(depths).default('standard'))
    .option(
      '-f, --format <name[=file]>',
      `${reporters.map(({ name }) => name).join(' or ')}; repeatable (default: pretty)`,
      output,
    )
    .addOption(new Option('--fail-on <status>', 'what makes the exit code 1').choices(failOn).default('fail'))
    .option('--deadline <time>', 'time for the whole run (default: quick 10s, standard 5m, deep none)', time)
    .addOption(new Option('--concurrency <n>', 'checks at a time').argParser(count(1)).default(4))
    .addOption(new Option('--samples <n>', 'samples a finding').argParser(count(0)).default(5))
    .option('--env-file <file>', 'read environment variables from a file')
    .option('--show-values', 'show values of rows in samples, which may be personal data')
    .option('--verbose', 'show everything that is known')
    .option('--quiet', 'show findings and the verdict alone')
    .addOption(new Option('--color', 'colours even where there is no terminal').hideHelp())
    .option('--no-color', 'no colours')
    .option('--no-progress', 'no spinner')
}

export interface Patient {
  readonly parts: Parts
  readonly config: Config
  readonly plugins: readonly Plugin[]
  /** A target as the user wrote it. */
  readonly address: string
}

/** Examines, prints the report, and answers with the exit code. */
export async function examine({ parts, config, plugins, address }: Patient, options: CheckOptions): Promise<number> {
  const registry = createRegistry([await parts.checks(), ...plugins])
  const selection = select(registry, config, options)
  const dialect = await dialectOf(parseTarget(address), process.env)
  const interruption = listenForSignals()
  const progress = startProgress(options.progress && !options.quiet)
  try {
    const examined = await run({
      registry,
      selection,
      config,
      dialect,
      version,
      depth: options.depth,
      deadline: options.deadline ?? deadlines[options.depth],
      concurrency: options.concurrency,
      samples: options.samples,
      showValues: options.showValues ?? false,
      interrupt: interruption.signal,
      onEvent: progress.onEvent,
    })
    progress.stop()
    const { schemaVersion, tool, ...rest } = examined
    const report = {
      schemaVersion,
      tool,
      exitCode: exitCodeOf(examined, options.failOn, interruption.received()),
      ...rest,
    }
    const style = { verbose: options.verbose ?? false, quiet: options.quiet ?? false, color: options.color }
    await writeReport(report, options.format ?? [output('pretty', [])].flat(), style)
    return report.exitCode
  } finally {
    progress.stop()
    interruption.stop()
  }
}

function addressOf(config: Config): string {
  if (config.database.url) return resolve(config.database.url, process.env)
  if (process.env.DATABASE_URL) return process.env.DATABASE_URL
  throw new DbdoctorError(
    'ERR_USAGE',
    'there is nothing to examine',
    'name a target: dbdoctor check ./app.db; or set DATABASE_URL, or database.url in a config',
  )
}

function loadEnvironment(file: string): void {
  try {
    loadEnvFile(file)
  } catch {
    throw new DbdoctorError('ERR_USAGE', `the environment file ${file} cannot be read`, 'correct --env-file')
  }
}

/** The first signal asks the run to stop and report; a second one ends the process as it would any other. */
function listenForSignals() {
  const controller = new AbortController()
  let received: NodeJS.Signals | null = null
  const onSignal = (signal: NodeJS.Signals) => {
    received = signal
    controller.abort()
    stop()
  }
  const stop = () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal)
  return { signal: controller.signal, received: () => received, stop }
}

function list(text: string): string[] {
  const parts = text.split(',').map((part) => part.trim())
  if (parts.some((part) => part === '')) throw new InvalidArgumentError('Name one or more checks, separated by commas.')
  return parts
}

function time(text: string): number {
  const parsed = duration.safeParse(text)
  if (parsed.success && parsed.data > 0) return parsed.data
  throw new InvalidArgumentError('Write a time with its unit: 250ms, 5s, 1.5m.')
}

function count(least: number): (text: string) => number {
  return (text) => {
    if (/^\d{1,4}$/.test(text) && Number(text) >= least) return Number(text)
    throw new InvalidArgumentError(`Write a whole number from ${least} to 9999.`)
  }
}

function output(text: string, before: readonly Output[] = []): Output[] {
  const [, name, file] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? []
  const reporter = reporters.find((candidate) => candidate.name === name)
  if (!reporter || file === '') {
    throw new DbdoctorError(
      'ERR_UNKNOWN_FORMAT',
      `there is no format ${JSON.stringify(text)}`,
      `write ${reporters.map((known) => known.name).join(' or ')}, or NAME=FILE`,
    )
  }
  const added = { reporter, file: file ?? null }
  if (before.some((other) => other.file === added.file)) {
    throw new DbdoctorError(
      'ERR_USAGE',
      `two formats go to ${added.file ?? 'standard output'}`,
      'send one of them to a file: -f json=report.json',
    )
  }
  return [...before, added]
}
