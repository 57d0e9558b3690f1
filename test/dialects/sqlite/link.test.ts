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

test('a lock is given back at once, whatever keeps this process busy afterwards', async () => {
  const { target } = await testDatabase('sqlite', 'create table t (n integer)')
  const file = target.slice('sqlite:'.length)
  const link = startLink()
  afterwards(() => link.kill())
  await link.ask({ kind: 'open', uri: `${pathToFileURL(file).href}?mode=ro`, readonly: true })
  const writer = new BetterSqlite(file, { timeout: 20_000 })
  afterwards(() => writer.close())

  await inTransaction(link, (kysely) => sql`select count(*) from t`.execute(kysely), undefined)
  // The writer waits in this very process, which does nothing else meanwhile.
  expect(writer.prepare('insert into t values (1)').run().changes).toBe(1)
})
