import { z } from 'zod'
import { type ConfigInput, meant } from '../config/config.js'
import { faultsOf } from '../config/faults.js'
import type { Loaded } from '../config/load.js'
import { parsePlugin } from '../config/plugin.js'
import type { Environment } from '../config/reference.js'
import { duration } from '../config/values.js'
import { type Depth, depths } from '../contracts/depth.js'
import { DbdoctorError } from '../contracts/errors.js'
import type { Plugin } from '../contracts/plugin.js'
import { type FailOn, failOn } from '../report/exit-code.js'
import type { Report } from '../report/report.js'
import { reportOn } from './examine.js'
import { createRegistry } from './registry.js'
import type { RunEvent } from './run.js'
import { withSubject } from './subject.js'

/** What a program asks for. Where it says nothing, it is as on the command line, but that no config is searched for. */
export interface DiagnoseOptions {
  /** As on the command line; else the config's `database.url`; else DATABASE_URL of `environment`. */
  readonly target?: string
  /** A config, or the path of a config file, beside which a baseline and a snapshot are used too. */
  readonly config?: ConfigInput | string
  /** Beside those that the config names. */
  readonly plugins?: readonly Plugin[]
  /** Ids, layers or globs. */
  readonly only?: readonly string[]
  readonly skip?: readonly string[]
  readonly depth?: Depth
  /** Time for the whole run, with its unit: `2s`. */
  readonly deadline?: string
  /** Time to wait for servers that refuse connections or are starting. The deadline counts after it. */
  readonly wait?: string
  /** What makes `exitCode` of the report 1. */
  readonly failOn?: FailOn
  /** Checks at a time. */
  readonly concurrency?: number
  /** Samples a finding. */
  readonly samples?: number
  /** Whether samples may carry values of rows, which may be personal data. */
  readonly showValues?: boolean
  /** Standbys of a PostgreSQL target on which rows are read: their connection strings. */
  readonly replica?: readonly string[]
  /** The path of a baseline file. */
  readonly baseline?: string
  /** What `env()`, DATABASE_URL, PGHOST and their like are looked up in: `process.env`, or nothing where it is left out. */
  readonly environment?: Environment
  /** Aborted, the run ends soon, and the report is of what is known so far: `complete: false`. */
  readonly signal?: AbortSignal
  /** Is told of each check as it starts and settles. */
  readonly onEvent?: (event: RunEvent) => void
}

const callable = <F>() => z.custom<F>((value) => typeof value === 'function', { error: 'expected a function' })

const optionsSchema = z.strictObject({
  target: z.string().optional(),
  config: z
    .union([z.string(), z.custom<ConfigInput>((value) => typeof value === 'object' && value !== null)])
    .optional(),
  plugins: z.array(z.custom<Plugin>()).default([]),
  only: z.array(z.string()).min(1).optional(),
  skip: z.array(z.string()).optional(),
  depth: z.enum(depths).default('standard'),
  deadline: duration.optional(),
  wait: duration.optional(),
  failOn: z.enum(failOn).default('fail'),
  concurrency: z.int().min(1).default(4),
  samples: z.int().min(0).default(5),
  showValues: z.boolean().optional(),
  replica: z.array(z.string()).min(1).optional(),
  baseline: z.string().optional(),
  environment: z.custom<Environment>((value) => typeof value === 'object' && value !== null).default({}),
  signal: z.instanceof(AbortSignal).default(() => new AbortController().signal),
  onEvent: callable<(event: RunEvent) => void>().default(() => () => {}),
})

/** Examines for a program, with these checks and those of its plugins. */
export async function examineFor(options: DiagnoseOptions, builtIn: () => Promise<Plugin>): Promise<Report> {
  const { target, config, plugins, baseline, environment, signal, onEvent, ...settings } = parsed(options)
  const load = async (): Promise<Loaded> => {
    const { admitConfig, loadConfig } = await import('../config/load.js')
    const loaded = await (typeof config === 'string'
      ? loadConfig(config)
      : admitConfig(config ?? {}, 'config', process.cwd()))
    const more = plugins.map((plugin, at) => parsePlugin(plugin, `plugins[${at}]`))
    return { ...loaded, plugins: [...loaded.plugins, ...more] }
  }
  return withSubject({ target, load, builtIn, baseline, environment }, (subject) =>
    reportOn(subject, createRegistry(subject.plugins), settings, { interrupt: signal, received: () => null, onEvent }),
  )
}

function parsed(options: DiagnoseOptions): z.output<typeof optionsSchema> {
  const { success, data, error } = optionsSchema.safeParse(options, { reportInput: true, error: meant })
  if (success) return data
  throw new DbdoctorError(
    'ERR_USAGE',
    `diagnose: ${faultsOf(error, [], 'options').join('; ')}`,
    'its options are in the README of dbdoctor',
  )
}
