import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import {
  afterwards,
  asSuperuser,
  examine,
  examineOne,
  postgresVersion,
  said,
  testDatabase,
} from '../../support/databases.js'
import { startPostgres } from '../../support/postgres.js'

const schema = 'create table orders (id int primary key, total int); insert into orders values (1, 10)'
const patience = { wait: '300ms', exclusive: '300ms', idle: '10m', query: '1h' }
const locks = (target: string, options: object = patience) =>
  examineOne('activity/locks', target, { config: { checks: { 'activity/locks': { options: { ...options } } } } })

/** A session of an application, that stays until it is ended. */
async function session(target: string, ...statements: string[]) {
  const client = new pg.Client({ connectionString: target, application_name: 'billing' })
  client.on('error', () => {})
  await client.connect()
  const { rows } = await client.query('select pg_backend_pid() as pid')
  for (const statement of statements) await client.query(statement)
  let ended = false
  const end = async () => {
    if (!ended) await client.end()
    ended = true
  }
  afterwards(end)
  return {
    pid: Number(rows[0].pid),
    /** Begins a statement, and does not wait for it. */
    begin: (statement: string) => void client.query(statement).catch(() => {}),
    end,
  }
}

test('a server where people work is silent: short transactions, an idle session, a reader beside a writer', async () => {
  const { target } = await testDatabase('postgres', schema)
  await session(target, 'select 1')
  await session(target, 'begin', 'update orders set total = 11')
  await session(target, 'begin', 'select * from orders')
  expect(said(await locks(target))).toBe('pass')
})

test('the head of a queue is named once, with all that wait behind it', async () => {
  const { target } = await testDatabase('postgres', schema)
  const forgotten = await session(target, 'begin', 'select * from orders')
  const migration = await session(target)
  migration.begin('alter table orders add column note text')
  await sleep(100)
  const readers = [await session(target), await session(target)]
  for (const reader of readers) reader.begin('select * from orders')
  await sleep(500)
  const result = await locks(target)
  expect(said(result)).toEqual([
    expect.stringMatching(
      new RegExp(
        `^"orders" is locked by process ${forgotten.pid} \\(billing, role postgres, idle in transaction for .*\\); 3 sessions wait behind it, the first for `,
      ),
    ),
  ])
  expect(result.findings[0]?.next?.[1]).toContain(`pg_cancel_backend(${forgotten.pid})`)
  expect(JSON.stringify(result)).not.toContain('add column')
  await forgotten.end()
  await sleep(200)
  expect(said(await locks(target))).toBe('pass')
  for (const one of [migration, ...readers]) await one.end()
})

test('a table that somebody has for themselves keeps this tool out too', async () => {
  const { target } = await testDatabase('postgres', schema)
  const holder = await session(target, 'begin', 'lock table orders in access exclusive mode')
  // As young as the lock may be, it is looked at until it is old enough.
  expect(said(await locks(target, { ...patience, wait: '1h', exclusive: '1500ms' }))).toEqual([
    expect.stringMatching(new RegExp(`^"orders" is locked by process ${holder.pid} .*: nobody else can read it$`)),
  ])
  await holder.end()
})

test('a change of the schema that is over soon is no reason to worry', async () => {
  const { target } = await testDatabase('postgres', schema)
  const migration = await session(target, 'begin', 'alter table orders add column note text')
  const looking = locks(target, { ...patience, exclusive: '2s' })
  await sleep(600)
  migration.begin('commit')
  expect(said(await looking)).toBe('pass')
  await migration.end()
})

test('a transaction that is idle for long, and a statement that runs for long', async () => {
  const { target } = await testDatabase('postgres', schema)
  const idle = await session(target, 'begin', 'select * from orders')
  const busy = await session(target)
  busy.begin('select pg_sleep(20)')
  await sleep(300)
  expect(said(await locks(target, { idle: '200ms', query: '200ms' }))).toEqual([
    expect.stringMatching(new RegExp(`^process ${idle.pid} .* is idle in a transaction for `)),
    expect.stringMatching(new RegExp(`^process ${busy.pid} .* runs one statement for `)),
  ])
  expect(said(await locks(target, { idle: '1m', query: '1m' }))).toBe('pass')
  await asSuperuser(target, `select pg_terminate_backend(${busy.pid})`)
})

test('a role that is shown nothing of others says so, and the rest is told', async () => {
  const { target, execute } = await testDatabase('postgres', schema)
  const role = `peeper_${process.pid}`
  await execute(`create role ${role} login password 'p'`)
  afterwards(() => execute(`drop role ${role}`))
  await session(target, 'begin', 'select * from orders')
  const url = new URL(target)
  url.username = role
  url.password = 'p'
  const holder = await session(target, 'begin', 'lock table orders in share mode')
  const result = await locks(url.href, { idle: '1ms' })
  expect(result).toMatchObject({ status: 'skip', skip: { reason: 'no-permission' } })
  const writer = await session(target)
  writer.begin('update orders set total = 13')
  await sleep(500)
  // Since when somebody waits is for everybody to see from PostgreSQL 14 on; before, that much is unknown.
  const told = said(await locks(url.href))
  if ((await postgresVersion()) < 14) expect(told).toMatch(/^skip: no-permission/)
  else
    expect(told).toEqual([
      expect.stringMatching(
        new RegExp(
          `^"orders" is locked by process ${holder.pid} \\(billing, role postgres\\); 1 session waits behind it, the first for `,
        ),
      ),
    ])
  await holder.end()
  await writer.end()
})

test('one of another database that keeps ours waiting is named', async () => {
  const [here, there] = [await testDatabase('postgres', schema), await testDatabase('postgres')]
  const holder = await session(there.target, 'begin', 'lock table pg_catalog.pg_shseclabel in access exclusive mode')
  const reader = await session(here.target)
  reader.begin('select * from pg_catalog.pg_shseclabel')
  await sleep(500)
  expect(said(await locks(here.target))).toEqual([
    expect.stringMatching(new RegExp(`^process ${holder.pid} .* keeps 1 session waiting, the first for `)),
  ])
  // Its own transaction is the other database's affair.
  await reader.end()
  await holder.end()
  await session(there.target, 'begin', 'select 1')
  await sleep(200)
  expect(said(await locks(here.target, { idle: '1ms' }))).toBe('pass')
})

describe('prepared transactions', () => {
  test('one that nobody ends is named, with the statement that ends it', async () => {
    const server = await startPostgres(['max_prepared_transactions=5'])
    afterwards(() => server.stop())
    await asSuperuser(server.url, schema)
    const { begin, end } = await session(server.url, 'begin', 'update orders set total = 12')
    begin("prepare transaction 'order 17''s'")
    await sleep(200)
    await end()
    expect(said(await locks(server.url, { prepared: '1h' }))).toBe('pass')
    const result = await locks(server.url, { prepared: '100ms' })
    expect(said(result)).toEqual([
      expect.stringMatching(/^transaction "order 17's" \(role postgres\) is prepared for .*, and nobody has ended it$/),
    ])
    await asSuperuser(server.url, String(result.findings[0]?.next?.[1]))
    expect(said(await locks(server.url, { prepared: '1ms' }))).toBe('pass')

    await asSuperuser(server.url, "begin; lock table orders in access exclusive mode; prepare transaction 'kept'")
    expect(said(await locks(server.url, { exclusive: '200ms' }))).toEqual([
      expect.stringMatching(/^transaction "kept" .*, and nobody has ended it: nobody can read "orders"$/),
    ])
    await asSuperuser(server.url, "rollback prepared 'kept'")
  })
})

test('it does not apply to SQLite', async () => {
  const { target } = await testDatabase('sqlite')
  expect(said(await locks(target))).toBe('skip: not-applicable: it does not apply to sqlite')
})

test('one table that is locked hides no other, and is the cause of what could not be looked at', async () => {
  const { target } = await testDatabase(
    'postgres',
    `create table users (id serial primary key, email text unique not null check (email <> ''), born date default current_date);
     create index users_born on users (born) where born is not null;
     create table posts (id serial primary key, user_id int references users); create index on posts (user_id);
     create table tags (id serial primary key, name text not null check (name <> ''));
     insert into users (email) values ('a'); insert into posts (user_id) values (1); insert into tags (name) values ('x');`,
  )
  const sound = await examine(target)
  const holder = await session(target, 'begin', 'lock table users in access exclusive mode')
  const report = await examine(target, {
    config: { checks: { 'activity/locks': { options: { exclusive: '100ms' } } } },
  })
  const gaps = report.results.filter(({ skip, asked }) => asked && skip && !/^(not-|desel)/.test(skip.reason))
  // Whatever could not be looked at is of that table, or refers to it.
  for (const { coverage } of gaps) {
    expect(coverage?.missing.length).toBeGreaterThan(0)
    for (const { object } of coverage?.missing ?? []) expect(object).toMatch(/users|posts \(user_id\)/)
  }
  expect(report.facts['schema.indexes']).toBe(sound.facts['schema.indexes'])
  expect(report.results.find(({ id }) => id === 'activity/locks')).toMatchObject({ status: 'warn' })
  expect(report.causes.map(({ id }) => id)).toEqual(['blocked-by-a-lock'])
  expect(report.causes[0]?.headline).toMatch(
    new RegExp(`^"users" is locked by process ${holder.pid} \\(billing, role postgres, idle in transaction for .*\\)`),
  )
  expect(report.causes[0]?.next.join('\n')).toContain(`pg_terminate_backend(${holder.pid})`)
  expect(report.verdict.status).toBe('inconclusive')
  await holder.end()
  expect((await examine(target)).verdict.database).toBe('intact')
})
