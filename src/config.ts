import { z } from 'zod'
import { apiConfig, authConfig, externalConfig } from './config/api.js'
import { databaseConfig } from './config/database.js'
import { DbdoctorError } from './errors.js'
import type { Plugin } from './plugin.js'
import { unknownReasons } from './report.js'

const checkConfig = z.union(
  [
    z.literal('off'),
    z.strictObject({
      severity: z.enum(['error', 'warning', 'info']).optional(),
      options: z.record(z.string(), z.unknown()).optional(),
      allowUnknown: z.array(z.enum(unknownReasons)).optional(),
    }),
  ],
  { error: "write 'off', or { severity, options, allowUnknown }" },
)

/** What a config file may say. */
const configSchema = z.strictObject({
  $schema: z.string().optional(),
  database: databaseConfig.prefault({}),
  api: apiConfig.optional(),
  auth: authConfig.prefault({}),
  external: externalConfig,
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
  const parsed = configSchema.safeParse(input ?? {}, { reportInput: true })
  if (parsed.success) return parsed.data
  throw new DbdoctorError(
    'ERR_CONFIG_INVALID',
    `${source} is not a valid config: ${faultsOf(parsed.error, []).join('; ')}`,
    'the README lists what a config may say',
  )
}

/** What is wrong with a setting, a fault a text: where it is, what it should be, and the type of what it is, never the value. */
export function faultsOf({ issues }: z.ZodError, at: readonly PropertyKey[]): string[] {
  return issues.flatMap((issue) => faultsIn(issue, at))
}

function faultsIn(issue: z.core.$ZodIssue, at: readonly PropertyKey[]): string[] {
  const path = [...at, ...issue.path]
  if (issue.code === 'invalid_union') {
    // Of the ways to write a setting, the one that its author has begun with.
    const begun = issue.errors.find(
      (branch) => !branch.some((fault) => fault.path.length === 0 && isOfOtherType(fault)),
    )
    if (begun) return begun.flatMap((fault) => faultsIn(fault, path))
  }
  const untold = isOfOtherType(issue) || (issue.code === 'invalid_union' && issue.errors.length > 0)
  const type = untold && !issue.message.includes('received') ? typeOf(issue.input) : ''
  return [`${pathOf(path)}: ${issue.message}${type && `; it is ${type}`}`]
}

function isOfOtherType({ code }: z.core.$ZodIssue): boolean {
  return code === 'invalid_type' || code === 'invalid_value' || code === 'custom'
}

function typeOf(value: unknown): string {
  if (value === undefined) return ''
  if (value === null || Array.isArray(value)) return value === null ? 'null' : 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** An object path as it is written in the config: `database.expect.rows["order lines"]`. */
function pathOf(path: readonly PropertyKey[]): string {
  const written = path.map((key) =>
    typeof key === 'string' && /^[\w$]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`,
  )
  return written.join('').replace(/^\./, '') || 'config'
}
