import type { AnyCheck } from '../contracts/check.js'
import { layerOf, layers } from '../contracts/layers.js'
import type { Registry } from '../engine/registry.js'
import { registryOf, sections } from './explain.js'
import { print } from './output.js'
import type { Parts } from './parts.js'

/** `dbdoctor list`: a line a check, or the whole reference as Markdown. */
export async function list(
  parts: Parts,
  { config, markdown }: { config?: string; markdown?: boolean },
): Promise<number> {
  const registry = await registryOf(parts, config)
  await print(markdown ? reference(registry) : overview(registry))
  return 0
}

/** Within 80 columns, layer by layer. */
function overview(registry: Registry): string {
  const checks = byLayer(registry)
  const widest = Math.max(...checks.map(({ id }) => id.length))
  return checks.map(({ id, title }) => `${id.padEnd(widest)}  ${title}\n`).join('')
}

/** Bottom up, as a report has them; within a layer as they run. */
function byLayer({ checks }: Registry): AnyCheck[] {
  return [...checks].sort((a, b) => layers.indexOf(layerOf(a.id)) - layers.indexOf(layerOf(b.id)))
}

/** The reference that is published in docs/checks.md. */
function reference(registry: Registry): string {
  const chapters = byLayer(registry).map((check, at, all) => {
    const layer = layerOf(check.id)
    const opens = at === 0 || layerOf(all[at - 1]?.id ?? check.id) !== layer
    const [[, [title]] = ['', []], ...rest] = sections(check)
    const parts = rest.map(
      ([name, lines]) =>
        `**${name}**\n\n${lines.map((line) => (lines.length > 1 || name === 'Findings' ? `- \`${line.split(' ')[0]}\` ${line.split(' ').slice(1).join(' ')}` : line)).join('\n')}`,
    )
    return `${opens ? `## ${layer}\n\n` : ''}### ${check.id}\n\n${title}.\n\n${parts.join('\n\n')}\n`
  })
  return `# Checks\n\nMade from the checks themselves by \`npm run docs\`.\n\n${chapters.join('\n')}`
}
