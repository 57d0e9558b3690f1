import { expect, test } from 'vitest'
import type { ConfigInput } from '../../../src/config/config.js'
import { examineOne, onEachDialect, said, testDatabase } from '../../support/databases.js'

type Rows = NonNullable<NonNullable<NonNullable<ConfigInput['database']>['expect']>['rows']>

onEachDialect((dialect) => {
  const users = 'create table users (id integer primary key); insert into users values (1), (2);'
  const counts = async (rows: Rows) => {
    const config = { database: { expect: { rows } } }
    return said(await examineOne('integrity/row-counts', (await testDatabase(dialect, users)).target, { config }))
  }

  test('a number of rows, or bounds', async () => {
    expect(await counts({ users: 2 })).toBe('pass')
    expect(await counts({ users: { min: 1 } })).toBe('pass')
    expect(await counts({ users: { min: 1, max: 2 } })).toBe('pass')
    expect(await counts({ users: 3 })).toEqual(['"users" holds 2 rows, at least 3 expected'])
    expect(await counts({ users: { min: 5 } })).toEqual(['"users" holds 2 rows, at least 5 expected'])
    expect(await counts({ users: { max: 1 } })).toEqual(['"users" holds 2 rows, at most 1 expected'])
  })

  test('a table that is not there', async () => {
    expect(await counts({ user: 1 })).toEqual(['the config expects rows in "user", and there is no such table'])
  })

  test('without an expectation there is nothing to count', async () => {
    expect(await counts({})).toBe('skip: not-configured: the config expects no row counts')
  })
})

test('rows of tables that inherit are not counted with their parent; those of partitions are', async () => {
  const { target } = await testDatabase(
    'postgres',
    `create table base (id int); create table derived () inherits (base); insert into base values (1); insert into derived values (2), (3);
     create table p (id int) partition by range (id); create table p1 partition of p for values from (0) to (9); insert into p values (1), (2);`,
  )
  const config = { database: { expect: { rows: { base: 1, derived: 2, p: 2 } } } }
  expect(said(await examineOne('integrity/row-counts', target, { config }))).toBe('pass')
})
