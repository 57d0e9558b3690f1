import { Chalk } from 'chalk'
import { z } from 'zod'
import { loadConfig } from '../config/load.js'
import { type AnyCheck, type Message, prerequisites, usesDatabase } from '../contracts/check.js'
import type { Depth } from '../contracts/depth.js'
import { createRegistry, findCheck, type Registry } from '../engine/registry.js'
import type { RunEvent } from '../engine/run.js'
import { inert } from '../values/inert.js'
import { onSubject } from './check.js'
import { examined } from './examine.js'
import { outlineOf } from './outline.js'
import { print, usesColor } from './output.js'
import type { Parts } from './parts.js'

/** `dbdoctor explain`: everything that is known of a check; with a target also the statements that it sends there, for which it runs. */
export async function explain(
  parts: Parts,
  id: string,
  target: string | undefined,
  options: { readonly config?: string },
): Promise<number> {
  const check = findCheck(await registryOf(parts, options.config), id)
  const sent = target === undefined ? [] : await whatIsSent(parts, check, target, options)
  const paint = new Chalk({ level: usesColor(process.stdout, undefined) ? 1 : 0 })
  const chapters = [...sections(check), ...sent].map(
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
    ...costsOf(check),
    ...needsOf(check),
    [
      'Findings',
      Object.entries<Message>(check.messages).map(([code, message]) => {
        const sentence = outlineOf(message)
        return `${check.id}#${code} (${severityOf(check, message)})${sentence === null ? '' : `: ${sentence}`}`
      }),
    ],
    ['Options', optionsOf(check)],
  ]
}

/** What each depth reads of a database. */
const reads: Record<Depth, string> = {
  quick: 'catalog: what the database knows of itself, and no row of a table',
  standard: 'scan: rows of tables',
  deep: 'deep: every page',
}

function costsOf(check: AnyCheck): [name: string, lines: string[]][] {
  if (!usesDatabase(check)) return []
  const locks = dialectsOf(check).includes('postgres') ? [`lock: ${check.lock ?? 'ACCESS SHARE'} on PostgreSQL`] : []
  return [['Costs', [reads[check.depth ?? 'quick'], ...locks]]]
}

/**
 * Runs a check for the sake of the statements that it sends: its own, and the catalog's where it is the first to ask; and of how it chose
 * them.
 */
async function whatIsSent(
  parts: Parts,
  check: AnyCheck,
  target: string,
  { config }: { readonly config?: string },
): Promise<[name: string, lines: string[]][]> {
  const nothing = 'it asks nothing in SQL'
  // Whoever wants it explained does not want a user registered.
  if (!usesDatabase(check)) return [['Statements', [`none: ${nothing}`]]]
  const { id, depth = 'standard' } = check
  const statements = new Set<string>()
  const onEvent = (event: RunEvent) => {
    if (event.type === 'asked' && event.id === id) statements.add(event.statement)
  }
  const options = { depth, failOn: 'fail', concurrency: 1, samples: 5, progress: false, only: [id] } as const
  const report = await onSubject(parts, target, { ...options, ...(config !== undefined && { config }) }, (subject) =>
    examined(subject, options, { onEvent }),
  )
  const result = report.results.find((one) => one.id === id)
  const why = result?.skip?.detail ?? nothing
  const lines = [...statements].map((text) => `${inert(text.replace(/\s+/g, ' ').trim())};`)
  const plans = (result?.plans ?? []).map(({ how, objects }) => inert(`${objects.join(', ')}: ${how}`))
  return [
    ['Statements', lines.length > 0 ? lines : [`none: ${why}`]],
    ...(plans.length > 0 ? [['Plans', plans] as [string, string[]]] : []),
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
