import { isTemplate } from '../config/reference.js'
import { valuesThere } from '../relationships/wording.js'
import { pluralize, quoted } from '../values/text.js'
import { type ConfigFormat, type Draft, group, type Item, type Setting, written } from './draft.js'
import { isCertain, type Seen, type SeenApi, type SeenDatabase, type SeenRelationship } from './seen.js'

/** How somebody wants a first config. */
export interface Wish {
  readonly format: ConfigFormat
  /** Names of tables and indexes, in place of their numbers. */
  readonly names: boolean
  /** The database's file, from the config's folder; null where its address comes from DATABASE_URL. */
  readonly file: string | null
}

/** Where editors find the schema of a config, seen from the config's folder. */
export const schemaPath = './node_modules/dbdoctor/docs/config.schema.json'

/** A config that expects what was seen. Whatever the names in it, it loads, and says the same. */
export function configText(seen: Seen, wish: Wish): string {
  const draft = group(
    seen.database && { name: 'database', value: databaseDraft(seen.database, seen.migrations, wish) },
    seen.api && { name: 'api', value: apiDraft(seen.api, wish) },
    seen.api && authDraft(seen.api),
  )
  const head = ['What "dbdoctor init" found. It is yours now: correct what is not meant so.']
  return written(wish.format, draft, head, schemaPath)
}

/** Whether a name can be written as it is: in JSON and YAML, `${NAME}` stands for a variable. */
function isWritable(name: string, { format }: Wish): boolean {
  return name !== '' && (format === 'ts' || !isTemplate(name))
}

function databaseDraft(seen: SeenDatabase, migrations: string | null, wish: Wish) {
  const file = wish.file !== null && isWritable(wish.file, wish) ? wish.file : null
  return group(
    { name: 'url', value: file === null ? { env: 'DATABASE_URL' } : `sqlite:${file}` },
    seen.tables.length > 0
      ? {
          name: 'expect',
          value: expectDraft(seen, wish),
          above:
            migrations === null ? undefined : [`Migrated by ${migrations}: schema/migrations looks at the history.`],
        }
      : null,
    relationshipsDraft(seen, wish),
    usersDraft(seen),
  )
}

function expectDraft({ tables, indexes, populated }: SeenDatabase, wish: Wish): Draft {
  const rows = populated.map((name) => ({ name, value: group({ name: 'min', value: 1 }) }))
  return group(
    { name: 'tables', value: countOrNames(tables, wish) },
    indexes.length > 0 ? { name: 'indexes', value: countOrNames(indexes, wish) } : null,
    rows.length > 0
      ? { name: 'rows', value: { settings: rows }, above: ['Empty, these would mean a restore without its data.'] }
      : null,
  )
}

function countOrNames(names: readonly string[], wish: Wish): Draft {
  if (!wish.names || !names.every((name) => isWritable(name, wish))) return names.length
  return names.map((name) => ({ value: name }))
}

/** How many relationships that somebody has to decide about are written out. */
const mostOpen = 100

/** What is certain is declared; what is not waits as a comment. Nothing certain: all of it does. */
function relationshipsDraft({ relationships }: SeenDatabase, wish: Wish): Setting | null {
  if (relationships.length === 0) return null
  const declared = (one: SeenRelationship) => isCertain(one) && isWritable(one.declaration, wish)
  const certain = relationships.filter(declared)
  const open = relationships.filter((one) => !declared(one))
  const none = certain.length === 0
  const items = [...certain, ...open.slice(0, mostOpen)].map(
    (one): Item => ({ value: one.declaration, note: believed(one), off: !none && !declared(one) }),
  )
  return {
    name: 'relationships',
    value: group({ name: 'declare', value: items }),
    above: [
      'No foreign key declares these. A row without its parent is a warning; of one that is declared here, an error.',
      ...(open.length > mostOpen
        ? [
            `There are ${open.length - mostOpen} more to decide about: dbdoctor check --only integrity/orphaned-rows --verbose`,
          ]
        : []),
    ],
    off: none,
  }
}

function believed({ why, values }: SeenRelationship): string {
  if (values === null) return `${why}; no row was looked at`
  const { matched, keyed } = values
  if (keyed === 0) return `${why}; no row tells`
  return `${why}; ${valuesThere(matched, keyed)}`
}

function usersDraft({ users }: SeenDatabase): Setting | null {
  if (!users) return null
  const { schema, table, email, passwordHash } = users
  return {
    name: 'users',
    value: group(
      schema === undefined ? null : { name: 'schema', value: schema },
      { name: 'table', value: table },
      { name: 'email', value: email },
      { name: 'passwordHash', value: passwordHash },
    ),
    above: ['Where the user of auth.login is looked up, to tell a wrong password from a missing user.'],
    off: true,
  }
}

function apiDraft({ url, health }: SeenApi, wish: Wish): Draft {
  const endpoints = health
    .filter(({ path }) => isWritable(path, wish))
    .map(({ path, status, json }): Item => {
      const value = json ? group({ name: 'path', value: path }, { name: 'type', value: 'json' }) : path
      const isWell = status < 300
      return { value, ...(!isWell && { note: `answers with ${status} now`, off: true }) }
    })
  const none = endpoints.every(({ off }) => off)
  return group(
    { name: 'url', value: url },
    endpoints.length === 0
      ? null
      : {
          name: 'endpoints',
          value: none ? endpoints.map((one) => ({ ...one, off: false })) : endpoints,
          off: none,
        },
  )
}

function authDraft({ login }: SeenApi): Setting | null {
  if (!login) return null
  const body = group(
    { name: login.user, value: 'test@example.com' },
    { name: login.password, value: { env: 'TEST_PASSWORD' } },
  )
  return {
    name: 'auth',
    value: group({
      name: 'login',
      value: group({ name: 'path', value: login.path }, login.form ? { name: 'type', value: 'form' } : null, {
        name: 'body',
        value: body,
      }),
    }),
    above: ['Name a user who is meant for this, and what needs a login is examined too.'],
    off: true,
  }
}

/** What was found, a line each, for somebody who waits at a terminal. */
export function summaryOf({ database, api, migrations }: Seen): string[] {
  return [...(database ? databaseSummary(database, migrations) : []), ...(api ? apiSummary(api) : [])]
}

function databaseSummary(
  { target, tables, indexes, foreignKeys, populated, relationships }: SeenDatabase,
  migrations: string | null,
): string[] {
  if (tables.length === 0) return [`${target.name}: the database has no tables, so that nothing is expected of it yet`]
  const certain = relationships.filter(isCertain).length
  return [
    `${target.name}: ${pluralize(tables.length, 'table')}, ${pluralize(indexes.length, 'index')}, ${pluralize(foreignKeys, 'foreign key')}`,
    ...(populated.length > 0 ? [`expected to hold rows: ${populated.map(quoted).join(', ')}`] : []),
    ...(relationships.length > 0
      ? [`relationships without a foreign key: ${certain} certain, ${relationships.length - certain} to decide about`]
      : []),
    ...(migrations === null ? [] : [`migrations: ${migrations}`]),
  ]
}

function apiSummary({ url, document, health, login }: SeenApi): string[] {
  return [
    `${url} ${document === null ? 'has no OpenAPI document at the usual places' : `describes itself at ${document}`}`,
    ...(health.length > 0 ? [`health: ${health.map(({ path }) => path).join(', ')}`] : []),
    ...(login ? [`login: ${login.path}, for which a user has to be named (auth.login)`] : []),
  ]
}
