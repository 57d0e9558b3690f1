import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { describe, expect, inject, test } from 'vitest'
import { query } from '../../../fixtures/postgres/server.js'
import { dbdoctor, reportOf } from '../../support/cli.js'
import { afterwards, asSuperuser, examine, hung, testDatabase } from '../../support/databases.js'
import { pooled } from '../../support/pgbouncer.js'

const rows = `
  create table parents (id integer primary key);
  create table children (id integer primary key, parent_id integer references parents, note_id integer);
  create table notes (id integer primary key);
  insert into parents select generate_series(1, 100);
  insert into notes select generate_series(1, 100);
  insert into children select g, g, g from generate_series(1, 100) g;
  create index on children (parent_id);
`

/** A role of the tests' server with these settings, and the database as it sees it. */
async function asRole(name: string, settings: string) {
  const { target, execute } = await testDatabase('postgres', rows)
  const role = `${name}_${process.pid}`
  await asSuperuser(inject('postgres'), `create role ${role} login password 'only-for-tests' ${settings}`)
  afterwards(async () => {
    await asSuperuser(target, `drop owned by ${role}`)
    await asSuperuser(inject('postgres'), `drop role ${role}`)
  })
  await execute(`grant select on all tables in schema public to ${role}`)
  const url = new URL(target)
  url.username = role
  url.password = 'only-for-tests'
  return { url: url.href, role, execute }
}

/** Whatever was not looked at, but for what the server does not have. */
const gaps = ({ results }: Awaited<ReturnType<typeof examine>>) =>
  results
    .filter(({ skip, asked }) => asked && skip && !/^not-|^deselected/.test(skip.reason))
    .map(({ id, skip }) => ({ id, skip }))

describe('a role that may connect once', () => {
  test('is enough: everything goes through that connection', async () => {
    const { url, execute } = await asRole('once', 'connection limit 1')
    const sound = await examine(url)
    expect(gaps(sound)).toEqual([])
    expect(sound.results.find(({ id }) => id === 'connection/latency')?.status).toBe('pass')
    expect(sound.verdict).toMatchObject({ status: 'healthy', database: 'intact' })
    await execute(`alter table parents disable trigger all; delete from parents where id = 7`)
    const ill = await examine(url)
    expect(ill.results.find(({ id }) => id === 'integrity/foreign-keys')?.findings).toHaveLength(1)
  })

  test('that connection lost, and no other to be had, nobody waits for it', async () => {
    const { url, role } = await asRole('robbed', 'connection limit 1')
    const lasting = {
      name: 'lasting',
      sql: 'select count(*) from children a, children b, children c, children d, children e',
      expect: 'empty',
    }
    const began = performance.now()
    const report = examine(url, { config: { database: { assertions: [lasting as never] } }, deadline: 10 * hung })
    const running = `select pid from pg_stat_activity where usename = '${role}' and query like '%children e%'`
    await expect
      .poll(async () => (await query(inject('postgres'), `select (${running}) as pid`)).pid, { timeout: hung })
      .not.toBeNull()
    await asSuperuser(inject('postgres'), `alter role ${role} nologin; select pg_terminate_backend((${running}))`)
    expect((await report).counts.unknown).toBeGreaterThan(0)
    expect(performance.now() - began).toBeLessThan(5 * hung)
  })

  test('and so are two', async () => {
    const { url } = await asRole('twice', 'connection limit 2')
    const report = await examine(url)
    expect(gaps(report)).toEqual([])
    expect(report.verdict.database).toBe('intact')
  })
})

test('a pooler with one connection to its server is shared with the application', async () => {
  const { target } = await testDatabase('postgres', rows)
  const address = await pooled(target, 1)
  if (address === null) return
  const application = new pg.Client({ connectionString: address })
  await application.connect()
  afterwards(() => application.end())
  let goesOn = true
  const work = (async () => {
    for (; goesOn; await sleep(5)) await application.query('select 1')
  })()
  const report = await reportOf(['check', address, '--deadline', '60s'])
  goesOn = false
  await work
  expect(report.target).toMatchObject({ pooler: true })
  const { stdout } = await dbdoctor(['fix', address, '--no-progress', '--only', 'connection/opens'])
  expect(stdout).toContain(
    'Nothing can be repaired here: a pooler stands between, and keeps settings: name the server itself.',
  )
  expect(report.results.flatMap(({ skip }) => (skip && !/^(not-|unav)/.test(skip.reason) ? [skip] : []))).toEqual([])
  expect(report.verdict.database).toBe('intact')
})

describe('settings of a role', () => {
  test.each(['statement_timeout = 1', 'lock_timeout = 1', 'idle_in_transaction_session_timeout = 1'])(
    '%s decides nothing for us, and the process ends',
    async (setting) => {
      const { url, role } = await asRole(setting.replace(/\W+/g, '_'), '')
      await asSuperuser(inject('postgres'), `alter role ${role} set ${setting}`)
      const { stdout, exitCode } = await dbdoctor(['check', url, '-f', 'json'], { timeout: 50_000 })
      // A machine that takes a millisecond for `begin` is told so.
      const [cause] = JSON.parse(stdout).causes
      if (exitCode !== 0) expect(cause.headline).toContain('statement_timeout')
      else expect(JSON.parse(stdout).verdict.database).toBe('intact')
    },
  )

  test('a default isolation that a standby refuses is not asked for', async () => {
    const { url, role } = await asRole('serial', '')
    await asSuperuser(inject('postgres'), `alter role ${role} set default_transaction_isolation = serializable`)
    expect((await examine(url)).verdict.database).toBe('intact')
    expect(await query(url, 'show default_transaction_isolation')).toEqual({
      default_transaction_isolation: 'serializable',
    })
  })
})
