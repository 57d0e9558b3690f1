import { z } from 'zod'
import type { AnyCheck } from '../contracts/check.js'
import { configSchema } from './config.js'

/** A JSON Schema, as far as it is read here. */
interface Schema {
  readonly title?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: { readonly [name: string]: Schema }
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  /** A value that only TypeScript and JavaScript can write: a reference, a plugin. */
  readonly inCode?: true
}

/** What TypeScript can say and JSON cannot is marked, for whoever reads the schema next. */
function schemaOf(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema._zod.def.type === 'custom') Object.assign(jsonSchema, { inCode: true })
    },
  }) as Schema
}

/** The JSON Schema (draft 2020-12) of configs in JSON and YAML, with the options of these checks. */
export function configJsonSchema(checks: readonly AnyCheck[]): object {
  const { properties = {}, ...rest } = inJson(schemaOf(configSchema))
  const any = properties.checks?.additionalProperties
  const other = { $ref: '#/$defs/check' }
  const known = checks.map((check) => [
    check.id,
    { description: check.title, ...(check.options ? checkSchema(any, check.options) : other) },
  ])
  const named = { ...properties.checks, properties: Object.fromEntries(known), additionalProperties: other }
  return {
    title: 'dbdoctor.config',
    ...rest,
    properties: { ...properties, checks: named },
    $defs: { check: any },
  }
}

/** What the config may say of a check whose options are known. */
function checkSchema(any: Schema | boolean | undefined, options: z.ZodType): Schema {
  const { anyOf = [] } = typeof any === 'object' ? any : {}
  const { $schema: _, ...own } = inJson(schemaOf(options)) as Schema & { $schema?: string }
  return {
    anyOf: anyOf.map((way) =>
      way.properties
        ? { ...way, properties: { ...way.properties, options: { ...way.properties.options, ...own } } }
        : way,
    ),
  }
}

/** Without what only code can write. */
function inJson(schema: Schema): Schema {
  const { anyOf, ...rest } = schema
  const ways = anyOf?.filter(({ inCode }) => !inCode).map(inJson)
  const [only] = ways ?? []
  return {
    ...(ways?.length === 1 ? only : ways && { anyOf: ways }),
    ...rest,
    ...(rest.properties && { properties: mapped(rest.properties) }),
    ...(rest.items && { items: inJson(rest.items) }),
    ...(typeof rest.additionalProperties === 'object' && {
      additionalProperties: inJson(rest.additionalProperties),
    }),
    ...(rest.oneOf && { oneOf: rest.oneOf.map(inJson) }),
  }
}

function mapped(properties: { readonly [name: string]: Schema }): { readonly [name: string]: Schema } {
  return Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, inJson(property)]))
}

/** The reference of all settings, as Markdown. */
export function configMarkdown(): string {
  const { properties = {} } = schemaOf(configSchema)
  const chapters = Object.entries(properties).map(([name, schema]) => {
    const rows = rowsOf(name, schema)
    const table = ['| setting | value | default | |', '| --- | --- | --- | --- |', ...rows].join('\n')
    return `## ${name}\n\n${schema.description ?? ''}\n${rows.length > 0 ? `\n${table}\n` : ''}`
  })
  return `${introduction}\n${chapters.join('\n')}`
}

const introduction = `# Config

Made from the schema itself by \`npm run docs\`; \`dbdoctor config --markdown\` prints it, \`dbdoctor config --print\` shows the config of a
project with its defaults, and \`dbdoctor init\` writes a first one. Editors complete JSON and YAML by [config.schema.json](config.schema.json).

A *text* may come from the environment or a file: \`env('NAME')\` and \`file('PATH')\` in TypeScript, \`\${NAME}\` and \`\${file:PATH}\` in JSON
and YAML. A *time* has a unit: \`250ms\`, \`5s\`, \`15m\`, \`7d\`. A *pointer* is a JSON Pointer (RFC 6901): \`/data/access_token\`. What is *needed* is
needed where the part that it belongs to is written.
`

/** A row for each setting below a setting, deeper ones after those that hold them. */
function rowsOf(path: string, schema: Schema): string[] {
  return inside(path, schema).flatMap(({ at, setting, needed }) => [
    `| \`${at}\` | ${kindOf(setting)} | ${defaultOf(setting, needed)} | ${inTable(setting.description ?? '')} |`,
    ...rowsOf(at, setting),
  ])
}

interface Inside {
  readonly at: string
  readonly setting: Schema
  readonly needed: boolean
}

/** The settings right below one; those that several ways of writing it share come once. */
function inside(path: string, schema: Schema): Inside[] {
  const { properties = {}, required = [], items, additionalProperties, anyOf = [], oneOf = [] } = schema
  const ways = [...anyOf, ...oneOf].map((way) => inside(path, way)).filter(({ length }) => length > 0)
  const shared = [...new Set(ways.flat().map(({ at }) => at))].map((place) =>
    merged(
      ways.map((way) => way.find(({ at }) => at === place)),
      place,
    ),
  )
  return [
    ...Object.entries(properties).map(([name, setting]) => {
      return { at: `${path}.${name}`, setting, needed: required.includes(name) }
    }),
    ...(items ? inside(`${path}[]`, items) : []),
    ...(typeof additionalProperties === 'object' ? inside(`${path}.*`, additionalProperties) : []),
    ...shared,
  ]
}

/** A setting of several ways: needed where none of them is without it. */
function merged(same: readonly (Inside | undefined)[], at: string): Inside {
  const known = same.filter((one) => one !== undefined)
  const kinds = new Map(known.map(({ setting: { description: _, ...kind } }) => [JSON.stringify(kind), kind]))
  const { description = '' } = known[0]?.setting ?? {}
  const [only = {}] = kinds.values()
  return {
    at,
    needed: known.length === same.length && known.every(({ needed }) => needed),
    setting: { ...(kinds.size === 1 ? only : { anyOf: [...kinds.values()] }), description },
  }
}

/** What a setting may be, in a few words. */
function kindOf(schema: Schema): string {
  const { title, type, items, anyOf, oneOf, enum: choices, const: constant, properties, additionalProperties } = schema
  if (title !== undefined) return title
  const ways = (anyOf ?? oneOf)?.map(kindOf)
  if (ways) return [...new Set(ways)].join(' or ')
  if (constant !== undefined) return code(constant)
  if (choices) return choices.map(code).join(', ')
  if (type === 'array') return `list: ${kindOf(items ?? {})}`
  if (type === 'object' && properties) return 'settings'
  if (type === 'object')
    return `by name: ${typeof additionalProperties === 'object' ? kindOf(additionalProperties) : 'anything'}`
  if (schema.inCode) return 'object'
  return [type ?? 'anything'].flat().join(' or ').replace('integer', 'whole number')
}

function defaultOf({ default: value }: Schema, needed: boolean): string {
  if (needed) return 'needed'
  // What is empty by default is as if it were not there.
  return value === undefined || ['{}', '[]'].includes(JSON.stringify(value)) ? '' : code(value)
}

function code(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}

function inTable(text: string): string {
  return text.replaceAll('|', '\\|')
}
