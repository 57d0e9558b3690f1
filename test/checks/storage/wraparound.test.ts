import { expect, test } from 'vitest'
import { afterwards, asSuperuser, examineOne, said, testDatabase } from '../../support/databases.js'
import { startPostgres } from '../../support/postgres.js'

const wraparound = (target: string, options = {}) =>
  examineOne('storage/wraparound', target, { config: { checks: { 'storage/wraparound': { options } } } })

test('a server that freezes in time is not spoken of', async () => {
  const { target } = await testDatabase('postgres', 'create table t (id int)')
  const result = await wraparound(target)
  expect([said(result), result.saw]).toEqual(['pass', expect.stringMatching(/^oldest [\d.]+ million of 2147 million$/)])
})

test('ids that are old are a warning, and at the end an error, with the tables to vacuum', async () => {
  const server = await startPostgres([
    'autovacuum=off',
    'autovacuum_freeze_max_age=100000',
    'autovacuum_multixact_freeze_max_age=10000',
  ])
  afterwards(() => server.stop())
  await asSuperuser(server.url, 'create table "Old" (id int); insert into "Old" values (1)')
  await asSuperuser(
    server.url,
    `create procedure burn() language plpgsql as 'begin for i in 1..101000 loop perform txid_current(); commit; end loop; end'`,
  )
  await asSuperuser(server.url, 'call burn()')
  const share = 100_000 / 2 ** 31
  const old = await wraparound(server.url, { warn: share / 2 })
  expect(old.status).toBe('warn')
  expect(said(old)).toContainEqual(
    expect.stringMatching(
      /^the oldest transaction id of database "postgres" is 0\.1 million old, 0 % of what there is: writes stop at the end$/,
    ),
  )
  const own = old.findings.find(({ evidence }) => evidence.here === true)
  expect(own?.next?.[1]).toMatch(
    /^vacuum \(freeze, verbose\) \S+; -- reads the whole table, and lets others read and write$/,
  )
  expect((await wraparound(server.url, { warn: share / 2, fail: share / 2 })).status).toBe('fail')
  expect(said(await wraparound(server.url, { warn: share * 10 }))).toBe('pass')
})
