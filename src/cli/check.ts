import { loadEnvFile } from 'node:process'
import type { Surroundings } from '../config/reference.js'
import type { Config } from '../config.js'
import { DbdoctorError } from '../errors.js'
import { dialectOf, parseTarget } from '../target.js'
import { listenForSignals } from './interruption.js'
import type { CheckOptions } from './options.js'
import type { Parts } from './parts.js'

/** `dbdoctor check`: examines what the command line or the config names. Answers with the exit code. */
export async function check(parts: Parts, target: string | undefined, options: CheckOptions): Promise<number> {
  if (options.envFile !== undefined) loadEnvironment(options.envFile)
  // A dialect starts what takes long as soon as it is made: while everything else is being loaded.
  const early = target === undefined ? null : dialectOf(parseTarget(target), process.env)
  early?.catch(() => {})
  const [{ examine }, { loadConfig }] = await Promise.all([import('./examine.js'), import('./load-config.js')])
  const { config, plugins, folder } = await loadConfig(options.config)
  const surroundings = { environment: process.env, folder }
  const dialect = async (used: boolean) => {
    const address = early || !used ? null : await addressOf(config, surroundings)
    return address === null ? early : dialectOf(parseTarget(address), process.env)
  }
  const interruption = listenForSignals()
  try {
    return await examine({ parts, config, plugins, surroundings, dialect, interruption }, options)
  } finally {
    interruption.stop()
  }
}

/** The address of the database; null where there is something else to examine. */
async function addressOf(config: Config, surroundings: Surroundings): Promise<string | null> {
  if (config.database.url) return (await import('../config/reference.js')).resolve(config.database.url, surroundings)
  if (process.env.DATABASE_URL) return process.env.DATABASE_URL
  if (config.api || config.auth.jwt || config.external.length > 0) return null
  throw new DbdoctorError(
    'ERR_USAGE',
    'there is nothing to examine',
    'name a target: dbdoctor check ./app.db; or set DATABASE_URL, or database.url or api.url in a config',
  )
}

function loadEnvironment(file: string): void {
  try {
    loadEnvFile(file)
  } catch {
    throw new DbdoctorError('ERR_USAGE', `the environment file ${file} cannot be read`, 'correct --env-file')
  }
}
