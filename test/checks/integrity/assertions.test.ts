import { expect, test } from 'vitest'
import type { ConfigInput } from '../../../src/config/config.js'
import { examineOne, onEachDialect, said, testDatabase } from '../../support/databases.js'

type Assertions = NonNullable<NonNullable<ConfigInput['database']>['assertions']>

onEachDialect((dialect) => {
  const schema =
    'create table orders (id integer primary key, total integer); insert into orders values (1, 10), (2, -5), (3, 7);'
  const asked = async (...assertions: Assertions) => {
    const { target, execute } = await testDatabase(dialect, schema)
    const result = await examineOne('integrity/assertions', target, { config: { database: { assertions } } })
    return { result, execute }
  }

  test('queries that return what they should are not spoken of', async () => {
    const { result } = await asked(
      { name: 'empty', sql: 'select 1 from orders where total > 100;' },
      { name: 'three', sql: 'select * from orders -- all of them', expect: { rows: 3 } },
      { name: 'some', sql: 'with o as (select * from orders) select * from o', expect: { rows: { min: 1, max: 5 } } },
      { name: 'value', sql: 'select max(total) from orders', expect: { value: 10 } },
      { name: 'range', sql: 'select max(total) from orders', expect: { value: { min: 5 } } },
      { name: 'text', sql: "select 'on'", expect: { value: 'on' } },
    )
    expect([said(result), result.coverage]).toEqual(['pass', { examined: 6, of: 6, unit: 'assertion', missing: [] }])
  })

  test('those that do not are findings, as grave as the config says', async () => {
    const { result } = await asked(
      { name: 'no negative totals', sql: 'select id from orders where total < 0' },
      { name: 'at least five', sql: 'select * from orders', expect: { rows: { min: 5 } }, severity: 'warning' },
      { name: 'sum', sql: 'select sum(total) from orders', expect: { value: 0 } },
    )
    expect(said(result)).toEqual([
      'no negative totals: the query returns 1 row, none expected',
      'at least five: the query returns 3 rows, at least 5 expected',
      'sum: the value that the query returns is not the one in the config',
    ])
    expect(result.findings.map(({ severity }) => severity)).toEqual(['error', 'warning', 'error'])
    expect(result.findings[2]?.evidence.samples).toEqual([12])
  })

  test('what a query returns is somebody’s, but for a whole number', async () => {
    const returned = async (sql: string, showValues = false) => {
      const { target } = await testDatabase(dialect)
      const assertions = [
        { name: 'one', sql: `select ${sql} as one`, expect: { value: 'something else' } },
      ] as Assertions
      const config = { database: { assertions } }
      const { findings } = await examineOne('integrity/assertions', target, { config, showValues })
      return findings[0]?.evidence.samples
    }
    const time = dialect === 'postgres' ? "timestamptz '2026-01-02 03:04:05Z'" : "'2026-01-02T03:04:05.000Z'"
    const bytes = dialect === 'postgres' ? "'\\x4142'::bytea" : "x'4142'"
    expect(await returned('4111')).toEqual([4111])
    expect(await returned("'4111'")).toEqual(['text of 4'])
    expect(await returned("'4111'", true)).toEqual(['4111'])
    expect(await returned('cast(1.5 as real)')).toEqual(['a number'])
    expect(await returned(bytes)).toEqual(['blob of 2'])
    expect(await returned(bytes, true)).toEqual(['\\x4142'])
    expect(await returned(time)).toEqual([dialect === 'postgres' ? 'a time' : 'text of 24'])
    expect(await returned(time, true)).toEqual(['2026-01-02T03:04:05.000Z'])
    expect(await returned('null')).toEqual([null])
  })

  test('a number is compared as a number, and what a database holds for true is true', async () => {
    const typed =
      'create table facts (price numeric(9, 2), paid boolean, missing integer); insert into facts values (0.00, true, null);'
    const { target } = await testDatabase(dialect, typed)
    const compared = async (sql: string, value: unknown) => {
      const assertions = [{ name: sql, sql: `select ${sql} from facts`, expect: { value } }] as Assertions
      return said(await examineOne('integrity/assertions', target, { config: { database: { assertions } } }))
    }
    const differs = (sql: string, expected = 'the one in the config') => [
      `${sql}: the value that the query returns is not ${expected}`,
    ]
    expect(await compared('price', 0)).toBe('pass')
    expect(await compared("'0.00'", 0)).toBe('pass')
    expect(await compared('price', 1)).toEqual(differs('price'))
    expect(await compared("''", 0)).toEqual(differs("''"))
    expect(await compared('paid', true)).toBe('pass')
    expect(await compared("'true'", true)).toBe('pass')
    expect(await compared('not paid', false)).toBe('pass')
    expect(await compared('paid', false)).toEqual(differs('paid'))
    expect(await compared('cast(12345678901 as bigint)', 12345678901)).toBe('pass')
    for (const range of [{ max: 5 }, { min: -5 }]) expect(await compared('price', range)).toBe('pass')
    expect(await compared('missing', { max: 5 })).toEqual(differs('missing', 'at most 5'))
    expect(await compared('missing', { min: -5 })).toEqual(differs('missing', 'at least -5'))
    expect(await compared('missing', 'null')).toEqual(differs('missing'))
  })

  test('remarks may stand behind the semicolon, and a semicolon in a text ends nothing', async () => {
    const texts = { sqlite: "select ';--' as [a;--b];", postgres: "select $t$;--$t$ as a, e'\\';--' as b ; -- e'" }
    const { result } = await asked(
      { name: 'line', sql: 'select total from orders where id = 1; -- the first', expect: { value: 10 } },
      { name: 'block', sql: 'select total from orders where id = 1 ; /* the\nfirst */ ;', expect: { value: 10 } },
      { name: 'text', sql: "select ';' || ' -- it''s; /*'", expect: { value: "; -- it's; /*" } },
      { name: 'remark', sql: "select 'a' -- not 'b'; /*\n;", expect: { value: 'a' } },
      { name: 'own', sql: texts[dialect], expect: { value: ';--' } },
    )
    expect(said(result)).toBe('pass')
  })

  test('two queries are none', async () => {
    const { result } = await asked({ name: 'two', sql: 'select 1; select 2; -- both', expect: { value: 1 } })
    expect(said(result)).toEqual([expect.stringMatching(/^two: the query cannot be answered: /)])
  })

  test('what is no query changes nothing and is told', async () => {
    const { result, execute } = await asked(
      { name: 'wrong', sql: 'select nothing from nowhere' },
      { name: 'writes', sql: 'delete from orders' },
      { name: 'writes behind', sql: 'select 1); delete from orders; select (1' },
      { name: 'ends', sql: 'select 1) as a; commit; drop table orders; --' },
    )
    expect(said(result)).toEqual(
      ['wrong', 'writes', 'writes behind', 'ends'].map((name) =>
        expect.stringMatching(new RegExp(`^${name}: the query cannot be answered: `)),
      ),
    )
    await execute(`create table still as select * from orders where id in (1, 2, 3)`)
  })

  test('without assertions nobody looks', async () => {
    const { result } = await asked()
    expect(said(result)).toBe('skip: not-configured: the config has no assertions')
  })
})

test.each([
  ['select name::int from people', 'invalid input syntax for type integer: "…" (22P02)'],
  ['select name::date from people', 'invalid input syntax for type date: "…" (22007)'],
  ["select ('9' || repeat('0', 30))::bigint", 'value "…" is out of range for type bigint (22003)'],
  ['select 1 / 0', 'division by zero (22012)'],
])('what PostgreSQL quotes of a row in an error stays out of the report: %s', async (sql, text) => {
  const { target } = await testDatabase(
    'postgres',
    `create table people (name text); insert into people values ('ada "the first" lovelace')`,
  )
  const assertions = [{ name: 'one', sql, expect: { value: 1 } }] as Assertions
  const result = await examineOne('integrity/assertions', target, { config: { database: { assertions } } })
  expect(said(result)).toEqual([`one: the query cannot be answered: ${text}`])
})
