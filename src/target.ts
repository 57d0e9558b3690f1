import { existsSync } from 'node:fs'
import type { Environment } from './config/reference.js'
import type { Dialect } from './dialects/dialect.js'
import { DbdoctorError } from './errors.js'

/** A target by its grammar, not yet looked at. */
export type Target =
  | { readonly dialect: 'postgres'; readonly url: string }
  | { readonly dialect: 'sqlite'; readonly path: string }

/**
 * Reads a target: `postgres://` or `postgresql://`, `sqlite:PATH`, or something that can only be a file. Whatever else it is, guessing
 * would examine the wrong thing. Throws `ERR_TARGET_INVALID`.
 */
export function parseTarget(text: string): Target {
  if (/^postgres(ql)?:\/\//i.test(text)) return { dialect: 'postgres', url: text }
  if (text.startsWith('sqlite:') && text.length > 'sqlite:'.length)
    return { dialect: 'sqlite', path: text.slice('sqlite:'.length) }
  if (existsSync(text)) return { dialect: 'sqlite', path: text }
  const address = /^[^/\\]+:\d+(\/|$)/.test(text)
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]
  if (!scheme && !address && (/[/\\]/.test(text) || /\.(db3?|sqlite3?)$/i.test(text)))
    return { dialect: 'sqlite', path: text }
  throw new DbdoctorError(
    'ERR_TARGET_INVALID',
    `${described(text, scheme)} is not a target`,
    'write postgres://user@host:5432/database, or sqlite:PATH (a path with a slash, or ending in .db, works as it is)',
  )
}

/** The dialect that examines a target. Its driver is loaded only now, so that one that can't be loaded leaves the other working. */
export async function dialectOf(target: Target, environment: Environment): Promise<Dialect> {
  if (target.dialect === 'sqlite') return (await import('./dialects/sqlite/dialect.js')).sqlite(target.path)
  return (await import('./dialects/postgres/database.js')).postgres(target.url, environment)
}

/** A target as it may be repeated to the user: what has a scheme, or an @, may hold a password. */
function described(text: string, scheme: string | undefined): string {
  if (scheme) return `a ${scheme}:// address`
  if (text === '') return 'an empty string'
  return text.includes('@') ? 'what was given' : JSON.stringify(text)
}
