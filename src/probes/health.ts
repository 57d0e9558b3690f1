/** What a health document says of something that is not well. */
export interface Illness {
  /** Whether it is the database behind the server, or the server as a whole. */
  readonly of: 'database' | 'server'
  /** Where it says so: a JSON Pointer (RFC 6901). */
  readonly pointer: string
  /** The member's value, as it is printed. */
  readonly value: string
}

/** First words of members that are about a database: `db`, `databaseStatus`, `postgres:connections`. */
const databases =
  /^(db|dbs|database|databases|datasource|postgres|postgresql|pg|npgsql|mysql|mariadb|mongo|mongodb|sqlite|sqlserver|mssql|sql|prisma|typeorm|sequelize|knex|kysely|drizzle|hikari|jdbc)$/
/** Words that a state goes by, alone or at the end of a name. */
const states = /^(status|state|health|healthy|ok|up|connected|alive|available|reachable|ready|connection)$/
/** Where an entry of a list names what it is about. */
const names = ['name', 'label', 'id', 'component', 'componentId', 'service', 'key', 'check']
const ill =
  /^(down|ko|no|off|err(or)?|fail(s|ed|ing|ure)?|un(healthy|available|reachable|ready)|disconnected|degraded|critical|offline|broken|dead|time(d )?-?out|closed|lost|not[ _-]?(ok|ready|connected|available|healthy))$/i
/** What drivers say, where their words are handed on. */
const failure =
  /refused|(can ?not|can't|could ?n[o']t|unable to|failed to) (connect|reach|open)|no connection|connection (is )?(lost|closed|failed|terminated|timed out|error)|\bE(CONN|TIMEDOUT|NOTFOUND|HOSTUNREACH|AI_AGAIN)|timed out/i
const deepest = 6
const longest = 80

/**
 * What a health document says of the database behind its server, as frameworks write it: health+json, Spring's and ASP.NET's components,
 * lists of checks, flags and words. Else, what it says of the server itself. Null where nothing is ill.
 */
export function illnessIn(document: unknown): Illness | null {
  const found = search(document, '', 0)
  if (found) return found
  // Of a server that speaks of its database, what is ill is something else.
  if (!isObject(document) || mentionsDatabase(document, 0)) return null
  const [key, value] = Object.entries(document).find(([name]) => /^(status|state|health)$/i.test(name)) ?? []
  // What only a part of it lacks is no illness of the server.
  const grave = typeof value === 'string' && ill.test(value.trim()) && !/^degraded$/i.test(value.trim())
  return key !== undefined && grave ? { of: 'server', pointer: pointerTo('', key), value: shown(value) } : null
}

function mentionsDatabase(node: unknown, depth: number): boolean {
  if (depth > deepest || typeof node !== 'object' || node === null) return false
  return Object.entries(node).some(
    ([key, value]) => databases.test(wordsOf(key)[0] ?? '') || mentionsDatabase(value, depth + 1),
  )
}

/** Looks for what is about a database. */
function search(node: unknown, at: string, depth: number): Illness | null {
  if (depth > deepest) return null
  if (Array.isArray(node)) return firstOf(node, (item, index) => entryOf(item, pointerTo(at, String(index)), depth))
  if (!isObject(node)) return null
  return firstOf(Object.entries(node), ([key, value]) => {
    const pointer = pointerTo(at, key)
    const words = wordsOf(key).filter((word, index) => index > 0 || !/^(is|has)$/.test(word))
    if (!databases.test(words[0] ?? '')) return search(value, pointer, depth + 1)
    if (isScalar(value)) {
      const tellsState = words.length === 1 || states.test(words.at(-1) ?? '')
      return tellsState && isIll(value) ? illness(pointer, value) : null
    }
    return componentOf(value, pointer)
  })
}

/** An entry of a list, which may name itself; else whatever is in it. */
function entryOf(item: unknown, at: string, depth: number): Illness | null {
  if (!isObject(item)) return null
  const named = names.map((name) => item[name]).find((name) => typeof name === 'string')
  const about = typeof named === 'string' && wordsOf(named).some((word) => databases.test(word))
  return about ? componentOf(item, at) : search(item, at, depth + 1)
}

/** What is known to be about a database says its state itself, or in the entries of a list: what lies deeper is a detail. */
function componentOf(node: unknown, at: string): Illness | null {
  if (Array.isArray(node))
    return firstOf(node, (item, index) => (isObject(item) ? componentOf(item, pointerTo(at, String(index))) : null))
  if (!isObject(node)) return null
  return firstOf(Object.entries(node), ([key, value]) => {
    const pointer = pointerTo(at, key)
    const words = wordsOf(key).filter((word, index) => index > 0 || !/^(is|has)$/.test(word))
    if (words.length === 1 && states.test(words[0] ?? ''))
      return isScalar(value) && isIll(value) ? illness(pointer, value) : null
    const isError = words.length === 1 && /^(errors?|exception)$/.test(words[0] ?? '')
    if (!isError) return null
    if (typeof value === 'string' && value.trim() !== '') return illness(pointer, value)
    return isObject(value) && Object.keys(value).length > 0 ? illness(pointer, Object.values(value)[0]) : null
  })
}

function illness(pointer: string, value: unknown): Illness {
  return { of: 'database', pointer, value: shown(value) }
}

function isIll(value: string | number | boolean | null): boolean {
  if (typeof value === 'string') return ill.test(value.trim()) || failure.test(value)
  return value === false
}

/** A value as it is printed: short, and without the password of an address. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? ''
  const open = text.replace(/(:\/\/[^\s/@:]*:)[^\s@]*(@)/g, '$1•••$2')
  return open.length > longest ? `${open.slice(0, longest)}…` : open
}

/** The words of a member's name, in lower case: `dbStatus`, `db_status` and `db-status` are `db`, `status`. */
function wordsOf(key: string): string[] {
  const words = key
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
  return words.filter((word) => word !== '')
}

/** A JSON Pointer one step further (RFC 6901, section 3). */
function pointerTo(at: string, key: string): string {
  return `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

function firstOf<T>(items: readonly T[], look: (item: T, index: number) => Illness | null): Illness | null {
  for (const [index, item] of items.entries()) {
    const found = look(item, index)
    if (found) return found
  }
  return null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || typeof value !== 'object'
}
