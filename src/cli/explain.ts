import { Chalk } from 'chalk'
import type { Command } from 'commander'
import { z } from 'zod'
import { type AnyCheck, type Message, prerequisites } from '../check.js'
import { createRegistry, findCheck, type Registry } from '../registry.js'
import { loadConfig } from './load-config.js'
import { print, usesColor } from './output.js'
import type { Parts } from './parts.js'

export function addListCommand(program: Command, parts: Parts, exit: (code: number) => void): void {
  program
    .command('list')
    .description('list the checks')
    .option('-c, --config <file>', 'config file, whose plugins are listed too')
    .option('--markdown', 'the whole reference, as Markdown')
    .action(async ({ config, markdown }: { config?: string; markdown?: boolean }) => {
      const registry = await registryOf(parts, config)
      await print(markdown ? reference(registry) : overview(registry))
      exit(0)
    })
}

export function addExplainCommand(program: Command, parts: Parts, exit: (code: number) => void): void {
  program
    .command('explain')
    .description('say why a check exists, what it says, and how to mend what it finds')
    .argument('<id>', 'the id of a check')
    .option('-c, --config <file>', 'config file, whose plugins are known too')
    .action(async (id: string, { config }: { config?: string }) => {
      const check = findCheck(await registryOf(parts, config), id)
      const paint = new Chalk({ level: usesColor(process.stdout, undefined) ? 1 : 0 })
      await print(
        `${sections(check)
          .map(([name, lines]) => `${paint.bold(name)}\n${lines.map((line) => `  ${line}\n`).join('')}`)
          .join('\n')}`,
      )
      exit(0)
    })
}

async function registryOf(parts: Parts, config: string | undefined): Promise<Registry> {
  const { plugins } = await loadConfig(config)
  return createRegistry([await parts.checks(), ...plugins])
}

/** A line a check, within 80 columns. */
function overview({ checks }: Registry): string {
  const widest = Math.max(...checks.map(({ id }) => id.length))
  return checks.map(({ id, title }) => `${id.padEnd(widest)}  ${title}\n`).join('')
}

/** Everything that is known of a check without running it. */
function sections(check: AnyCheck): [name: string, lines: string[]][] {
  const after = prerequisites(check).map(({ id, blocks }) => (blocks ? id : `${id} (order alone)`))
  return [
    [check.id, [check.title]],
    ['Why', [check.docs.why]],
    ['Fix', [check.docs.fix]],
    [
      'Runs',
      [
        `on ${dialectsOf(check).join(' and ')}, from depth ${check.depth ?? 'quick'}${after.length > 0 ? `, after ${after.join(', ')}` : ''}`,
      ],
    ],
    [
      'Findings',
      Object.entries<Message>(check.messages).map(
        ([code, message]) => `${check.id}#${code} (${severityOf(check, message)})`,
      ),
    ],
    ['Options', optionsOf(check)],
  ]
}

/** The reference that is published in docs/checks.md. */
function reference({ checks }: Registry): string {
  const chapters = checks.map((check) => {
    const [[, [title]] = ['', []], ...rest] = sections(check)
    const parts = rest.map(
      ([name, lines]) =>
        `**${name}**\n\n${lines.map((line) => (lines.length > 1 || name === 'Findings' ? `- \`${line.split(' ')[0]}\` ${line.split(' ').slice(1).join(' ')}` : line)).join('\n')}`,
    )
    return `## ${check.id}\n\n${title}.\n\n${parts.join('\n\n')}\n`
  })
  return `# Checks\n\nMade from the checks themselves by \`npm run docs\`.\n\n${chapters.join('\n')}`
}

function dialectsOf({ run }: AnyCheck): string[] {
  return typeof run === 'function' ? ['sqlite', 'postgres'] : Object.keys(run)
}

function severityOf(check: AnyCheck, message: Message): string {
  if (typeof message === 'function') return check.severity
  return typeof message.severity === 'string' ? message.severity : 'by evidence'
}

function optionsOf({ options }: AnyCheck): string[] {
  if (!options) return ['none']
  const { properties = {} } = z.toJSONSchema(options, { io: 'input' }) as {
    properties?: Record<string, { default?: unknown; description?: string }>
  }
  return Object.entries(properties).map(([name, { default: value, description }]) =>
    [`${name} = ${JSON.stringify(value)}`, description].filter(Boolean).join('  '),
  )
}
