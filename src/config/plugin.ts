import { z } from 'zod'
import { depths } from '../contracts/depth.js'
import { DbdoctorError } from '../contracts/errors.js'
import type { Plugin } from '../contracts/plugin.js'
import { faultsOf } from './faults.js'

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
