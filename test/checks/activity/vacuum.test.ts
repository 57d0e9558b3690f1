import { join } from 'node:path'
import { expect, test } from 'vitest'
import { query } from '../../../fixtures/postgres/server.js'
import { dbdoctor, reportOf } from '../../support/cli.js'
import {
  afterwards,
  asSuperuser,
  examine,
  examineOne,
  said,
  testDatabase,
  testFolder,
} from '../../support/databases.js'
import { startPostgres } from '../../support/postgres.js'

const vacuum = (target: string, options: Record<string, unknown> = {}) =>
  examineOne('activity/vacuum', target, { config: { checks: { 'activity/vacuum': { options } } } })

/** A table as an upgrade leaves it: its rows are there, and nobody has heard of them. */
const upgraded = `create table orders (id int primary key, note text); alter table orders alter note set storage plain;
  insert into orders select i, repeat('x', 1000) from generate_series(1, 3000) i;
  create table small (id int); insert into small select generate_series(1, 100);
  select pg_stat_reset()`

/** Statistics of a session come to be seen once it has ended. */
async function until(url: string, condition: string): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if ((await query(url, `select (${condition}) as yes`)).yes === true) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`never so: ${condition}`)
}

const changes = (table: string) => `pg_stat_get_mod_since_analyze('${table}'::regclass)`

test('a table that came with an upgrade has no statistics, until somebody analyzes it', async () => {
  const { target } = await testDatabase('postgres', upgraded)
  await query(target, 'select pg_stat_reset()')
  await until(target, `${changes('orders')} = 0`)
  const sentence =
    '"orders" (3.35 MB) has no statistics, and autovacuum sees nothing to do: the planner guesses, and queries may take very long'
  expect(said(await vacuum(target, { size: '1MB' }))).toEqual([sentence])
  // Nobody waits for what is small.
  expect(said(await vacuum(target))).toBe('pass')
  // A role to which pg_stats shows nothing takes that for nothing.
  const role = `stranger_${process.pid}`
  await asSuperuser(target, `create role ${role} login password 'p'`)
  afterwards(() => asSuperuser(target, `drop role ${role}`))
  const stranger = Object.assign(new URL(target), { username: role, password: 'p' }).href
  expect(said(await vacuum(stranger, { size: '1MB' }))).toBe('pass')

  const { causes, verdict } = await examine(target, {
    config: { checks: { 'activity/vacuum': { options: { size: '1MB' } } } },
  })
  expect([verdict.status, causes.map(({ id }) => id)]).toEqual(['degraded', ['not-vacuumed']])
  await query(target, 'analyze orders')
  await query(target, 'select pg_stat_reset()')
  expect(said(await vacuum(target, { size: '1MB' }))).toBe('pass')
})

test('a table that autovacuum is about to come to is in order; one that it is told to leave alone is not', async () => {
  const { target } = await testDatabase('postgres', upgraded.replace('select pg_stat_reset()', ''))
  await until(target, `${changes('orders')} = 3000`)
  expect(said(await vacuum(target, { size: '1MB' }))).toBe('pass')
  await query(target, 'alter table orders set (autovacuum_enabled = false)')
  expect((await vacuum(target, { size: '1MB' })).findings.map(({ address }) => address)).toEqual([
    'activity/vacuum#not-analyzed',
  ])
})

test('dead rows that nobody removes are counted; those that vacuum is about to remove are not', async () => {
  const { target } = await testDatabase(
    'postgres',
    'create table queue (id int); insert into queue select generate_series(1, 5000); create table t (id int); insert into t select generate_series(1, 5000)',
  )
  await query(target, 'delete from queue where id > 10')
  await query(target, 'delete from t where id > 4500')
  await until(target, '(select sum(n_dead_tup) from pg_stat_user_tables) = 5490')
  expect(said(await vacuum(target))).toBe('pass')
  const { findings } = await vacuum(target, { dead: 100 })
  expect(findings.map(({ message }) => message)).toEqual([
    '"queue" has 4,990 dead rows beside 10 live rows: vacuum has not come yet, or may not remove them',
  ])
  await query(target, String(findings[0]?.next?.[1]?.split('; --')[0]))
  await until(target, "(select n_dead_tup from pg_stat_user_tables where relname = 'queue') = 0")
  expect(said(await vacuum(target, { dead: 100 }))).toBe('pass')
})

test('autovacuum that is off is told, and so are the counts that it needs', async () => {
  const off = await startPostgres(['autovacuum=off'])
  afterwards(() => off.stop())
  const sentence = 'is off: nobody removes dead rows, gathers statistics or freezes transaction ids in time'
  const { findings } = await vacuum(off.url)
  expect(findings.map(({ message }) => message)).toEqual([`autovacuum ${sentence}`])
  const uncounted = await startPostgres(['track_counts=off'])
  afterwards(() => uncounted.stop())
  expect(said(await vacuum(uncounted.url))).toEqual([`track_counts ${sentence}`])
  // What one role has switched off for itself, the server has not.
  const { target } = await testDatabase('postgres', 'create table t (id int primary key)')
  expect(said(await vacuum(`${target}?options=-c%20track_counts%3Doff`))).toBe('pass')
})

test('dbdoctor fix gathers what the planner lacks', async () => {
  const { target } = await testDatabase('postgres', upgraded.replaceAll('3000', '20000'))
  await query(target, 'select pg_stat_reset()')
  await until(target, `${changes('orders')} = 0`)
  const { stdout } = await dbdoctor(['fix', target, '-f', 'json'])
  const report = await reportOf([
    ...['fix', target, '--apply', JSON.parse(stdout).id],
    ...['--yes', '--journal', join(await testFolder(), 'journal')],
  ])
  expect(report.fixes?.map(({ what, outcome }) => [what, outcome])).toEqual([
    ['gather statistics of "orders"', 'applied'],
  ])
})
