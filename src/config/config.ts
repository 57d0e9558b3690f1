import { z } from 'zod'
import { DbdoctorError } from '../contracts/errors.js'
import type { Plugin } from '../contracts/plugin.js'
import { unknownReasons } from '../report/report.js'
import { nearest } from '../values/nearest.js'
import { apiConfig, authConfig, externalConfig } from './api.js'
import { databaseConfig } from './database.js'
import { faultsOf } from './faults.js'
import { ignoreConfig } from './ignore.js'

const checkConfig = z.union(
  [
    z.literal('off'),
    z.strictObject({
      severity: z.enum(['error', 'warning', 'info']).optional().describe('The severity of all its findings.'),
      options: z
        .record(z.string(), z.unknown())
        .optional()
        .describe('Its own options: `dbdoctor explain ID` shows them.'),
      allowUnknown: z
        .array(z.enum(unknownReasons))
        .optional()
        .describe('Reasons for which it may learn nothing without keeping the run from exit 0.'),
    }),
  ],
  { error: "write 'off', or { severity, options, allowUnknown }" },
)

/** What a config file may say. */
export const configSchema = z.strictObject({
  $schema: z.string().optional().describe('Where editors find the schema of this file.'),
  database: databaseConfig.prefault({}).describe('The database, and what should be in it.'),
  api: apiConfig.optional().describe('The API server in front of the database.'),
  auth: authConfig.prefault({}).describe('How one signs in, and what is promised to who did.'),
  external: externalConfig,
  ignore: ignoreConfig,
  checks: z
    .record(z.string(), checkConfig)
    .default({})
    .describe("Checks by id: `'off'`, or what is different from usual. What is named here is asked for."),
  plugins: z
    .array(z.union([z.string(), z.custom<Plugin>((value) => typeof value === 'object' && value !== null)]))
    .default([])
    .describe('Checks of your own: paths from the config, names of packages, or the plugins themselves.'),
})

/** A config as its author writes it. */
export type ConfigInput = z.input<typeof configSchema>
/** A config with its defaults, and its declarations parsed. */
export type Config = z.output<typeof configSchema>
export type CheckConfig = z.output<typeof checkConfig>

/** Types a config file. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config
}

/** A config from what a file held. Throws `ERR_CONFIG_INVALID`, one line a fault: its path, what is wrong, never the value. */
export function parseConfig(input: unknown, source: string): Config {
  const parsed = configSchema.safeParse(input ?? {}, { reportInput: true, error: meant })
  if (parsed.success) return parsed.data
  throw new DbdoctorError(
    'ERR_CONFIG_INVALID',
    `${source} is not a valid config: ${faultsOf(parsed.error, []).join('; ')}`,
    'docs/config.md lists what a config may say; so does "dbdoctor config --markdown"',
  )
}

/** For a setting that nobody knows: which one was meant. */
export const meant: z.core.$ZodErrorMap = ({ code, inst, ...issue }) => {
  if (code !== 'unrecognized_keys' || !(inst instanceof z.ZodObject)) return undefined
  const known = Object.keys(inst.shape)
  const told = (issue.keys as string[]).map((key) => {
    const near = nearest(key, known)
    return `${JSON.stringify(key)}${near === null ? '' : ` (did you mean ${JSON.stringify(near)}?)`}`
  })
  return `unknown ${told.length === 1 ? 'setting' : 'settings'} ${told.join(', ')}`
}
