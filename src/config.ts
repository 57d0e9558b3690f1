import { z } from 'zod'
import type { AnyCheck } from './check.js'
import { parseDuration } from './duration.js'
import { DbdoctorError } from './errors.js'
import type { Plugin } from './plugin.js'
import { unknownReasons } from './report.js'

const template = Symbol.for('dbdoctor.template')

/** A text with `${NAME}` in it, filled from the environment when a run needs it: a config loads without its variables. */
export interface EnvironmentReference {
  readonly [template]: string
}

/** Refers to an environment variable: `url: env('DATABASE_URL')`. Unset, it is an error only where a run needs it. */
export function env(name: string): EnvironmentReference {
  return interpolated(`\${${name}}`)
}

/** A text whose `${NAME}` stand for environment variables, as JSON and YAML configs write them. */
export function interpolated(text: string): EnvironmentReference {
  return { [template]: text }
}

/** The value of a setting that may be an environment reference. Throws `ERR_ENVIRONMENT_UNSET` with the variable's name. */
export function resolve(setting: string | EnvironmentReference, environment: Environment): string {
  if (typeof setting === 'string') return setting
  return setting[template].replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = environment[name]
    if (value) return value
    throw new DbdoctorError(
      'ERR_ENVIRONMENT_UNSET',
      `the environment variable ${name} is not set`,
      `export ${name}=…, or name a file with --env-file`,
    )
  })
}

export type Environment = Readonly<Record<string, string | undefined>>

/** A time with its unit, as milliseconds. */
export const duration = z.string().transform((text, context): number => {
  const milliseconds = parseDuration(text)
  if (milliseconds !== null) return milliseconds
  context.addIssue({ code: 'custom', message: 'write a time with its unit: 250ms, 5s, 1.5m' })
  return z.NEVER
})

const secret = z.union([z.string().min(1), z.custom<EnvironmentReference>(isReference)], {
  error: "write a string, or env('NAME')",
})

const rowExpectation = z.union([
  z.int().nonnegative(),
  z.strictObject({ min: z.int().nonnegative().optional(), max: z.int().nonnegative().optional() }),
])

const name = z.string().min(1)

/** `comments.author_id -> users.id`, `a.(x, y) -> b.(x, y)`; parts in double quotes may contain anything. */
const declaration = z.string().transform((text, context): Declaration => {
  const [child, parent, ...rest] = text.split('->').map(parseSide)
  if (child && parent && rest.length === 0 && child.columns.length === parent.columns.length)
    return { text, child, parent }
  context.addIssue({ code: 'custom', message: 'write child.column -> parent.column, or child.(a, b) -> parent.(a, b)' })
  return z.NEVER
})

/** One side of a declared relationship. */
export interface DeclaredSide {
  readonly schema?: string
  readonly table: string
  readonly columns: readonly string[]
}

export interface Declaration {
  readonly text: string
  readonly child: DeclaredSide
  readonly parent: DeclaredSide
}

const databaseConfig = z.strictObject({
  url: secret.optional(),
  schemas: z.array(name).min(1).optional(),
  expect: z
    .strictObject({
      tables: z.union([z.int().nonnegative(), z.array(name).min(1)]).optional(),
      indexes: z.union([z.int().nonnegative(), z.array(name).min(1)]).optional(),
      rows: z.record(name, rowExpectation).optional(),
    })
    .prefault({}),
  relationships: z
    .strictObject({
      infer: z.boolean().default(true),
      declare: z.array(declaration).default([]),
      ignore: z.array(name).default([]),
    })
    .prefault({}),
})

const checkConfig = z.union([
  z.literal('off'),
  z.strictObject({
    severity: z.enum(['error', 'warning', 'info']).optional(),
    options: z.record(z.string(), z.unknown()).optional(),
    allowUnknown: z.array(z.enum(unknownReasons)).optional(),
  }),
])

/** What a config file may say. */
const configSchema = z.strictObject({
  $schema: z.string().optional(),
  database: databaseConfig.prefault({}),
  checks: z.record(z.string(), checkConfig).default({}),
  plugins: z
    .array(z.union([z.string(), z.custom<Plugin>((value) => typeof value === 'object' && value !== null)]))
    .default([]),
})

/** A config as its author writes it. */
export type ConfigInput = z.input<typeof configSchema>
/** A config with its defaults, and its declarations parsed. */
export type Config = z.output<typeof configSchema>
export type DatabaseConfig = Config['database']
export type CheckConfig = z.output<typeof checkConfig>

/** Types a config file. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config
}

/** A config from what a file held. Throws `ERR_CONFIG_INVALID`, one line a fault: its path, what is wrong, never the value. */
export function parseConfig(input: unknown, source: string): Config {
  const parsed = configSchema.safeParse(input ?? {})
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map((issue) => `${pathOf(issue.path)}: ${issue.message}`)
  throw new DbdoctorError(
    'ERR_CONFIG_INVALID',
    `${source} is not a valid config: ${faults.join('; ')}`,
    'the README lists what a config may say',
  )
}

/** A check's own options from the config, with their defaults. Throws `ERR_CONFIG_INVALID`. */
export function parseOptions(check: AnyCheck, config: Config): unknown {
  const settings = config.checks[check.id]
  const given = typeof settings === 'object' ? settings.options : undefined
  if (!check.options) {
    if (!given) return {}
    throw new DbdoctorError(
      'ERR_CONFIG_INVALID',
      `checks["${check.id}"].options: the check has no options`,
      `see "dbdoctor explain ${check.id}"`,
    )
  }
  const parsed = check.options.safeParse(given ?? {})
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(
    (issue) => `${pathOf(['checks', check.id, 'options', ...issue.path])}: ${issue.message}`,
  )
  throw new DbdoctorError('ERR_CONFIG_INVALID', faults.join('; '), `see "dbdoctor explain ${check.id}"`)
}

/** An object path as it is written in the config: `database.expect.rows["order lines"]`. */
function pathOf(path: readonly PropertyKey[]): string {
  const written = path.map((key) =>
    typeof key === 'string' && /^[\w$]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`,
  )
  return written.join('').replace(/^\./, '') || 'config'
}

function isReference(value: unknown): value is EnvironmentReference {
  return typeof value === 'object' && value !== null && template in value
}

function parseSide(text: string): DeclaredSide | undefined {
  const identifier = /(?:"(?:[^"]|"")+"|[^\s".,()]+)/.source
  const list = `\\(\\s*${identifier}(?:\\s*,\\s*${identifier})*\\s*\\)`
  const match = new RegExp(`^\\s*((?:${identifier}\\.){1,2})(${identifier}|${list})\\s*$`).exec(text)
  if (!match) return undefined
  const names = (part: string) => [...part.matchAll(new RegExp(identifier, 'g'))].map(([word]) => unquote(word))
  const [first, second] = names(match[1] ?? '')
  const columns = names(match[2] ?? '')
  if (first === undefined) return undefined
  return second === undefined ? { table: first, columns } : { schema: first, table: second, columns }
}

function unquote(word: string): string {
  return word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word
}
