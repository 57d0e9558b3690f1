import { existsSync } from 'node:fs'
import { isAbsolute, join, relative } from 'node:path'
import type { Environment } from './config/reference.js'
import type { Dialect, DialectName } from './dialects/dialect.js'
import { DbdoctorError } from './errors.js'

/** A target by its grammar, not yet looked at. */
export interface Target {
  readonly dialect: DialectName
  /** A connection string, or the path of a file. */
  readonly address: string
}

/**
 * Reads a target: `postgres://` or `postgresql://`, `sqlite:PATH`, or something that can only be a file. Whatever else it is, guessing
 * would examine the wrong thing. A path starts from the folder, where one is named. Throws `ERR_TARGET_INVALID`.
 */
export function parseTarget(text: string, folder?: string): Target {
  const file = (path: string): Target => {
    const stays = folder === undefined || isAbsolute(path)
    return { dialect: 'sqlite', address: stays ? path : join(relative('', folder), path) }
  }
  if (/^postgres(ql)?:\/\//i.test(text)) return { dialect: 'postgres', address: text }
  if (text.startsWith('sqlite:') && text.length > 'sqlite:'.length) return file(text.slice('sqlite:'.length))
  if (existsSync(file(text).address)) return file(text)
  const hostAndPort = /^[^/\\]+:\d+(\/|$)/.test(text)
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]
  if (!scheme && !hostAndPort && (/[/\\]/.test(text) || /\.(db3?|sqlite3?)$/i.test(text))) return file(text)
  throw new DbdoctorError(
    'ERR_TARGET_INVALID',
    `${described(text, scheme)} is not a target`,
    'write postgres://user@host:5432/database, or sqlite:PATH (a path with a slash, or ending in .db, works as it is)',
  )
}

/** Whether a database is a file, whose path may be written down: an address may hold a password. */
const files: Record<DialectName, boolean> = { sqlite: true, postgres: false }

export function isFile({ dialect }: Target): boolean {
  return files[dialect]
}

/** How each dialect begins. Its driver is loaded only then, so that one that can't be loaded leaves the other working. */
const dialects: Record<DialectName, (address: string, environment: Environment) => Promise<Dialect>> = {
  sqlite: async (path) => (await import('./dialects/sqlite/dialect.js')).sqlite(path),
  postgres: async (url, environment) => (await import('./dialects/postgres/database.js')).postgres(url, environment),
}

/** The dialect that examines a target. */
export function dialectOf({ dialect, address }: Target, environment: Environment): Promise<Dialect> {
  return dialects[dialect](address, environment)
}

/** A target as it may be repeated to the user: what has a scheme, or an @, may hold a password. */
function described(text: string, scheme: string | undefined): string {
  if (scheme) return `a ${scheme}:// address`
  if (text === '') return 'an empty string'
  return text.includes('@') ? 'what was given' : JSON.stringify(text)
}
