import { createRequire } from 'node:module'
import BetterSqlite from 'better-sqlite3'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { heldBySomebody } from '../../../src/dialects/sqlite/locks.js'
import { dialectOf, parseTarget } from '../../../src/dialects/target.js'
import { examine, testDatabase } from '../../support/databases.js'

/** The application, in a process of its own: the last that has the file open, as far as it can see. */
const application = `const [, driver, path, statement] = process.argv
  const database = new (require(driver))(path); database.prepare(statement).run(); database.close()`

test('what is written after the file was looked at in between is kept, whoever closes it meanwhile', async () => {
  const { target } = await testDatabase('sqlite', 'pragma journal_mode = wal; create table t (n integer primary key)')
  const path = target.replace('sqlite:', '')
  const driver = createRequire(import.meta.url).resolve('better-sqlite3')
  const use = (statement: string) => execa(process.execPath, ['-e', application, driver, path, statement])
  const repairer = await (await dialectOf(parseTarget(target), {})).repairer()
  await repairer.run('insert into t values (1)')
  // A lock that it still had would be gone with the first look at the file.
  expect(await heldBySomebody(path)).not.toBe(true)
  await examine(target, { only: ['connection'] })
  await use('insert into t values (2)')
  await repairer.run('insert into t values (3)')
  await use('insert into t values (4)')
  expect((await repairer.query('select group_concat(n) as all_of_them from t'))[0]).toEqual({ all_of_them: '1,2,3,4' })
  await repairer.close()
  const database = new BetterSqlite(path, { readonly: true })
  expect(database.prepare('select n from t order by n').pluck().all()).toEqual([1, 2, 3, 4])
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok')
  database.close()
})

test('a transaction is one, and a mark tells its fate', async () => {
  const { target } = await testDatabase('sqlite', 'create table t (n integer primary key)')
  const repairer = await (await dialectOf(parseTarget(target), {})).repairer()
  await repairer.begin()
  await repairer.run('insert into t values (1)')
  const mark = await repairer.mark()
  await repairer.commit()
  expect(await repairer.fateOf(mark)).toBe('committed')
  await repairer.begin()
  await repairer.run('insert into t values (2)')
  await repairer.rollback()
  await repairer.rollback()
  await expect(repairer.run('insert into t values (1)')).rejects.toThrow('UNIQUE')
  await repairer.forget(mark)
  expect(await repairer.query('select n from t')).toEqual([{ n: 1 }])
  expect(await repairer.query("select name from sqlite_schema where name <> 't'")).toEqual([])
  await repairer.close()
})
