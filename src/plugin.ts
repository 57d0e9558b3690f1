import { z } from 'zod'
import type { AnyCheck } from './check.js'
import { faultsOf } from './config/faults.js'
import { depths } from './depth.js'
import type { Diagnosis } from './diagnosis.js'
import { DbdoctorError } from './errors.js'
import type { Reporter } from './reporters/reporter.js'

/** A set of checks, diagnoses and formats. The built-in checks and diagnoses are the first plugin. */
export interface Plugin {
  readonly name: string
  readonly checks?: readonly AnyCheck[]
  /** Most specific first: the first that fits is the root cause. */
  readonly diagnoses?: readonly Diagnosis[]
  /** Formats that a report comes in, beside the built-in ones: `-f NAME`. */
  readonly reporters?: readonly Reporter[]
}

/** Declares a plugin. */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin
}

const callable = z.custom((value) => typeof value === 'function', { error: 'expected a function' })
const severity = z.enum(['error', 'warning', 'info'])
const sentences = z.record(
  z.string(),
  z.union([
    callable,
    z.strictObject({ say: callable, severity: z.union([severity, callable]).optional(), next: callable.optional() }),
  ]),
)

/** What a plugin has to be, whoever wrote it without a compiler. A member that nobody knows is a slip, and what it was meant for would not run. */
const pluginSchema = z
  .strictObject({
    name: z.string().min(1),
    checks: z
      .array(
        z.strictObject({
          id: z.string(),
          title: z.string(),
          severity,
          after: z.array(z.union([z.string(), z.strictObject({ id: z.string(), blocks: z.literal(false) })])),
          needs: z.array(z.string()).optional(),
          depth: z.enum(depths).optional(),
          lock: z.string().optional(),
          docs: z.strictObject({ why: z.string(), fix: z.string() }),
          capability: z.string().optional(),
          promises: callable.optional(),
          options: z.unknown().optional(),
          messages: sentences,
          run: z.union([callable, z.strictObject({ sqlite: callable.optional(), postgres: callable.optional() })]),
        }),
      )
      .optional(),
    diagnoses: z
      .array(
        z.strictObject({
          id: z.string(),
          decisive: z.literal(true).optional(),
          symptom: z.literal(true).optional(),
          explains: z.union([z.array(z.string()), callable]).optional(),
          headline: z.union([z.string(), callable]),
          when: callable,
          next: z.union([z.array(z.string()), callable]),
        }),
      )
      .optional(),
    reporters: z
      .array(
        z.looseObject({
          name: z.string().regex(/^[a-z][a-z0-9-]*$/, { error: 'write it in small letters, digits and hyphens' }),
          render: callable,
        }),
      )
      .optional(),
  })
  .refine(({ checks, diagnoses, reporters }) => (checks ?? diagnoses ?? reporters) !== undefined, {
    error: 'it has neither checks nor diagnoses nor reporters',
  })

/** A plugin from whatever was given for one. Throws `ERR_PLUGIN_INVALID`, which names it as the config does. */
export function parsePlugin(value: unknown, named: string): Plugin {
  const { error } = pluginSchema.safeParse(value, { reportInput: true })
  if (!error) return value as Plugin
  throw new DbdoctorError(
    'ERR_PLUGIN_INVALID',
    `the plugin ${named} is none: ${faultsOf(error, [], 'its default export')[0]}`,
    'export definePlugin({ name, checks, diagnoses, reporters }) as the default',
  )
}
