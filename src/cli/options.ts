import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Depth, depths } from '../depth.js'
import { parseDuration } from '../duration.js'
import { DbdoctorError } from '../errors.js'
import { type ReporterName, reporterNames } from '../reporters/index.js'
import { type FailOn, failOn } from './exit-code.js'

/** A format and where it goes: null is standard output. */
export interface Output {
  readonly format: ReporterName
  readonly file: string | null
}

/** What the options of an examination parse to. */
export interface CheckOptions {
  readonly config?: string
  readonly only?: readonly string[]
  readonly skip?: readonly string[]
  readonly depth: Depth
  readonly format?: readonly Output[]
  readonly failOn: FailOn
  readonly deadline?: number
  readonly wait?: number
  readonly concurrency: number
  readonly samples: number
  readonly envFile?: string
  readonly showValues?: boolean
  readonly verbose?: boolean
  readonly quiet?: boolean
  readonly color?: boolean
  readonly progress: boolean
}

/** The options that every command takes which examines something. */
export function withCheckOptions(command: Command): Command {
  return command
    .option('--only <ids>', 'only these checks: ids, layers or globs, comma separated', list)
    .option('--skip <ids>', 'not these checks', list)
    .addOption(new Option('--depth <depth>', 'how much to read').choices(depths).default('standard'))
    .option('-f, --format <name[=file]>', `${reporterNames.join(' or ')}; repeatable (default: pretty)`, output)
    .addOption(new Option('--fail-on <status>', 'what makes the exit code 1').choices(failOn).default('fail'))
    .option('--deadline <time>', 'time for the whole run (default: quick 10s, standard 5m, deep none)', time)
    .addOption(new Option('--wait <time>', 'wait for servers that refuse connections or are starting').argParser(time))
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

function list(text: string): string[] {
  const parts = text.split(',').map((part) => part.trim())
  if (parts.some((part) => part === '')) throw new InvalidArgumentError('Name one or more checks, separated by commas.')
  return parts
}

function time(text: string): number {
  const ms = parseDuration(text)
  if (ms !== null && ms > 0) return ms
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
  const format = reporterNames.find((known) => known === name)
  if (!format || file === '') {
    const hint = `write ${reporterNames.join(' or ')}, or NAME=FILE`
    throw new DbdoctorError('ERR_UNKNOWN_FORMAT', `there is no format ${JSON.stringify(text)}`, hint)
  }
  const added = { format, file: file ?? null }
  if (before.some((other) => other.file === added.file)) {
    const place = added.file ?? 'standard output'
    throw new DbdoctorError(
      'ERR_USAGE',
      `two formats go to ${place}`,
      'send one of them to a file: -f json=report.json',
    )
  }
  return [...before, added]
}
