import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Environment, env, interpolated, resolve } from '../src/config/reference.js'
import { duration } from '../src/config/values.js'
import { parseConfig } from '../src/config.js'

const parse = (input: unknown) => parseConfig(input, 'test.json')

describe('parseConfig', () => {
  test('an empty config expects nothing in particular, and infers relationships', () => {
    expect(parse(undefined).database).toEqual({ expect: {}, relationships: { infer: true, declare: [], ignore: [] } })
  })

  test.each([
    [{ databse: {} }, /databse/],
    [{ database: { expect: { tables: -1 } } }, /database\.expect\.tables/],
    [{ database: { expect: { rows: { 'order lines': 'many' } } } }, /database\.expect\.rows\["order lines"\]/],
    [{ database: { url: 7 } }, /database\.url: write a string, or env/],
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
    const name = fc.string({ minLength: 1 }).filter((text) => !text.includes('\0') && text.trim() !== '')
    const quote = (text: string) => `"${text.replaceAll('"', '""')}"`
    fc.assert(
      fc.property(name, name, name, name, (table, column, parent, key) => {
        fc.pre(![table, column, parent, key].some((text) => text.includes('->')))
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
