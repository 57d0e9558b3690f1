import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Depth, depths } from '../contracts/depth.js'
import { DbdoctorError } from '../contracts/errors.js'
import { type RepairClass, repairClasses } from '../contracts/repair-class.js'
import type { OrphanMode } from '../repair/step.js'
import { type FailOn, failOn } from '../report/exit-code.js'
import { reporterNames } from '../reporters/index.js'
import { isDay } from '../values/day.js'
import { parseDuration } from '../values/duration.js'

/** A format and where it goes: null is standard output. Which formats there are depends on the plugins. */
export interface Output<Name = string> {
  readonly format: Name
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
  readonly replica?: readonly string[]
  readonly baseline?: string
  readonly history?: string
  readonly envFile?: string
  readonly showValues?: boolean
  readonly verbose?: boolean
  readonly quiet?: boolean
  readonly color?: boolean
  readonly progress: boolean
}

/** What the options of a repair parse to. */
export interface FixOptions extends CheckOptions {
  /** The id of the plan that is carried out. */
  readonly apply?: string
  /** Numbers of steps, and classes of steps; all of them where neither is named. */
  readonly steps?: readonly number[]
  readonly class?: readonly RepairClass[]
  readonly yes?: boolean
  readonly journal?: string
  readonly orphans: OrphanMode
  /** The journal of what is taken back. */
  readonly undo?: string
}

/** What the options of rendering parse to. */
export interface ReportOptions {
  readonly config?: string
  readonly format?: readonly Output[]
  readonly failOn?: FailOn
  readonly verbose?: boolean
  readonly quiet?: boolean
  readonly color?: boolean
}

/** The options of rendering what was saved. */
export function withReportOptions(command: Command): Command {
  return command
    .option('-f, --format <name[=file]>', `${reporterNames.join(' or ')}; repeatable (default: pretty)`, output)
    .addOption(new Option('--fail-on <status>', "decide the exit code anew (default: the run's own)").choices(failOn))
    .option('--verbose', 'show everything that is known')
    .option('--quiet', 'show findings and the verdict alone')
    .addOption(new Option('--color', 'colours even where there is no terminal').hideHelp())
    .option('--no-color', 'no colours')
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
    .option('--replica <url>', 'read rows on this standby of the PostgreSQL target; repeatable', collected)
    .option('--baseline <file>', 'findings that are accepted (default: dbdoctor.baseline.json, where it is there)')
    .option('--history <file>', 'add this run to a file of earlier ones, and say what has changed since')
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

function collected(text: string, before: readonly string[] = []): string[] {
  return [...before, text]
}

function time(text: string): number {
  const ms = parseDuration(text)
  if (ms !== null && ms > 0) return ms
  throw new InvalidArgumentError('Write a time with its unit: 250ms, 5s, 1.5m.')
}

export function date(text: string): string {
  if (isDay(text)) return text
  throw new InvalidArgumentError('Write a day: 2027-01-01.')
}

/** Numbers of steps, comma separated. */
export function numbers(text: string): number[] {
  return list(text).map((part) => {
    if (/^[1-9]\d{0,5}$/.test(part)) return Number(part)
    throw new InvalidArgumentError('Write numbers of steps, separated by commas.')
  })
}

export function classes(text: string): RepairClass[] {
  return list(text).map((part) => {
    const known = repairClasses.find((name) => name === part)
    if (known) return known
    throw new InvalidArgumentError(`Write one or more of ${repairClasses.join(', ')}.`)
  })
}

function count(least: number): (text: string) => number {
  return (text) => {
    if (/^\d{1,4}$/.test(text) && Number(text) >= least) return Number(text)
    throw new InvalidArgumentError(`Write a whole number from ${least} to 9999.`)
  }
}

function output(text: string, before: readonly Output[] = []): Output[] {
  const [, format = '', file] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? []
  if (format === '' || file === '') throw new InvalidArgumentError('Write NAME, or NAME=FILE.')
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
