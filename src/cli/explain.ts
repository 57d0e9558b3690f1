import { Chalk } from 'chalk'
import { z } from 'zod'
import { type AnyCheck, type Message, prerequisites, usesDatabase } from '../check.js'
import { createRegistry, findCheck, type Registry } from '../registry.js'
import { loadConfig } from './load-config.js'
import { print, usesColor } from './output.js'
import type { Parts } from './parts.js'

/** `dbdoctor explain`: everything that is known of a check without running it. */
export async function explain(parts: Parts, id: string, config: string | undefined): Promise<number> {
  const check = findCheck(await registryOf(parts, config), id)
  const paint = new Chalk({ level: usesColor(process.stdout, undefined) ? 1 : 0 })
  const chapters = sections(check).map(
    ([name, lines]) => `${paint.bold(name)}\n${lines.map((line) => `  ${line}\n`).join('')}`,
  )
  await print(chapters.join('\n'))
  return 0
}

/** The built-in checks, and those of the config's plugins. */
export async function registryOf(parts: Parts, config: string | undefined): Promise<Registry> {
  const { plugins } = await loadConfig(config)
  return createRegistry([await parts.checks(), ...plugins])
}

/** Everything that is known of a check without running it. */
export function sections(check: AnyCheck): [name: string, lines: string[]][] {
  const after = prerequisites(check).map(({ id, blocks }) => (blocks ? id : `${id} (order alone)`))
  return [
    [check.id, [check.title]],
    ['Why', [check.docs.why]],
    ['Fix', [check.docs.fix]],
    [
      'Runs',
      [
        `${usesDatabase(check) ? `on ${dialectsOf(check).join(' and ')}` : 'without a database'}, from depth ${check.depth ?? 'quick'}${after.length > 0 ? `, after ${after.join(', ')}` : ''}`,
      ],
    ],
    ...needsOf(check),
    [
      'Findings',
      Object.entries<Message>(check.messages).map(
        ([code, message]) => `${check.id}#${code} (${severityOf(check, message)})`,
      ),
    ],
    ['Options', optionsOf(check)],
  ]
}

function needsOf({ needs = [] }: AnyCheck): [name: string, lines: string[]][] {
  const named = needs.filter((need) => need !== 'refusals').map((need) => need.replace(/(.*)\?$/, '$1 (where it is)'))
  return named.length > 0 ? [['Needs of the config', [named.join(', ')]]] : []
}

function dialectsOf({ run }: AnyCheck): string[] {
  return typeof run === 'function' ? ['sqlite', 'postgres'] : Object.keys(run)
}

function severityOf(check: AnyCheck, message: Message): string {
  if (typeof message === 'function') return check.severity
  return typeof message.severity === 'function' ? 'by evidence' : (message.severity ?? check.severity)
}

function optionsOf({ options }: AnyCheck): string[] {
  if (!options) return ['none']
  const { properties = {} } = z.toJSONSchema(options, { io: 'input' }) as {
    properties?: Record<string, { default?: unknown; description?: string }>
  }
  return Object.entries(properties).map(([name, { default: value, description }]) =>
    [value === undefined ? name : `${name} = ${JSON.stringify(value)}`, description].filter(Boolean).join('  '),
  )
}
