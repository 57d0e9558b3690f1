import { inert, inertJson } from '../values/inert.js'

/** The formats that a config is written in. */
export const configFormats = ['ts', 'json', 'yaml'] as const
export type ConfigFormat = (typeof configFormats)[number]

/** A config with comments, whatever it will be written in. */
export type Draft = Scalar | Group | readonly Item[]
type Scalar = string | number | boolean | FromEnvironment

/** A text that comes from the environment. */
interface FromEnvironment {
  readonly env: string
}

interface Group {
  readonly settings: readonly Setting[]
}

/** What stands beside a setting where the format has comments. */
interface Remarks {
  /** Lines above it. */
  readonly above?: readonly string[] | undefined
  /** Behind it. */
  readonly note?: string | undefined
  /** Left as a comment, for somebody to uncomment. */
  readonly off?: boolean | undefined
}

export interface Setting extends Remarks {
  readonly name: string
  readonly value: Draft
}

/** One of a list. Its value takes one line. */
export interface Item extends Remarks {
  readonly value: Draft
}

/** Settings by name, where some may be missing. */
export function group(...settings: readonly (Setting | null)[]): Group {
  return { settings: settings.filter((setting) => setting !== null) }
}

/** How a format writes what all have in common. */
interface Syntax {
  readonly comment: string
  readonly name: (name: string) => string
  readonly scalar: (value: Scalar) => string
}

const typescript: Syntax = {
  comment: '//',
  // In brackets: written plainly, this one would set the prototype.
  name: (name) => (name === '__proto__' ? "['__proto__']" : isWord(name) ? name : inQuotes(name)),
  scalar: (value) =>
    isFromEnvironment(value) ? `env(${inQuotes(value.env)})` : typeof value === 'string' ? inQuotes(value) : `${value}`,
}

const yaml: Syntax = {
  comment: '#',
  name: (name) => (isWord(name) && !/^(true|false|null)$/i.test(name) ? name : inertJson(JSON.stringify(name))),
  scalar: (value) => inertJson(JSON.stringify(isFromEnvironment(value) ? `\${${value.env}}` : value)),
}

/** A config as text. It loads as what it says, whatever names are in it; comments are left out where the format has none. */
export function written(format: ConfigFormat, draft: Group, head: readonly string[], schema: string): string {
  switch (format) {
    case 'json':
      return `${inertJson(JSON.stringify({ $schema: schema, ...(data(draft) as object) }, null, 2))}\n`
    case 'yaml':
      return lines([...comments(yaml, head), `$schema: ${yaml.scalar(schema)}`, '', ...yamlSettings(draft, true)])
    case 'ts': {
      const names = usesEnvironment(draft) ? 'defineConfig, env' : 'defineConfig'
      const body = block(draft, 2).join('\n')
      return lines([
        `import { ${names} } from 'dbdoctor'`,
        '',
        ...comments(typescript, head),
        `export default defineConfig(${body})`,
      ])
    }
  }
}

/** What fits a line. */
const widest = 100

/** A value as lines of TypeScript. The parts of a config are never squeezed into one, though they may fit. */
function block(value: Draft, spread = 0): string[] {
  const short = inline(value, typescript)
  if (spread === 0 && short !== null && short.length <= widest) return [short]
  if (isScalar(value)) return [typescript.scalar(value)]
  const [open, close] = isGroup(value) ? ['{', '}'] : ['[', ']']
  return [
    open,
    ...(isGroup(value) ? value.settings : value).flatMap((entry) =>
      indented(entryLines(entry, Math.max(0, spread - 1))),
    ),
    close,
  ]
}

function entryLines(entry: Setting | Item, spread: number): string[] {
  const begin = 'name' in entry ? `${typescript.name(entry.name)}: ` : ''
  const body = block(entry.value, spread)
  const last = body.length - 1
  const full = body.map(
    (line, at) => `${at === 0 ? begin : ''}${line}${at === last ? `,${noted(typescript, entry)}` : ''}`,
  )
  return [...comments(typescript, entry.above), ...(entry.off ? full.map((line) => `// ${line}`) : full)]
}

function yamlSettings({ settings }: Group, spread = false): string[] {
  return settings.flatMap((setting) => {
    const { name, value, off, above } = setting
    const short = inline(value, yaml)
    const fits = isScalar(value) || (!spread && short !== null && short.length <= widest)
    const rest = fits ? [] : indented(isGroup(value) ? yamlSettings(value) : yamlItems(value as readonly Item[]))
    const full = [`${yaml.name(name)}:${fits ? ` ${short}` : ''}${noted(yaml, setting)}`, ...rest]
    return [...comments(yaml, above), ...(off ? full.map((line) => `# ${line}`) : full)]
  })
}

function yamlItems(items: readonly Item[]): string[] {
  return items.flatMap((item) => {
    const line = `- ${inline(item.value, yaml)}${noted(yaml, item)}`
    return [...comments(yaml, item.above), item.off ? `# ${line}` : line]
  })
}

/** A value on one line; null where comments need more. */
function inline(value: Draft, syntax: Syntax): string | null {
  if (isScalar(value)) return syntax.scalar(value)
  const entries: readonly (Setting | Item)[] = isGroup(value) ? value.settings : value
  const parts: string[] = []
  for (const entry of entries) {
    const part = inline(entry.value, syntax)
    if (part === null || entry.off || entry.note !== undefined || entry.above) return null
    parts.push('name' in entry ? `${syntax.name(entry.name)}: ${part}` : part)
  }
  if (!isGroup(value)) return `[${parts.join(', ')}]`
  return parts.length > 0 ? `{ ${parts.join(', ')} }` : '{}'
}

/** A value as plain data, as JSON has it. */
function data(value: Draft): unknown {
  if (isScalar(value)) return isFromEnvironment(value) ? `\${${value.env}}` : value
  if (!isGroup(value)) return value.filter(({ off }) => !off).map((item) => data(item.value))
  return Object.fromEntries(value.settings.filter(({ off }) => !off).map((one) => [one.name, data(one.value)]))
}

function usesEnvironment(value: Draft): boolean {
  if (isScalar(value)) return isFromEnvironment(value)
  return (isGroup(value) ? value.settings : value).some((entry) => usesEnvironment(entry.value))
}

function isGroup(value: Draft): value is Group {
  return typeof value === 'object' && 'settings' in value
}

function isFromEnvironment(value: Draft): value is FromEnvironment {
  return typeof value === 'object' && 'env' in value
}

function isScalar(value: Draft): value is Scalar {
  return typeof value !== 'object' || isFromEnvironment(value)
}

function isWord(name: string): boolean {
  return /^[A-Za-z_$][\w$]*$/.test(name)
}

/** A string of TypeScript, in which nothing is unruly. */
function inQuotes(text: string): string {
  const inner = inertJson(JSON.stringify(text)).slice(1, -1)
  return `'${inner.replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}

/** A comment ends with its line, and names may hold line breaks. */
function comments({ comment }: Syntax, texts: readonly string[] = []): string[] {
  return texts.map((text) => `${comment} ${inert(text)}`)
}

function noted({ comment }: Syntax, { note }: Remarks): string {
  return note === undefined ? '' : ` ${comment} ${inert(note)}`
}

function indented(some: readonly string[]): string[] {
  return some.map((line) => `  ${line}`)
}

function lines(some: readonly string[]): string {
  return `${some.join('\n')}\n`
}
