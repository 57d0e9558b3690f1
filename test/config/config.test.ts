import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { type ConfigInput, parseConfig } from '../../src/config/config.js'
import { givenBy } from '../../src/config/given.js'
import { type Environment, env, file, interpolated, resolve } from '../../src/config/reference.js'
import { duration } from '../../src/config/values.js'
import { testFolder } from '../support/databases.js'

const parse = (input: unknown) => parseConfig(input, 'test.json')

describe('parseConfig', () => {
  test('an empty config expects nothing in particular, and infers relationships', () => {
    const relationships = { infer: true, declare: [], ignore: [] }
    expect(parse(undefined).database).toEqual({ expect: {}, relationships, assertions: [] })
  })

  test.each([
    [{ databse: {} }, /config: unknown setting "databse" \(did you mean "database"\?\)/],
    [
      { database: { expect: { table: 3, nonsense: 1 } } },
      /unknown settings "table" \(did you mean "tables"\?\), "nonsense"$/,
    ],
    [{ checks: { 'schema/tables': { severty: 'error' } } }, /unknown setting "severty" \(did you mean "severity"\?\)/],
    [
      { external: [{ name: 'x', path: '/x', expect: 'redirect', too: 'y' }] },
      /unknown setting "too" \(did you mean "to"\?\)/,
    ],
    [{ database: { expect: { tables: -1 } } }, /database\.expect\.tables/],
    [{ database: { expect: { rows: { 'order lines': 'many' } } } }, /database\.expect\.rows\["order lines"\]/],
    [
      { database: { url: 7 } },
      /database\.url: write a string that is not empty, env\('NAME'\) or file\('PATH'\); it is a number/,
    ],
    [
      { api: { url: 'http://a', endpoints: [{ path: '/', statuss: 200 }] } },
      /api\.endpoints\[0\]: unknown setting "statuss" \(did you mean "status"\?\)/,
    ],
    [{ api: { url: 'http://a', timeout: 10 } }, /api\.timeout: write a time with its unit: .*; it is a number/],
    [
      { database: { relationships: { declare: ['orders.customer_id'] } } },
      /relationships\.declare\[0\]: write child\.column -> parent\.column/,
    ],
    [{ checks: { 'schema/tables': 'on' } }, /checks\["schema\/tables"\]/],
    ['text', /config/],
  ])('%j is refused with its path', (input, message) => {
    expect(() => parse(input)).toThrow(message)
    expect(() => parse(input)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
  })

  test('a fault never shows the value, which may be a secret', () => {
    expect(() => parse({ database: { url: { password: 'hunter2' } } })).toThrow(expect.not.stringContaining('hunter2'))
  })
})

describe('declared relationships', () => {
  const declared = (text: string) =>
    parse({ database: { relationships: { declare: [text] } } }).database.relationships.declare[0]

  test('name columns on both sides', () => {
    expect(declared('comments.author_id -> users.id')).toMatchObject({
      child: { table: 'comments', columns: ['author_id'] },
      parent: { table: 'users', columns: ['id'] },
    })
    expect(declared('sales.a.(x, y)->b.(p,q)')).toMatchObject({
      child: { schema: 'sales', table: 'a', columns: ['x', 'y'] },
      parent: { table: 'b', columns: ['p', 'q'] },
    })
  })

  test('may hold any name in double quotes', () => {
    const name = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('->', 'a -> b', '"', '.'))
    const quote = (text: string) => `"${text.replaceAll('"', '""')}"`
    fc.assert(
      fc.property(name, name, name, name, (table, column, parent, key) => {
        expect(declared(`${quote(table)}.${quote(column)} -> ${quote(parent)}.${quote(key)}`)).toMatchObject({
          child: { table, columns: [column] },
          parent: { table: parent, columns: [key] },
        })
      }),
    )
  })
})

describe('the environment', () => {
  const where = (environment: Environment) => ({ environment, folder: '/' })

  test('fills references when they are needed', () => {
    expect(resolve(env('URL'), where({ URL: 'x' }))).toBe('x')
    expect(resolve(interpolated('sqlite:${DIR}/app.db'), where({ DIR: '/data' }))).toBe('sqlite:/data/app.db')
    expect(resolve('as it is', where({}))).toBe('as it is')
  })

  test('an unset variable is named', () => {
    expect(() => resolve(env('URL'), where({}))).toThrow('the environment variable URL is not set')
  })
})

describe('duration', () => {
  test.each([
    ['250ms', 250],
    ['5s', 5000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
  ])('%s is %d ms', (text, ms) => expect(duration.parse(text)).toBe(ms))
  test.each(['', '10', 's', '-1s', '1 fortnight', '1s2'])('%j is refused', (text) =>
    expect(duration.safeParse(text).success).toBe(false),
  )
})

describe('the server and who signs in', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await testFolder()
  })
  const login = { path: '/login', body: { email: 'ada@example.com', password: 'hunter22' } }

  test.each([
    [{ api: {} }, /api\.url: write a string that is not empty, env\('NAME'\) or file\('PATH'\)/],
    [{ api: { url: 'http://a', endpoints: ['health'] } }, /api\.endpoints\[0\]/],
    [{ api: { url: 'http://a', timeout: 10 } }, /api\.timeout/],
    [{ auth: { jwt: {} } }, /auth\.jwt: name a key: secret, publicKey, privateKey or jwks/],
    [{ auth: { jwt: { secret: 'x', publicKey: 'y' } } }, /auth\.jwt: name either a secret or keys of a pair/],
    [{ auth: { jwt: { secret: 'x', algorithm: 'none' } } }, /auth\.jwt\.algorithm/],
    [
      { auth: { login: { path: '/login', body: { a: 'b' } } } },
      /auth\.login\.fields\.user: say where the body holds the user/,
    ],
    [{ auth: { login: { ...login, accessToken: 'token' } } }, /auth\.login\.accessToken/],
    [
      { auth: { protected: { path: '//evil.example.com' } } },
      /auth\.protected\.path: write a path that starts with one slash/,
    ],
    [{ external: [{ name: 'x', path: '/x' }] }, /external\[0\]/],
    [{ external: [{ name: 'x', expect: 'timeout' }] }, /external\[0\]: name either a path or a url/],
  ])('%j is refused with its path', (input, message) => {
    expect(() => parse(input)).toThrow(message)
    expect(() => parse(input)).toThrow(expect.not.stringContaining('hunter22'))
  })

  test('where user and password are in a body is guessed by their names, or told', () => {
    const fieldsOf = (body: object, fields = {}) =>
      parse({ auth: { login: { path: '/', body, fields } } }).auth.login?.fields
    expect(fieldsOf(login.body)).toEqual({ user: '/email', password: '/password' })
    expect(fieldsOf({ query: '…', variables: { login: 'a', pwd: env('X') } })).toEqual({
      user: '/variables/login',
      password: '/variables/pwd',
    })
    expect(fieldsOf({ a: 'b', c: 'd' }, { user: '/a', password: '/c' })).toEqual({ user: '/a', password: '/c' })
  })

  const given = (config: ConfigInput, environment: Environment = {}) =>
    givenBy(parse(config), ['api', 'session', 'jwt?', 'external?'], { environment, folder: folder })

  test.each([
    ['http://user:hunter22@example.com', 'api.url has credentials in it'],
    ['example.com:8080', 'api.url has a scheme that is neither http nor https'],
    ['example.com', 'api.url is not a URL with scheme and host'],
    ['ftp://example.com', 'api.url has a scheme that is neither http nor https'],
    ['http://example.com/?key=hunter22', 'api.url has a query or a fragment'],
    ['', 'api.url: write a string that is not empty'],
  ])('the URL %j is refused without being shown', (url, message) => {
    expect(() => given({ api: { url } })).toThrow(message)
    expect(() => given({ api: { url } })).toThrow(expect.not.stringContaining('hunter22'))
  })

  test('a token comes from a file, without the line break at its end', () => {
    const accessToken = file('./token')
    const written = (text: string) => writeFileSync(join(folder, 'token'), text)
    written('abc\n')
    expect(given({ auth: { accessToken } }).given.session?.accessToken).toBe('abc')
    for (const text of ['a\nbc\n', 'Bearer hunter22', 'h'.repeat(5_000_000)]) {
      written(text)
      expect(() => given({ auth: { accessToken } })).toThrow(expect.not.stringMatching(/hunter22|hhhh/))
    }
    written('\n')
    expect(() => given({ auth: { accessToken } })).toThrow('the file ./token, which the config names, is empty')
    rmSync(join(folder, 'token'))
    expect(() => given({ auth: { accessToken } })).toThrow('cannot be read: ENOENT')
  })

  test('what is secret is known: by its place, and because it came from outside; an address is none', () => {
    const config = {
      api: { url: env('URL'), headers: { 'x-key': 'key-of-the-api' } },
      auth: {
        login: { ...login, body: { ...login.body, client: env('CLIENT'), email: env('WHO') } },
        jwt: { secret: 'the-jwt-secret' },
      },
    }
    const { secrets } = given(config, { URL: 'http://a', CLIENT: 'client-secret', WHO: 'ada@example.com' })
    expect([...secrets].sort()).toEqual(['client-secret', 'hunter22', 'key-of-the-api', 'the-jwt-secret'])
  })

  test('only what is needed has to be set', () => {
    const config = {
      api: { url: 'http://a' },
      auth: { login: { ...login, body: { ...login.body, password: env('UNSET') } } },
    }
    expect(() => given(config)).toThrow('the environment variable UNSET is not set')
    expect(givenBy(parse(config), ['api'], { environment: {}, folder: '/' }).given).toEqual({ api: parse(config).api })
  })
})
