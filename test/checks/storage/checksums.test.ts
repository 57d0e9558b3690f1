import { open } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import { afterwards, asSuperuser, examine, examineOne, said, testDatabase } from '../../support/databases.js'
import { startPostgres } from '../../support/postgres.js'

test('a server without checksums has none that could fail, and that is said', async () => {
  const { target } = await testDatabase('postgres')
  const result = await examineOne('storage/checksums', target)
  // They are on in a server of PostgreSQL 18 that nobody asked for anything.
  const off = (await answerOf(target, "current_setting('data_checksums')")) === 'off'
  expect([result.status, result.saw, result.findings]).toEqual(['pass', off ? 'checksums are off' : undefined, []])
})

test('it does not apply to SQLite', async () => {
  const { target } = await testDatabase('sqlite', 'create table t (id integer primary key)')
  expect(said(await examineOne('storage/checksums', target))).toBe('skip: not-applicable: it does not apply to sqlite')
})

test('a bit that flipped on disk is counted, with the time; before that, all is well', async () => {
  const { server, flip } = await checkedServer()
  const sound = await examineOne('storage/checksums', server.url)
  expect(said(sound)).toBe('pass')
  expect(sound.saw).toBeUndefined()

  await server.restart(flip)
  await expect(asSuperuser(server.url, 'select count(*) from t')).rejects.toThrow('invalid page')
  // The session that failed writes its statistics when it ends.
  await expect
    .poll(async () => (await examineOne('storage/checksums', server.url)).status, { timeout: 5000 })
    .toBe('fail')
  const { results, verdict } = await examine(server.url, { only: ['storage'] })
  const result = results.find(({ id }) => id === 'storage/checksums') ?? expect.fail()
  expect(said(result)).toEqual([
    expect.stringMatching(/^\d+ checksum failures? in database "postgres", the last at \d{4}-\d\d-\d\dT[\d:]+Z$/),
  ])
  expect(result.findings[0]).toMatchObject({ address: 'storage/checksums#failed', severity: 'error' })
  expect(results.find(({ id }) => id === 'storage/pages')?.findings[0]?.message).toMatch(
    /^table "t" is damaged: invalid page/,
  )
  expect(verdict.database).toBe('damaged')
})

test('a setting that lets damage pass is told, and hides none from a superuser', async () => {
  const { server, flip } = await checkedServer()
  for (const setting of ['zero_damaged_pages', 'ignore_checksum_failure'])
    await asSuperuser(server.url, `alter system set ${setting} = on`)
  await server.restart(flip)
  const { results, causes } = await examine(server.url, { only: ['storage'] })
  const [checksums, pages] = ['storage/checksums', 'storage/pages'].map(
    (id) => results.find((one) => one.id === id) ?? expect.fail(),
  )
  expect(checksums && said(checksums)).toEqual(
    expect.arrayContaining([
      'ignore_checksum_failure is on: a page that fails its checksum is read all the same, and nobody is told but the server log',
      'zero_damaged_pages is on: a damaged page is read as an empty one, its rows vanish, and nobody is told but the server log',
    ]),
  )
  expect(pages?.findings[0]?.message).toMatch(/^table "t" is damaged: invalid page/)
  expect(causes.map(({ id }) => id)).toContain('damage-hidden')
})

/** A server with checksums and a table, and what flips a bit of that on its disk. */
async function checkedServer() {
  const server = await startPostgres([], ['--data-checksums'])
  afterwards(() => server.stop())
  await asSuperuser(server.url, 'create table t (id int); insert into t select i from generate_series(1, 5000) i')
  await asSuperuser(server.url, 'vacuum')
  const path = await answerOf(server.url, "pg_relation_filepath('t')")
  const flip = async (data: string) => {
    const handle = await open(join(data, path), 'r+')
    const byte = Buffer.alloc(1)
    await handle.read(byte, 0, 1, 8192 + 5000)
    byte[0] = (byte[0] ?? 0) ^ 1
    await handle.write(byte, 0, 1, 8192 + 5000)
    await handle.close()
  }
  return { server, flip }
}

/** What an expression is, on a server. */
async function answerOf(server: string, expression: string): Promise<string> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  const { rows } = await client.query<{ value: string }>(`select ${expression} as value`)
  await client.end()
  return rows[0]?.value ?? expect.fail()
}
