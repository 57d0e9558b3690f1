import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.js'
import { env, isTemplate } from '../../src/config/reference.js'
import { configText } from '../../src/init/config-text.js'
import { configFormats } from '../../src/init/draft.js'
import type { Seen, SeenApi, SeenDatabase } from '../../src/init/seen.js'
import { testFolder } from '../support/databases.js'

let folder = ''
let files = 0
beforeAll(async () => {
  folder = await testFolder()
})

const target = { dialect: 'sqlite', name: 'app.db' } as const
const database: SeenDatabase = {
  target,
  tables: ['users', 'notes'],
  indexes: ['notes_author'],
  foreignKeys: 0,
  populated: [],
  relationships: [],
  users: null,
}
const api: SeenApi = { url: 'http://localhost:8000', document: null, health: [], login: null }
const seenWith = (some: Partial<SeenDatabase>): Seen => ({
  database: { ...database, ...some },
  api: null,
  migrations: null,
})
const wish = { format: 'ts', names: false, file: null } as const

/** Names that mean something to a language, a terminal or a reader of paths. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    ...[
      '',
      '__proto__',
      'constructor',
      "it's",
      '"',
      '\\',
      '\\u0041',
      '*/',
      '// x',
      '# x',
      '\n',
      '\r\nurl: x',
      '\u2028',
      '\u202e',
    ],
    ...[
      '${HOME}',
      '${file:/etc/passwd}',
      '`${1}`',
      '</script>',
      'a -> b',
      'a.b',
      'null',
      'yes',
      '~',
      '- x',
      ': ',
      '&a',
      '*a',
      '!!js',
      '\ud800',
      '\0',
    ],
  ),
)
const values = fc.option(fc.record({ matched: fc.nat(30), keyed: fc.nat(30) }), { nil: null })
const quote = (name: string) => `"${name.replaceAll('"', '""')}"`
const relationship = fc.record({
  declaration: fc.tuple(hostile, hostile).map(([a, b]) => `${quote(a || 'a')}.x -> ${quote(b || 'b')}.y`),
  why: hostile,
  trust: fc.constantFrom('strong' as const, 'weak' as const),
  values,
})
const seenDatabase: fc.Arbitrary<SeenDatabase> = fc.record({
  target: fc.constant(target),
  tables: fc.array(hostile, { maxLength: 5 }),
  indexes: fc.array(hostile, { maxLength: 5 }),
  foreignKeys: fc.nat(9),
  populated: fc.uniqueArray(
    hostile.filter((name) => !['', '__proto__'].includes(name)),
    { maxLength: 3 },
  ),
  relationships: fc.array(relationship, { maxLength: 4 }),
  users: fc.option(
    fc.record({
      schema: fc.option(hostile, { nil: undefined }),
      table: hostile,
      email: hostile,
      passwordHash: hostile,
    }),
    { nil: null },
  ),
})
const path = hostile.map((name) => `/${name.replace(/^\/+/, '')}`)
const seenApi: fc.Arbitrary<SeenApi> = fc.record({
  url: fc.constant(api.url),
  document: fc.option(hostile, { nil: null }),
  health: fc.array(fc.record({ path, status: fc.constantFrom(200, 204, 503), json: fc.boolean() }), { maxLength: 3 }),
  login: fc.option(fc.record({ path, form: fc.boolean(), user: hostile, password: hostile }), { nil: null }),
})
const anything: fc.Arbitrary<Seen> = fc.record({
  database: fc.option(seenDatabase, { nil: null }),
  api: fc.option(seenApi, { nil: null }),
  migrations: fc.option(hostile, { nil: null }),
})

describe.each(configFormats)('a config in %s', (format) => {
  test('loads as what was seen, whatever the names', async () => {
    await fc.assert(
      fc.asyncProperty(anything, fc.boolean(), fc.option(hostile, { nil: null }), async (seen, names, file) => {
        const at = join(folder, `${++files}.config.${format}`)
        writeFileSync(at, configText(seen, { format, names, file }))
        const { config } = await loadConfig(at)
        const { tables = [], indexes = [], populated = [] } = seen.database ?? {}
        const writable = (some: readonly string[]) =>
          some.every((name) => name !== '' && (format === 'ts' || !isTemplate(name)))
        const expected = (some: readonly string[]) => (names && writable(some) ? some : some.length)
        expect(config.database.expect).toEqual(
          tables.length === 0
            ? {}
            : {
                tables: expected(tables),
                ...(indexes.length > 0 && { indexes: expected(indexes) }),
                ...(populated.length > 0 && { rows: Object.fromEntries(populated.map((name) => [name, { min: 1 }])) }),
              },
        )
        const certain = (seen.database?.relationships ?? []).filter(
          ({ declaration, trust, values }) =>
            trust === 'strong' &&
            values &&
            values.keyed >= 10 &&
            values.matched === values.keyed &&
            writable([declaration]),
        )
        expect(config.database.relationships.declare.map(({ text }) => text)).toEqual(
          certain.map(({ declaration }) => declaration),
        )
        const well = (seen.api?.health ?? []).filter(({ path, status }) => status < 300 && writable([path]))
        expect(config.api?.endpoints.map(({ path }) => path)).toEqual(
          seen.api ? well.map(({ path }) => path) : undefined,
        )
        const url = file !== null && writable([file]) ? `sqlite:${file}` : env('DATABASE_URL')
        expect(config.database.url).toEqual(seen.database ? url : undefined)
        expect(config.auth.login).toBeUndefined()
        expect(config.database.users).toBeUndefined()
      }),
      { numRuns: 200 },
    )
  })
})

describe('what a config says', () => {
  test('a password is in none: the address comes from the environment', () => {
    expect(configText(seenWith({}), wish)).toContain("url: env('DATABASE_URL'),")
    expect(JSON.parse(configText(seenWith({}), { ...wish, format: 'json' })).database.url).toBe('${DATABASE_URL}')
    expect(configText(seenWith({}), { ...wish, format: 'yaml' })).toContain('url: "${DATABASE_URL}"')
  })

  test('a database without tables is expected nothing of', () => {
    expect(configText(seenWith({ tables: [], indexes: [] }), { ...wish, names: true })).not.toContain('expect')
  })

  test('a relationship that is not certain waits as a comment, with what is known of it', () => {
    const one = { declaration: 'notes.author_id -> users.id', why: 'it is named so', trust: 'strong' } as const
    const text = (values: { matched: number; keyed: number } | null) =>
      configText(seenWith({ relationships: [{ ...one, values }] }), wish)
    expect(text({ matched: 9, keyed: 9 })).toContain(
      "    // relationships: {\n    //   declare: [\n    //     'notes.author_id -> users.id', // it is named so; all 9 values are there\n",
    )
    expect(text({ matched: 90, keyed: 99 })).toContain(
      "//     'notes.author_id -> users.id', // it is named so; 90 of 99 values are there",
    )
    expect(text({ matched: 0, keyed: 0 })).toContain('it is named so; no row tells')
    expect(text(null)).toContain('it is named so; no row was looked at')
    expect(text({ matched: 10, keyed: 10 })).toContain(
      "      declare: [\n        'notes.author_id -> users.id', // it is named so; all 10 values are there\n",
    )
  })

  test('of thousands of relationships all that are certain are declared, and a hundred others wait', () => {
    const some = (count: number, name: string, keyed: number) =>
      Array.from({ length: count }, (_, at) => ({
        ...{ declaration: `${name}${at}.author_id -> users.id`, why: 'it is named so', trust: 'strong' as const },
        values: { matched: keyed, keyed },
      }))
    const text = configText(seenWith({ relationships: [...some(3000, 'open', 5), ...some(150, 'sure', 50)] }), wish)
    expect(text.match(/^ {8}'sure\d+\.author_id/gm)).toHaveLength(150)
    expect(text.match(/^ {8}\/\/ 'open\d+\.author_id/gm)).toHaveLength(100)
    expect(text).toContain(
      'There are 2900 more to decide about: dbdoctor check --only integrity/orphaned-rows --verbose\n',
    )
    expect(configText(seenWith({ relationships: some(100, 'open', 5) }), wish)).not.toContain('more to decide about')
  })

  test('a login waits as a comment, and a health route that is not well does too', () => {
    const login = { path: '/login', form: true, user: 'username', password: 'password' }
    const health = [
      { path: '/health', status: 200, json: true },
      { path: '/readyz', status: 503, json: false },
    ]
    expect(
      configText({ database: null, api: { ...api, health, login }, migrations: null }, wish),
    ).toBe(`import { defineConfig, env } from 'dbdoctor'

// What "dbdoctor init" found. It is yours now: correct what is not meant so.
export default defineConfig({
  api: {
    url: 'http://localhost:8000',
    endpoints: [
      { path: '/health', type: 'json' },
      // '/readyz', // answers with 503 now
    ],
  },
  // Name a user who is meant for this, and what needs a login is examined too.
  // auth: {
  //   login: {
  //     path: '/login',
  //     type: 'form',
  //     body: { username: 'test@example.com', password: env('TEST_PASSWORD') },
  //   },
  // },
})
`)
  })
})
