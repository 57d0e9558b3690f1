import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Scalar } from 'yaml'
import { findConfig, type Loaded, loadConfig } from '../config/load.js'
import { masked } from '../config/masked.js'
import { isReference, referencesIn, templateOf } from '../config/reference.js'
import { DbdoctorError } from '../contracts/errors.js'
import { writtenDuration } from '../values/duration.js'
import { inertJson } from '../values/inert.js'
import { print } from './output.js'
import type { Parts } from './parts.js'

export interface ConfigOptions {
  readonly config?: string
  readonly print?: boolean
  readonly path?: boolean
  readonly schema?: boolean
  readonly markdown?: boolean
  readonly envFile?: string
}

/** `dbdoctor config`: the config as it is understood, where it is, or what one may say. */
export async function config(parts: Parts, options: ConfigOptions): Promise<number> {
  await print(await answerTo(parts, options))
  return 0
}

async function answerTo(
  parts: Parts,
  { config: file, path, schema, markdown, envFile }: ConfigOptions,
): Promise<string> {
  if (path) return `${pathOf(file)}\n`
  if (schema || markdown) {
    const { configJsonSchema, configMarkdown } = await import('../config/documents.js')
    const { checks = [] } = await parts.checks()
    return schema ? `${JSON.stringify(configJsonSchema(checks), null, 2)}\n` : configMarkdown()
  }
  if (envFile !== undefined) (await import('./environment.js')).loadEnvironment(envFile)
  return resolved(await loadConfig(file))
}

function pathOf(file: string | undefined): string {
  const path = file === undefined ? findConfig(process.cwd()) : resolve(file)
  if (path !== null && existsSync(path)) return path
  const what = file === undefined ? 'no config file from here upward' : `no config file ${file}`
  throw new DbdoctorError('ERR_CONFIG_NOT_FOUND', `there is ${what}`, '"dbdoctor init" writes one')
}

/** The config with its defaults as YAML, without its secrets; each reference with whether it leads anywhere. */
async function resolved({ config: loaded, folder, path }: Loaded): Promise<string> {
  const { Document, visit } = (await import('yaml')).default
  const notes = new Map<string, string>()
  const plain = written(masked({ ...loaded, plugins: [] }), (template) => {
    notes.set(template, statesOf(template, folder).join(', '))
    return template
  })
  const plugins = loaded.plugins.map((plugin) => (typeof plugin === 'string' ? plugin : `(${plugin.name})`))
  const document = new Document({ ...(plain as object), plugins })
  document.commentBefore = path === null ? ' no config file: these are the defaults' : ` ${path}`
  visit(document, {
    Scalar(_, node: Scalar) {
      const note = typeof node.value === 'string' ? notes.get(node.value) : undefined
      if (note !== undefined) node.comment = ` ${note}`
    },
  })
  return inertJson(document.toString({ lineWidth: 0 }))
}

/** Settings that hold a time, which a config writes with its unit. */
const times: ReadonlySet<string> = new Set([
  ...['timeout', 'budget', 'tolerance'],
  ...['accessTokenLifetime', 'refreshTokenLifetime'],
])

/** A setting as a config would write it. */
function written(value: unknown, referred: (template: string) => string, key = ''): unknown {
  if (isReference(value)) return referred(templateOf(value))
  if (typeof value === 'number' && times.has(key)) return writtenDuration(value)
  if (Array.isArray(value)) return value.map((part) => written(part, referred))
  if (typeof value !== 'object' || value === null) return value
  if ('text' in value && 'child' in value) return value.text
  const entries = Object.entries(value).filter(([, part]) => part !== undefined)
  return Object.fromEntries(entries.map(([name, part]) => [name, written(part, referred, name)]))
}

function statesOf(template: string, folder: string): string[] {
  return referencesIn(template).map(({ variable, path = '' }) => {
    if (variable !== undefined) return `${variable} is ${process.env[variable] ? 'set' : 'not set'}`
    return `${path} is ${existsSync(resolve(folder, path)) ? 'there' : 'not there'}`
  })
}
