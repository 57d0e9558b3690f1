import { existsSync } from 'node:fs'
import { isAbsolute, join, relative } from 'node:path'
import type { Environment } from '../config/reference.js'
import { DbdoctorError } from '../contracts/errors.js'
import type { Dialect, DialectName } from './dialect.js'

/** A target by its grammar, not yet looked at. */
export interface Target {
  readonly dialect: DialectName
  /** A connection string, or the path of a file. */
  readonly address: string
  /** How an address that is written as another tool has it was understood. Never a password. */
  readonly understood?: string
}

/** Where a target was named, and where its path starts; the working directory where no folder is named. */
interface Naming {
  readonly source?: string
  readonly folder?: string
}

const forms =
  'write postgres://user@host:5432/database, or sqlite:PATH (a path with a slash, or ending in .db, works as it is)'

/**
 * Reads a target: `postgres://` or `postgresql://`, `sqlite:PATH`, or something that can only be a file; and what frameworks write for
 * these, where its meaning is certain. Whatever else it is, guessing would examine the wrong thing. Throws `ERR_TARGET_INVALID`, whose
 * message repeats nothing that may be a password.
 */
export function parseTarget(given: string, { source, folder }: Naming = {}): Target {
  const text = unquoted(given)
  const refuse = (what: string, wayOut = forms) =>
    new DbdoctorError('ERR_TARGET_INVALID', source === undefined ? what : `${source}: ${what}`, wayOut)
  const placed = (path: string) =>
    folder === undefined || isAbsolute(path) ? path : join(relative('', folder), path) || '.'
  const isThere = (path: string) => path !== '' && existsSync(placed(path))
  const file = (path: string, understood?: string): Target => {
    if (!isThere(path) && holdsSecret(path)) throw refuse(unrepeated(text), wayOutOf(text))
    if (path === '' || path === ':memory:') throw refuse('the address names no file')
    return { dialect: 'sqlite', address: placed(path), ...(understood && { understood }) }
  }

  if (/^postgres(ql)?:\/\//i.test(text)) return { dialect: 'postgres', address: text }
  if (isThere(text)) return file(text)
  const driver = /^postgres(?:ql)?\+(\w+):\/\//i.exec(text)
  if (driver && postgresDrivers.has(String(driver[1]).toLowerCase())) {
    const address = text.replace(driver[0], 'postgresql://')
    return { dialect: 'postgres', address, understood: `${driver[0]} read as postgresql://` }
  }
  const scheme = /^(sqlite3?|sqlite\+\w+|jdbc:sqlite|file):/i.exec(text)
  if (scheme) {
    const rest = text.slice(scheme[0].length)
    const { paths, sure } =
      isThere(rest) && !rest.startsWith('//') ? asItIs(rest) : meaningsOf(rest, /^file:/i.test(text))
    const there = paths.filter(isThere)
    const [path = ''] = there.length > 0 ? there : paths
    if ((there.length > 1 || (there.length === 0 && !sure)) && !holdsSecret(rest)) {
      const meant = paths.map((one) => `sqlite:${one}`).join(' or ')
      throw refuse(`${JSON.stringify(text)} may mean more than one file`, `write ${meant}`)
    }
    return file(path, `sqlite:${path}` === text ? undefined : `${scheme[0]} read as the file ${path}`)
  }
  if (holdsSecret(text)) throw refuse(unrepeated(text), wayOutOf(text))
  const hostAndPort = /^[^/\\]+:\d+(\/|$)/.test(text)
  if (!hostAndPort && (/[/\\]/.test(text) || /\.(db3?|sqlite3?)$/i.test(text))) return file(text)
  throw refuse(`${text === '' ? 'an empty string' : JSON.stringify(text)} is not a target`)
}

/** What is said of a text that may hold a password. */
function unrepeated(text: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]
  return `${scheme ? `a ${scheme}:// address` : 'what was given'} is not a target; it may hold a password, and is not repeated`
}

/** Blanks around a value, and one pair of quotes, which docker's --env-file keeps. */
function unquoted(given: string): string {
  const text = given.trim()
  return (/^(["'])(.*)\1$/s.exec(text)?.[2] ?? text).trim()
}

/** Whether a text that is no target may hold a password: then it is repeated nowhere. */
function holdsSecret(text: string): boolean {
  return /:\/\/|:[\s\S]*@|(password|passwd|pwd)\s*=/i.test(text)
}

/** What to write instead, by the shape of what was given and without its words. */
function wayOutOf(text: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase()
  if (/^\s*(export\s+)?\w+\s*=\s*["']?\w+:/.test(text))
    return 'leave out the name and the =: the value alone is the target'
  if (/^psql\s/i.test(text)) return 'leave out psql: its connection string alone is the target'
  if (scheme === 'postgres' || scheme === 'postgresql') return 'write two slashes: postgres://user@host:5432/database'
  if (scheme === 'jdbc') return 'write postgres://user@host:5432/database, and the password in PGPASSWORD'
  if (scheme === 'postgres+ssl' || scheme === 'postgresql+ssl')
    return 'write postgres://user@host:5432/database?sslmode=require'
  if (/(^|[\s;])(host|server|dbname|user id|data source)\s*=/i.test(text))
    return 'write its parts as postgres://user@host:5432/database, and the password in PGPASSWORD'
  return forms
}

/** Drivers that SQLAlchemy and its like name behind a plus: they say who connects, not where to. */
const postgresDrivers = new Set(['asyncpg', 'psycopg', 'psycopg2', 'psycopg2cffi', 'psycopg_async', 'aiopg', 'pg8000'])

/** The files that an address may name, the likelier first; where it is not sure which, one of them must be there. */
interface Meanings {
  readonly paths: readonly string[]
  readonly sure: boolean
}

function asItIs(path: string): Meanings {
  return { paths: [path], sure: true }
}

/**
 * Three slashes begin a relative path for SQLAlchemy and an absolute one elsewhere; Prisma starts from the folder of its schema; a `?`
 * begins parameters, where no file is called so.
 */
function meaningsOf(rest: string, isUri: boolean): Meanings {
  const bare = rest.replace(/\?[\w.-]+=[^/]*$/, '').replace(/^\/\/localhost\//, '///')
  if (isUri) {
    const path = decoded(bare.replace(/^\/\/(?=\/)/, ''))
    return isAbsolute(path) ? asItIs(path) : { paths: [path, join('prisma', path)], sure: true }
  }
  if (!bare.startsWith('//')) return asItIs(bare)
  const path = bare.slice(2)
  if (path.startsWith('//')) return asItIs(path.slice(1))
  if (/^\/(\.{1,2}\/|[a-z]:)/i.test(path)) return asItIs(path.slice(1))
  if (path.startsWith('/')) return { paths: [path.slice(1), path], sure: false }
  return /^(\.|$)/.test(path) ? asItIs(path) : { paths: [path, `/${path}`], sure: true }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/** Whether a database is a file, whose path may be written down: an address may hold a password. */
const files: Record<DialectName, boolean> = { sqlite: true, postgres: false }

export function isFile({ dialect }: Target): boolean {
  return files[dialect]
}

/** How each dialect begins. Its driver is loaded only then, so that one that can't be loaded leaves the other working. */
const dialects: Record<DialectName, (target: Target, environment: Environment) => Promise<Dialect>> = {
  sqlite: async ({ address, understood }) => (await import('./sqlite/dialect.js')).sqlite(address, understood),
  postgres: async ({ address, understood }, environment) =>
    (await import('./postgres/database.js')).postgres(address, environment, understood),
}

/** The dialect that examines a target. */
export function dialectOf(target: Target, environment: Environment): Promise<Dialect> {
  return dialects[target.dialect](target, environment)
}
