import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DbdoctorError } from '../contracts/errors.js'
import type { Plugin } from '../contracts/plugin.js'
import { type Config, parseConfig } from './config.js'
import { parsePlugin } from './plugin.js'
import { interpolated, isTemplate } from './reference.js'

/** The names of a config, in the order in which they are looked for. */
export const configNames = ['ts', 'mts', 'js', 'mjs', 'json', 'yaml', 'yml'].map(
  (ending) => `dbdoctor.config.${ending}`,
)

/** A config and the plugins that it names. Without a file: the config of somebody who expects nothing in particular. */
export interface Loaded {
  readonly config: Config
  readonly plugins: readonly Plugin[]
  /** Where the paths in the config start from. */
  readonly folder: string
  /** Where a baseline and a snapshot usually lie; null where nobody should look for them. */
  readonly beside: string | null
  /** The config file; null without one. */
  readonly path: string | null
}

/** Loads the named config file, or the first one upward from the working directory. Throws where it is missing or wrong. */
export async function loadConfig(file: string | undefined): Promise<Loaded> {
  if (file !== undefined && !existsSync(file)) {
    throw new DbdoctorError(
      'ERR_CONFIG_NOT_FOUND',
      `there is no config file ${file}`,
      'correct --config, or leave it out',
    )
  }
  const path = file === undefined ? findConfig(process.cwd()) : resolve(file)
  const folder = path === null ? process.cwd() : dirname(path)
  const loaded = await admitConfig(path === null ? {} : await read(path), path ?? 'the default config', folder)
  return { ...loaded, beside: folder, path }
}

/** A config that is there already, and the plugins that it names. `source` is what messages call it. */
export async function admitConfig(input: unknown, source: string, folder: string): Promise<Loaded> {
  const config = parseConfig(input, source)
  const plugins = await Promise.all(
    config.plugins.map(async (plugin, at) =>
      typeof plugin === 'string' ? loadPlugin(plugin, folder) : parsePlugin(plugin, plugin.name ?? `plugins[${at}]`),
    ),
  )
  return { config, plugins, folder, beside: null, path: null }
}

/** The first config upward from a folder. */
export function findConfig(folder: string): string | null {
  const found = configNames.map((name) => join(folder, name)).find((path) => existsSync(path))
  if (found) return found
  return dirname(folder) === folder ? null : findConfig(dirname(folder))
}

async function read(path: string): Promise<unknown> {
  try {
    switch (extname(path)) {
      case '.json':
        return withReferences(JSON.parse(await readFile(path, 'utf8')))
      case '.yaml':
      case '.yml':
        return withReferences((await import('yaml')).default.parse(await readFile(path, 'utf8')))
      default:
        return await imported(path)
    }
  } catch (error) {
    if (error instanceof DbdoctorError) throw error
    const what = error instanceof SyntaxError ? 'cannot be parsed' : 'cannot be loaded'
    throw new DbdoctorError(
      'ERR_CONFIG_INVALID',
      `${path} ${what}: ${reasonOf(error)}`,
      'correct the file, or name another one with --config',
    )
  }
}

/** A path from the folder, or a package that can be found from there. */
async function loadPlugin(name: string, folder: string): Promise<Plugin> {
  const path = name.startsWith('.') ? resolve(folder, name) : name
  const value = await imported(path, join(folder, 'dbdoctor.config.js')).catch((error: unknown) => {
    throw new DbdoctorError(
      'ERR_PLUGIN_INVALID',
      `the plugin ${name} cannot be loaded: ${reasonOf(error)}`,
      `correct it, or "plugins" in the config; paths and packages are looked for from ${folder}`,
    )
  })
  return parsePlugin(value, name)
}

/** The first line of what was thrown, which need not be an error. */
function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] || 'it throws'
}

/** What the package exports that a config or a plugin may import. */
const ours = ['dbdoctor', 'dbdoctor/checks', 'dbdoctor/testing']

/** The default export of a module, TypeScript included; what it imports as `dbdoctor` is this package, wherever it is installed. */
async function imported(path: string, from = path): Promise<unknown> {
  const { createJiti } = await import('jiti')
  const alias = Object.fromEntries(ours.map((name) => [name, fileURLToPath(import.meta.resolve(name))]))
  const jiti = createJiti(from, { alias, interopDefault: false })
  const value = defaultOf(await jiti.import(path))
  return typeof value === 'function' ? value() : value
}

/** The default export; of CommonJS that was compiled from a module, the one that its author wrote. */
function defaultOf(module: unknown): unknown {
  const value = memberOf(module, 'default')
  if (value === undefined) return module
  return memberOf(value, '__esModule') ? memberOf(value, 'default') : value
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value ? value[name as keyof typeof value] : undefined
}

/** Texts with `${NAME}` in them become references to the environment. */
function withReferences(value: unknown): unknown {
  if (typeof value === 'string') return isTemplate(value) ? interpolated(value) : value
  if (Array.isArray(value)) return value.map(withReferences)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withReferences(part)]))
}
