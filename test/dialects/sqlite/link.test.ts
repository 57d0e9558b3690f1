import { truncate } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import BetterSqlite from 'better-sqlite3'
import { execa } from 'execa'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { startLink } from '../../../src/dialects/sqlite/link.js'
import { inTransaction } from '../../../src/dialects/sqlite/transactions.js'
import { afterwards, testDatabase } from '../../support/databases.js'

const jiti = createRequire(import.meta.url)
  .resolve('jiti/package.json')
  .replace('package.json', 'lib/jiti-cli.mjs')

test('whoever ends the SQLite process waits until it is gone, whatever answer was on its way', async () => {
  const script = fileURLToPath(new URL('./ending.ts', import.meta.url))
  const { stdout } = await execa(process.execPath, [jiti, script])
  expect(stdout).toBe('8 of 8')
})

async function opened(statements: string) {
  const { target } = await testDatabase('sqlite', statements)
  const file = target.slice('sqlite:'.length)
  const link = startLink()
  afterwards(() => link.kill())
  await link.ask({ kind: 'open', uri: `${pathToFileURL(file).href}?mode=ro`, readonly: true })
  return { file, link }
}

test('a file that becomes shorter while it is read is an error, and not the end of the process', async () => {
  const { file, link } = await opened(`create table t (n text);
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 500) insert into t select zeroblob(4000) from n;`)
  const ask = (sql: string) => link.ask({ kind: 'query', sql, parameters: [] })
  await ask('begin')
  await ask('select n from t limit 1')
  await truncate(file, 8192)
  await expect(ask('select count(*) from t where n is null')).rejects.toMatchObject({
    code: expect.stringMatching(/^SQLITE_(IOERR|CORRUPT)/),
  })
  expect(link.alive).toBe(true)
})

test('a lock is given back at once, whatever keeps this process busy afterwards', async () => {
  const { file, link } = await opened('create table t (n integer)')
  const writer = new BetterSqlite(file, { timeout: 20_000 })
  afterwards(() => writer.close())

  await inTransaction(link, (kysely) => sql`select count(*) from t`.execute(kysely), undefined)
  // The writer waits in this very process, which does nothing else meanwhile.
  expect(writer.prepare('insert into t values (1)').run().changes).toBe(1)
})
