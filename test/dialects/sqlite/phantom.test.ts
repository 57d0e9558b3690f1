import BetterSqlite from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import type { ConfigInput } from '../../../src/config/config.js'
import { examineOne, said, testDatabase } from '../../support/databases.js'

const schema = `
  create table parents (id integer primary key, code text);
  create unique index parents_code on parents (code);
  create table children (id integer primary key, code text references parents (code));
  insert into parents values (1, 'a'), (2, 'b'), (3, 'c');
  insert into children values (1, 'a'), (2, 'b');`

/** Writes rows that an index does not learn of: it is taken out of the schema meanwhile. */
function behindTheIndex(file: string, index: string, statements: string): void {
  for (const step of [
    `update sqlite_schema set type = 'table', name = 'hidden', tbl_name = 'hidden', sql = 'create table hidden (x)' where name = '${index}'`,
  ]) {
    const database = new BetterSqlite(file)
    database.unsafeMode()
    const kept = database
      .prepare('select type, name, tbl_name, rootpage, sql from sqlite_schema where name = ?')
      .get(index)
    database.exec(`pragma writable_schema = on; ${step}`)
    database.close()
    const blind = new BetterSqlite(file)
    blind.pragma('foreign_keys = off')
    blind.exec(statements)
    blind.close()
    const again = new BetterSqlite(file)
    again.unsafeMode()
    again.pragma('writable_schema = on')
    again
      .prepare(
        `update sqlite_schema set type = @type, name = @name, tbl_name = @tbl_name, sql = @sql where name = 'hidden'`,
      )
      .run(kept)
    again.close()
  }
}

async function damaged(statements: string, before = schema): Promise<string> {
  const { target } = await testDatabase('sqlite', before)
  const file = target.slice('sqlite:'.length)
  behindTheIndex(file, 'parents_code', statements)
  const database = new BetterSqlite(file, { readonly: true })
  const found = database.pragma('integrity_check') as { integrity_check: string }[]
  database.close()
  expect(found[0]?.integrity_check).toMatch(/missing from index parents_code|wrong # of entries in index parents_code/)
  return target
}

const disagrees = (rows: string) =>
  `"children": the parents of ${rows} are in "parents", and an index does not find them: it is damaged`
const dangling = (rows: string) => `"children": ${rows} at a row of "parents" that does not exist (code)`

describe('an index that lacks a key', () => {
  test('makes no orphans, and is named', async () => {
    const target = await damaged(`insert into parents values (4, 'd'); insert into children values (3, 'd')`)
    const result = await examineOne('integrity/foreign-keys', target)
    expect(said(result)).toEqual([disagrees('1 row')])
    expect(result.findings[0]).toMatchObject({ address: 'integrity/foreign-keys#index-disagrees', severity: 'error' })
  })

  test('hides no true orphan, and adds none', async () => {
    const target = await damaged(
      `insert into parents values (4, 'd'); insert into children values (3, 'd'), (4, 'd'), (5, 'gone')`,
    )
    expect(said(await examineOne('integrity/foreign-keys', target))).toEqual([
      dangling('1 row points'),
      disagrees('2 rows'),
    ])
  })

  test('is noticed behind more true orphans than are shown', async () => {
    const target = await damaged(`
      insert into parents values (4, 'd');
      insert into children values (10, 'x'), (11, 'x'), (12, 'y'), (13, 'y'), (14, 'z'), (15, 'z'), (16, 'd');`)
    for (const samples of [0, 5]) {
      expect(said(await examineOne('integrity/foreign-keys', target, { samples }))).toEqual([
        dangling('6 rows point'),
        disagrees('1 row'),
      ])
    }
  })

  test('matters not where no child asks for the key', async () => {
    const target = await damaged(`insert into parents values (4, 'd')`)
    expect(said(await examineOne('integrity/foreign-keys', target))).toBe('pass')
  })

  test('is noticed in windows too', async () => {
    const rows = `with recursive n (i) as (select 1 union all select i + 1 from n where i < 200000)`
    const target = await damaged(
      `insert into parents values (4, 'd'); insert into children values (300000, 'd'), (300001, 'gone')`,
      `${schema} ${rows} insert into children select 2 + i, 'a' from n;`,
    )
    expect(said(await examineOne('integrity/foreign-keys', target))).toEqual([
      dangling('1 row points'),
      disagrees('1 row'),
    ])
  })

  test('is noticed of a relationship that only the config knows', async () => {
    const config: ConfigInput = { database: { relationships: { declare: ['loose.code -> parents.code'] } } }
    const target = await damaged(
      `insert into parents values (4, 'd'); insert into loose values ('d'), ('gone')`,
      `${schema} create table loose (code text); insert into loose values ('a');`,
    )
    expect(said(await examineOne('integrity/orphaned-rows', target, { config }))).toEqual([
      '"loose": 1 row points at a row of "parents" that does not exist (code)',
      '"loose": the parents of 1 row are in "parents", and an index does not find them: it is damaged',
    ])
  })
})

test('a sound index says nothing', async () => {
  const { target, execute } = await testDatabase('sqlite', schema)
  expect(said(await examineOne('integrity/foreign-keys', target))).toBe('pass')
  await execute(`insert into children values (3, 'gone')`)
  expect(said(await examineOne('integrity/foreign-keys', target))).toEqual([dangling('1 row points')])
})

test.each([
  ['a number as text', 'code text', 'code integer', `'6'`, '6'],
  ['a text as number', 'code integer', 'code text', '6', `'6'`],
  ['letters without case', 'code text collate nocase', 'code text', `'ABC'`, `'abc'`],
])('what is equal to the index is equal to the table: %s', async (_, parent, child, key, value) => {
  const { target } = await testDatabase(
    'sqlite',
    `create table parents (id integer primary key, ${parent} unique);
     create table children (id integer primary key, ${child} references parents (code));
     insert into parents values (1, ${key}); insert into children values (1, ${value}), (2, 77);`,
  )
  expect(said(await examineOne('integrity/foreign-keys', target))).toEqual([dangling('1 row points')])
})
