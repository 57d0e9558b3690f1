import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { query } from '../../../fixtures/postgres/server.js'
import { dialectOf, parseTarget } from '../../../src/dialects/target.js'
import { routes } from '../../support/auth.js'
import { baseBackup, restore } from '../../support/backups.js'
import { reportOf } from '../../support/cli.js'
import { afterwards, asSuperuser, examine, examineOne, said, testDatabase } from '../../support/databases.js'
import { type PostgresServer, startPostgres } from '../../support/postgres.js'

const replication = (target: string, options: object = {}) =>
  examineOne('activity/replication', target, {
    config: { checks: { 'activity/replication': { options: { ...options } } } },
  })

async function server(...settings: string[]): Promise<PostgresServer> {
  const one = await startPostgres(settings)
  afterwards(() => one.stop())
  return one
}

/** A standby that streams from a primary, under this name. */
async function standbyOf(primary: PostgresServer, name: string): Promise<PostgresServer> {
  const url = new URL(primary.url)
  const standby = await server()
  await restore(standby, await baseBackup(primary), async (data) => {
    await writeFile(join(data, 'standby.signal'), '')
    const from = `host=${url.hostname} port=${url.port} user=${url.username} password=${url.password} application_name=${name}`
    await writeFile(join(data, 'postgresql.auto.conf'), `primary_conninfo = '${from}'\n`)
  })
  return standby
}

/** Waits until a server answers a question with yes. */
async function until(url: string, condition: string): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if ((await query(url, `select (${condition}) as yes`)).yes === true) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`never so: ${condition}`)
}

const write =
  'create table if not exists t (v text); insert into t select repeat(md5(i::text), 20) from generate_series(1, 4000) i'

test('a standby is in order, unless the application works with it', async () => {
  const primary = await server()
  for (const statement of [
    'create table p (id int primary key)',
    'create table c (id int primary key, p_id int references p)',
    'insert into p select generate_series(1, 1000)',
    'insert into c select i, i from generate_series(1, 1000) i',
  ])
    await query(primary.url, statement)
  const standby = await standbyOf(primary, 'one')
  const sentence = 'this server is a standby: it answers, and takes no writes'
  expect([await replication(standby.url).then(said)]).toEqual([[sentence]])
  const url = await routes({ 'GET /': [200] })
  const written = await examine(standby.url, { only: ['connection', 'activity'], config: { api: { url } } })
  expect(written.causes[0]).toMatchObject({
    id: 'database-read-only',
    headline: 'This server is a standby: it answers, and takes no writes; by the config, the API server works with it.',
  })
  await rowsOn(primary, standby)
  const repairer = await (await dialectOf(parseTarget(standby.url), {})).repairer()
  expect(repairer.refusal).toBe('this server is a standby, which takes no writes: repair its primary')
  await repairer.close()
})

/** Rows are read on a standby that is named, once it has caught up; on no server that is none of this cluster. */
async function rowsOn(primary: PostgresServer, standby: PostgresServer): Promise<void> {
  const place = ({ port }: PostgresServer) => `127.0.0.1:${port}`
  const scans = async () => {
    return (
      await query(primary.url, "select seq_scan + idx_scan as scans from pg_stat_user_tables where relname = 'c'")
    ).scans
  }
  const look = async (...replicas: string[]) => {
    const report = await reportOf([
      ...['check', primary.url, '--no-progress', '--only', 'integrity/foreign-keys'],
      ...replicas.flatMap((url) => ['--replica', url]),
    ])
    const of = (id: string) => report.results.find((result) => result.id === id)
    return {
      keys: of('integrity/foreign-keys')?.status,
      remarks: of('connection/opens')?.findings.map(({ message }) => message),
    }
  }
  // As the primary counts when everybody has gone.
  const settled = async () => {
    await until(primary.url, "not exists (select from pg_stat_activity where application_name = 'dbdoctor')")
    return scans()
  }
  const before = await settled()
  expect(await look(standby.url)).toEqual({
    keys: 'pass',
    remarks: [`rows are read on the standby ${place(standby)}, which has replayed what was written before`],
  })
  expect(await settled()).toBe(before)
  const other = await server()
  expect(await look(other.url)).toEqual({
    keys: 'pass',
    remarks: [`the standby ${place(other)} is not used: it is no standby`],
  })
  expect(await settled()).not.toBe(before)
  await query(standby.url, 'select pg_wal_replay_pause()')
  await query(primary.url, 'insert into p select generate_series(1001, 50000)')
  const { remarks: [behind = ''] = [] } = await look(standby.url)
  expect(behind).toMatch(/^the standby 127\.0\.0\.1:\d+ is not used: it is [\d.]+ [kM]B of log behind$/)
  await query(standby.url, 'select pg_wal_replay_resume()')
}

test('a server on its own has no standby and no slot', async () => {
  const { target } = await testDatabase('postgres')
  const result = await replication(target)
  expect([said(result), result.saw]).toEqual(['pass', 'no standby, no slot'])
})

describe('slots', () => {
  test('one that nobody reads is named once it keeps much; one that keeps little is not', async () => {
    const one = await server()
    await asSuperuser(one.url, "select pg_create_physical_replication_slot('old_standby', true)")
    await asSuperuser(one.url, write)
    expect(said(await replication(one.url))).toBe('pass')
    const result = await replication(one.url, { retained: '1MB' })
    expect(said(result)).toEqual([
      expect.stringMatching(
        /^nobody reads the physical slot "old_standby", and it keeps [\d.]+ MB of WAL: the disk fills/,
      ),
    ])
    const { causes } = await examine(one.url, {
      config: { checks: { 'activity/replication': { options: { retained: '1MB' } } } },
    })
    expect(causes[0]?.id).toBe('replication-stuck')
    await asSuperuser(one.url, String(result.findings[0]?.next?.[1]).replace(/: the WAL.*$/, ''))
    expect(said(await replication(one.url, { retained: '1MB' }))).toBe('pass')
  })

  test('one whose WAL is gone is lost', async () => {
    const one = await server('max_slot_wal_keep_size=1MB', 'min_wal_size=32MB', 'max_wal_size=32MB')
    await asSuperuser(one.url, "select pg_create_physical_replication_slot('late', true)")
    for (let segment = 0; segment < 4; segment++) await asSuperuser(one.url, `${write}; select pg_switch_wal()`)
    await asSuperuser(one.url, 'checkpoint')
    expect(said(await replication(one.url))).toEqual([
      'the physical slot "late" is lost: WAL that its reader needs is gone',
    ])
  })
})

describe('a primary and its standby', () => {
  test('both are well while it keeps up; what falls behind, pauses or is cut off is told on either side', async () => {
    const primary = await server()
    const standby = await standbyOf(primary, 'copy')
    await until(primary.url, "exists (select from pg_stat_replication where state = 'streaming')")
    await asSuperuser(primary.url, write)
    await until(
      primary.url,
      'not exists (select from pg_stat_replication where replay_lsn is distinct from pg_current_wal_lsn())',
    )
    const [one, other] = [await replication(primary.url), await replication(standby.url)]
    expect([said(one), one.saw]).toEqual(['pass', '1 standby, 0 slots'])
    expect([other.status, said(other), other.saw]).toEqual([
      'pass',
      ['this server is a standby: it answers, and takes no writes'],
      'a standby',
    ])

    await asSuperuser(standby.url, 'select pg_wal_replay_pause()')
    await until(standby.url, 'pg_is_wal_replay_paused()')
    await asSuperuser(primary.url, write)
    await until(primary.url, 'exists (select from pg_stat_replication where flush_lsn > replay_lsn)')
    expect(said(await replication(primary.url, { behind: '1kB' }))).toEqual([
      expect.stringMatching(/^standby "copy" has [\d.]+ \wB of WAL to replay still/),
    ])
    expect(said(await replication(standby.url))).toContainEqual(
      expect.stringMatching(
        /^replay is paused on this standby, and [\d.]+ \wB of WAL wait: it answers with what was true/,
      ),
    )
    await asSuperuser(standby.url, 'select pg_wal_replay_resume()')
    await until(standby.url, 'not pg_is_wal_replay_paused()')

    await asSuperuser(primary.url, "create role stranger login password 'p'")
    await asSuperuser(primary.url, "alter system set synchronous_standby_names = '*'")
    await asSuperuser(primary.url, 'select pg_reload_conf()')
    await until(primary.url, "exists (select from pg_stat_replication where sync_state = 'sync')")
    const stranger = new URL(primary.url)
    Object.assign(stranger, { username: 'stranger', password: 'p' })
    expect((await replication(stranger.href)).status).not.toBe('fail')

    await primary.halt()
    await until(standby.url, 'not exists (select from pg_stat_wal_receiver)')
    expect(said(await replication(standby.url))).toContainEqual(
      expect.stringMatching(/^this standby receives nothing from its primary; the last transaction/),
    )
  })
})

test('commits that wait for a standby which is not there are told, and it is an error', async () => {
  const one = await server('synchronous_standby_names=gone')
  const result = await replication(one.url)
  expect([result.status, said(result)]).toEqual([
    'fail',
    ['synchronous_standby_names is "gone", and no such standby is connected: each commit waits for one'],
  ])
  // A role that is not shown who is in step must not take that for nobody.
  await asSuperuser(one.url, "set synchronous_commit = local; create role stranger login password 'p'")
  const stranger = new URL(one.url)
  Object.assign(stranger, { username: 'stranger', password: 'p' })
  expect((await replication(stranger.href)).status).toBe('fail')
  const local = await server('synchronous_standby_names=gone', 'synchronous_commit=local')
  expect(said(await replication(local.url))).toBe('pass')
})

test('a subscription without a worker is told, and one that is disabled is known', async () => {
  const one = await server('max_logical_replication_workers=0')
  await asSuperuser(
    one.url,
    "create subscription news connection 'host=127.0.0.1 port=1 dbname=x' publication p with (connect = false, slot_name = none)",
  )
  const disabled = await replication(one.url)
  expect([disabled.status, said(disabled)]).toEqual([
    'pass',
    ['subscription "news" is disabled: its tables receive no changes'],
  ])
  await asSuperuser(one.url, "alter subscription news set (slot_name = 'news')")
  await asSuperuser(one.url, 'alter subscription news enable')
  expect(said(await replication(one.url))).toEqual([
    'subscription "news" is enabled, and no worker applies its changes',
  ])
})

test('a table whose copy fails again and again is told, and one that is copied is not', async () => {
  const one = await server('wal_level=logical')
  for (const database of ['here', 'there']) await query(one.url, `create database ${database}`)
  const [here, there] = ['here', 'there'].map((name) => Object.assign(new URL(one.url), { pathname: `/${name}` }).href)
  if (!here || !there) throw new Error('two addresses')
  for (const table of ['t', '"T 2"']) {
    for (const url of [here, there]) await query(url, `create table ${table} (id int primary key)`)
    await query(there, `insert into ${table} values (1)`)
  }
  await query(here, 'insert into t values (1)')
  await query(there, 'create publication p for all tables')
  // A subscription to its own server would wait for itself to make its slot.
  await query(there, "select pg_create_logical_replication_slot('news', 'pgoutput')")
  await query(here, `create subscription news connection '${there}' publication p with (create_slot = false)`)
  await until(
    here,
    `(select array_agg(srsubstate order by srrelid::regclass::text) from pg_subscription_rel) = '{r,d}'`,
  )
  const sentence = 'subscription "news" has not copied "t", and no worker does: changes of it are not applied either'
  // Every five seconds a worker tries again, and is there for a moment.
  const look = async () => {
    const { results, causes } = await examine(here, { only: ['connection', 'activity'] })
    const result = results.find(({ id }) => id === 'activity/replication')
    expect([result && said(result), causes[0]?.id]).toEqual([[sentence], 'replication-stuck'])
  }
  await vi.waitFor(look, { timeout: 60_000, interval: 300 })
  await query(here, 'delete from t')
  await until(here, `(select bool_and(srsubstate = 'r') from pg_subscription_rel)`)
  expect(said(await replication(here))).toBe('pass')
})

describe('tables that are published', () => {
  test('are in order where their rows can be told apart, or where nothing but inserts is sent', async () => {
    const { target } = await testDatabase(
      'postgres',
      `create table keyed (id int primary key); create table whole (a int); alter table whole replica identity full;
       create table by_index (a int not null unique); alter table by_index replica identity using index by_index_a_key;
       create table parts (id int primary key) partition by range (id); create table parts_1 partition of parts for values from (0) to (10);
       create table log (a int); create table private (a int);
       create publication changes for table keyed, whole, by_index, parts; create publication additions for table log with (publish = 'insert, truncate');`,
    )
    expect(said(await replication(target))).toBe('pass')
  })

  test('and are named where updates are refused: a warning, where there were updates before', async () => {
    const { target, execute } = await testDatabase(
      'postgres',
      `create schema app; create table app.log (a int); create table nothing (id int primary key); alter table nothing replica identity nothing;
       create table late (id int primary key deferrable, b int); insert into late values (1, 1);
       create table parts (id int) partition by range (id); create table parts_1 partition of parts for values from (0) to (10);
       create table by_index (a int not null unique); alter table by_index replica identity using index by_index_a_key;`,
    )
    await execute('update late set b = 2')
    await until(target, "select coalesce(n_tup_upd, 0) > 0 from pg_stat_user_tables where relname = 'late'")
    await execute(`alter table by_index drop constraint by_index_a_key;
      create publication changes for table app.log, nothing, late, parts, by_index; create publication "More" for table late`)
    const result = await replication(target)
    const refused = 'and has no replica identity: updates and deletes of its rows are refused'
    expect(result.findings.map(({ severity, message }) => [severity, message])).toEqual([
      ['info', `"app.log" is published by "changes" ${refused}`],
      ['info', `"by_index" is published by "changes" ${refused}`],
      ['warning', `"late" is published by "More", "changes" ${refused}, and there were some before`],
      ['info', `"nothing" is published by "changes" ${refused}`],
      ['info', `"parts_1" is published by "changes" ${refused}`],
    ])
    expect((await examine(target)).causes.map(({ id }) => id)).toEqual(['replication-stuck'])
    await execute('drop table late')
    expect((await examine(target)).causes.map(({ id }) => id)).toEqual(['all-well'])
    await execute('create table late (b int); alter publication changes add table late')
    await execute(
      'insert into app.log values (1); insert into by_index values (1); insert into nothing values (1); insert into parts values (1)',
    )
    for (const table of ['app.log', 'by_index', 'late', 'nothing', 'parts'])
      await expect(execute(`delete from ${table}`)).rejects.toThrow(/does not have a replica identity/)
    for (const { next } of result.findings) await execute(String(next?.[1]?.split('; --')[0]))
    expect(said(await replication(target))).toBe('pass')
    await execute('update late set b = 3')
  })
})

test('it does not apply to SQLite', async () => {
  const { target } = await testDatabase('sqlite')
  expect(said(await replication(target))).toBe('skip: not-applicable: it does not apply to sqlite')
})
