import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import {
  afterwards,
  asSuperuser,
  examine,
  examineOne,
  onEachDialect,
  said,
  testDatabase,
} from '../../support/databases.js'
import { startPostgres } from '../../support/postgres.js'

const three =
  'create table a (id integer primary key); create table b (id integer primary key); create table c (id integer primary key);'

onEachDialect((dialect) => {
  const tables = async (schema: string, expected?: number | string[], depth?: 'quick') => {
    const config = { database: { expect: expected === undefined ? {} : { tables: expected } } }
    return examineOne('schema/tables', (await testDatabase(dialect, schema)).target, {
      config,
      ...(depth && { depth }),
    })
  }

  test('all tables are read, and counted', async () => {
    const { target } = await testDatabase(dialect, three)
    const { results, facts } = await examine(target, { only: ['schema/tables'] })
    expect(results.find(({ id }) => id === 'schema/tables')).toMatchObject({
      status: 'pass',
      coverage: { examined: 3, of: 3, unit: 'table' },
    })
    expect(facts).toEqual({ 'schema.tables': 3 })
  })

  test('a table that the config names anywhere is expected, and a slip of the pen is no damage', async () => {
    const { target } = await testDatabase(dialect, three)
    const users = (table: string) => examine(target, { config: { database: { users: { table } } } })
    const gone = await users('accounts')
    expect(gone.verdict.database).toBe('damaged')
    expect(gone.causes[0]).toMatchObject({
      id: 'schema-incomplete',
      headline: expect.stringMatching(/: table "accounts" is missing\.$/),
    })
    const rows = await examine(target, { config: { database: { expect: { rows: { accounts: { min: 1 } } } } } })
    expect(rows.causes.map(({ id }) => id)).toEqual(['schema-incomplete'])
    const many = `create table users (id integer primary key, email text, password_hash text); ${three}`
    const { target: other } = await testDatabase(dialect, many)
    await expect(examine(other, { config: { database: { users: { table: 'user' } } } })).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: 'database.users.table: there is no table "user"',
      hint: expect.stringContaining('"users"'),
    })
  })

  test('where one of many with names alike is gone, its neighbour was not meant', async () => {
    const { target } = await testDatabase(
      dialect,
      'create table app_fields (id integer); create table orders_2024 (id integer); create table order_item (id integer); create table note_x (id integer)',
    )
    for (const rows of [{ app_users: {} }, { orders_2025: {} }, { note: {} }, { order_items: {}, order_item: {} }]) {
      const { causes } = await examine(target, { config: { database: { expect: { rows } } } })
      expect(causes.map(({ id }) => id)).toEqual(['schema-incomplete'])
    }
  })

  test('a number of tables', async () => {
    expect(said(await tables(three, 3))).toBe('pass')
    expect(said(await tables(three, 4))).toEqual(['there are 3 tables, 4 expected'])
    expect(said(await tables(three, 2))).toEqual(['there are 3 tables, 2 expected'])
    expect((await tables(three, 4)).status).toBe('fail')
  })

  test('tables by name: missing ones fail, unexpected ones warn', async () => {
    expect(said(await tables(three, ['a', 'b', 'c']))).toBe('pass')
    expect(said(await tables(three, ['a', 'b', 'c', 'd']))).toEqual(['table "d" is missing'])
    const more = await tables(three, ['a'])
    expect(said(more)).toEqual(['2 tables more than expected: "b", "c"'])
    expect(more.status).toBe('warn')
  })

  test('a database without tables is not healthy, unless that is expected', async () => {
    expect(said(await tables(''))).toEqual(['the database has no tables'])
    expect(said(await tables('', 0))).toBe('pass')
  })

  test('views are no tables', async () => {
    expect(said(await tables(`${three} create view v as select * from a;`, 3))).toBe('pass')
  })

  test('--depth quick reads no row', async () => {
    expect(said(await tables(three, 3, 'quick'))).toBe('pass')
  })
})

test('a table that the role may not read is a gap, not a finding, at every depth', async () => {
  const { target } = await testDatabase(
    'postgres',
    `${three} create role reader_${process.pid} login password 'x'; grant select on a, b to reader_${process.pid};`,
  )
  const url = new URL(target)
  Object.assign(url, { username: `reader_${process.pid}`, password: 'x' })
  for (const depth of ['quick', 'standard'] as const) {
    const { results, verdict } = await examine(url.href, { only: ['schema/tables'], depth })
    const result = results.find(({ id }) => id === 'schema/tables')
    expect(result).toMatchObject({
      status: 'skip',
      findings: [],
      coverage: {
        examined: 2,
        of: 3,
        missing: [
          {
            object: 'c',
            reason: 'no-permission',
            detail: expect.stringMatching(/; grant select on "public"\."c" to "/),
          },
        ],
      },
    })
    expect(verdict.status).toBe('inconclusive')
  }
  await asSuperuser(target, `drop owned by reader_${process.pid}; drop role reader_${process.pid}`)
})

test('a partitioned table is one, whatever its partitions', async () => {
  const { target } = await testDatabase(
    'postgres',
    `create table p (id int) partition by range (id); create table p1 partition of p for values from (0) to (9);
     create table p2 partition of p for values from (9) to (99) partition by list (id); create table p21 partition of p2 for values in (10);`,
  )
  expect(said(await examineOne('schema/tables', target, { config: { database: { expect: { tables: 1 } } } }))).toBe(
    'pass',
  )
})

test('a module that is missing gates nothing', async () => {
  const { target } = await testDatabase('sqlite', three)
  const database = new BetterSqlite(target.slice('sqlite:'.length))
  database.unsafeMode()
  database.exec(`pragma writable_schema = on;
    insert into sqlite_schema values ('table', 'v', 'v', 0, 'create virtual table v using vec0(x)');`)
  database.close()
  const { results, verdict } = await examine(target)
  const result = results.find(({ id }) => id === 'schema/tables')
  expect(said(result ?? expect.fail())).toEqual(['virtual table "v" was not looked at: no such module: vec0'])
  expect(result).toMatchObject({
    status: 'pass',
    coverage: { examined: 3, of: 4, missing: [{ object: 'v', reason: 'unavailable', optional: true }] },
  })
  expect(verdict.status).toBe('healthy')
})

test('a table whose pages are damaged cannot be read, and is named', async () => {
  const { target } = await testDatabase('sqlite', `${three} insert into b values (1);`)
  const file = target.slice('sqlite:'.length)
  const database = new BetterSqlite(file, { readonly: true })
  const root = Number(database.prepare("select rootpage from sqlite_schema where name = 'b'").pluck().get())
  const pageSize = Number(database.pragma('page_size', { simple: true }))
  database.close()
  const handle = await open(file, 'r+')
  await handle.write(Buffer.alloc(pageSize, 0x5a), 0, pageSize, (root - 1) * pageSize)
  await handle.close()
  const result = await examineOne('schema/tables', file)
  expect(said(result)).toEqual(['table "b" cannot be read: database disk image is malformed'])
  expect(result.coverage).toMatchObject({ examined: 3, of: 3 })
})

test('a table whose file is gone cannot be read, and is named', async () => {
  const server = await startPostgres()
  afterwards(() => server.stop())
  await asSuperuser(server.url, `${three} insert into b values (1); checkpoint;`)
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  const { rows } = await client.query<{ path: string }>("select pg_relation_filepath('b') as path")
  await client.end()
  await rm(join(server.folder, 'data', rows[0]?.path ?? expect.fail()))
  expect(said(await examineOne('schema/tables', server.url))).toEqual([
    expect.stringMatching(/^table "b" cannot be read: could not open file "base\/.*": No such file or directory$/),
  ])
})

test('on SQLite, which has no schemas, a config that names some for PostgreSQL is about all of the file', async () => {
  const { target } = await testDatabase(
    'sqlite',
    'pragma foreign_keys = off; create table a (id integer primary key, a_id int references a (id)); insert into a values (1, 7)',
  )
  const { results, facts } = await examine(target, {
    config: { database: { schemas: ['public'], expect: { tables: 1 } } },
  })
  expect(results.flatMap(({ findings }) => findings.map(({ address }) => address))).toContain(
    'integrity/foreign-keys#dangling',
  )
  expect(results.find(({ id }) => id === 'schema/tables')?.status).toBe('pass')
  expect(facts['schema.tables']).toBe(1)
})

describe('a schema that the config names', () => {
  const given = async (schemas: string[], only?: string[]) => {
    const { target } = await testDatabase(
      'postgres',
      `create schema sales; create table sales.orders (id int primary key); create schema tenant_1; create schema empty; ${three}`,
    )
    return examine(target, { config: { database: { schemas } }, ...(only && { only }) })
  }

  test('and that is gone is a fault, whatever else there is', async () => {
    const { verdict, causes, results } = await given(['public', 'archive', 'tenant_2'])
    expect(verdict.database).toBe('damaged')
    expect(causes[0]).toMatchObject({
      id: 'schema-incomplete',
      headline: expect.stringMatching(/: schemas "archive", "tenant_2" are missing\.$/),
    })
    expect(results.find(({ id }) => id === 'schema/tables')?.coverage).toMatchObject({ examined: 3 })
  })

  test('and misspells is refused, whatever is looked at', async () => {
    for (const only of [undefined, ['integrity/foreign-keys']])
      await expect(given(['public', 'sale'], only)).rejects.toMatchObject({
        code: 'ERR_CONFIG_INVALID',
        message: 'database.schemas: there is no schema "sale"',
        hint: expect.stringContaining('"sales"'),
      })
  })

  test('and that is there, with tables or without, is looked at', async () => {
    const { verdict, results } = await given(['sales', 'empty', 'tenant_1'])
    expect(verdict.database).toBe('intact')
    expect(results.find(({ id }) => id === 'schema/tables')?.coverage).toMatchObject({ examined: 1, of: 1 })
  })
})
