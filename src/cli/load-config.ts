import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { interpolated, isTemplate } from '../config/reference.js'
import { type Config, parseConfig } from '../config.js'
import { DbdoctorError } from '../errors.js'
import type { Plugin } from '../plugin.js'

const names = ['ts', 'mts', 'js', 'mjs', 'json', 'yaml', 'yml'].map((ending) => `dbdoctor.config.${ending}`)

/** A config and the plugins that it names. Without a file: the config of somebody who expects nothing in particular. */
export interface Loaded {
  readonly config: Config
  readonly plugins: readonly Plugin[]
  /** Where the paths in the config start from. */
  readonly folder: string
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
  const path = file === undefined ? findUpward(process.cwd()) : resolve(file)
  if (path === null) return { config: parseConfig({}, 'the default config'), plugins: [], folder: process.cwd() }
  const config = parseConfig(await read(path), path)
  const plugins = await Promise.all(
    config.plugins.map((plugin) => (typeof plugin === 'string' ? loadPlugin(plugin, path) : plugin)),
  )
  return { config, plugins, folder: dirname(path) }
}

function findUpward(folder: string): string | null {
  const found = names.map((name) => join(folder, name)).find((path) => existsSync(path))
  if (found) return found
  return dirname(folder) === folder ? null : findUpward(dirname(folder))
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
      `${path} ${what}: ${(error as Error).message.split('\n')[0]}`,
      'correct the file, or name another one with --config',
    )
  }
}

async function loadPlugin(name: string, config: string): Promise<Plugin> {
  try {
    return (await imported(name.startsWith('.') ? resolve(dirname(config), name) : name, config)) as Plugin
  } catch (error) {
    throw new DbdoctorError(
      'ERR_CONFIG_INVALID',
      `the plugin ${name} cannot be loaded: ${(error as Error).message.split('\n')[0]}`,
      'correct "plugins" in the config',
    )
  }
}

/** The default export of a module, TypeScript included; what it imports as `dbdoctor` is this package, wherever it is installed. */
async function imported(path: string, from = path): Promise<unknown> {
  const { createJiti } = await import('jiti')
  const jiti = createJiti(from, {
    alias: { dbdoctor: fileURLToPath(import.meta.resolve('dbdoctor')) },
    interopDefault: true,
  })
  const value = await jiti.import(path, { default: true })
  return typeof value === 'function' ? value() : value
}

/** Texts with `${NAME}` in them become references to the environment. */
function withReferences(value: unknown): unknown {
  if (typeof value === 'string') return isTemplate(value) ? interpolated(value) : value
  if (Array.isArray(value)) return value.map(withReferences)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withReferences(part)]))
}
