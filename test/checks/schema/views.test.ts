import { expect, test } from 'vitest'
import { asSuperuser, examine, examineOne, onEachDialect, said, testDatabase } from '../../support/databases.js'
import { overheard } from '../../support/overheard.js'

const tables = `create table a (id integer primary key, x text); insert into a values (1, 'one');
  create view of_a as select id, x from a; create view of_view as select count(*) as n from of_a;`

onEachDialect((dialect) => {
  test.each(['quick', 'standard'] as const)('views that can be queried are silent (%s)', async (depth) => {
    const { target } = await testDatabase(dialect, tables)
    const result = await examineOne('schema/views', target, { depth })
    expect([said(result), result.coverage]).toMatchObject(['pass', { examined: 2, of: 2, unit: 'view' }])
  })
})

test('on SQLite: a view whose table, or whose column, is gone', async () => {
  const { target } = await testDatabase(
    'sqlite',
    `${tables} create table b (id integer); create view of_b as select id from b; drop table b;
     create view of_column as select gone from a; create view of_own as select our_own_function(x) as y from a;
     create view of_text as select * from a where x = "one";`,
  )
  const result = await examineOne('schema/views', target)
  expect(said(result)).toEqual([
    'view "of_b" cannot be queried: no such table: main.b',
    'view "of_column" cannot be queried: no such column: gone',
  ])
  // An application registers functions of its own: nobody else knows them.
  // And with a build of its own, which takes a text in double quotes.
  expect(result.coverage?.missing).toMatchObject([
    { object: 'of_own', optional: true },
    { object: 'of_text', optional: true, detail: expect.stringContaining('"one" is no column') },
  ])
  const { verdict, causes } = await examine(target)
  expect([verdict.status, causes[0]?.id]).toEqual(['unhealthy', 'schema-incomplete'])
  expect(verdict.headline).toContain('view "of_b" cannot be queried')
})

test('on PostgreSQL: a view whose function needs a table that is gone; one that was never filled; one that takes its time', async () => {
  const { target, execute } = await testDatabase(
    'postgres',
    `${tables} create schema app; create table app.b (id int); insert into app.b values (1);
     create function app.n() returns bigint language plpgsql as $$ begin return (select count(*) from b); end $$;
     create view by_path as select app.n() as n;
     create function c() returns bigint language plpgsql as $$ begin return (select count(*) from public.gone); end $$;
     create view of_function as select c() as n;
     create materialized view never as select 1 as one with no data; create materialized view full_one as select 1 as one;
     create view slow as select pg_sleep(30)::text as s;
     create sequence s; create view counting as select nextval('s') as n;`,
  )
  const name = new URL(target).pathname.slice(1)
  await asSuperuser(target, `alter database ${name} set search_path = public, app`)
  const result = await examineOne('schema/views', target)
  expect(said(result)).toEqual([
    'materialised view "never" was never filled',
    'view "of_function" cannot be queried: relation "public.gone" does not exist',
  ])
  // What takes long, or would write, is there.
  expect(result.coverage?.missing.map(({ object, optional }) => [object, optional])).toEqual([
    ['counting', true],
    ['slow', true],
  ])
  await execute('create table gone (id int)')
  expect((await examine(target)).verdict.status).toBe('healthy')
})

test('on PostgreSQL: a view whose rows are on another server, which is not there, or ends the session there, costs no session here', async () => {
  const { target } = await testDatabase('postgres', `${tables} create extension postgres_fdw`)
  const { hostname, port, username, password } = new URL(target)
  const other = await testDatabase(
    'postgres',
    'create view ended as select pg_terminate_backend(pg_backend_pid()) as ended',
  )
  const name = new URL(other.target).pathname.slice(1)
  const servers = [
    `create server dead foreign data wrapper postgres_fdw options (host '${hostname}', port '1')`,
    `create server other foreign data wrapper postgres_fdw options (host '${hostname}', port '${port}', dbname '${name}')`,
    ...['dead', 'other'].map(
      (server) =>
        `create user mapping for public server ${server} options (user '${username}', password '${password}')`,
    ),
    'create foreign table unreachable (ended bool) server dead',
    "create foreign table ended (ended bool) server other options (table_name 'ended')",
    'create view of_unreachable as select ended from unreachable; create view of_ended as select ended from ended',
  ]
  await asSuperuser(target, servers.join('; '))
  const { verdict, results, causes } = await examine(target)
  expect([verdict.status, causes.map(({ id }) => id)]).toEqual(['healthy', ['all-well']])
  const resultOf = (id: string) => results.find((one) => one.id === id)
  expect(resultOf('connection/restarts')?.findings).toEqual([])
  expect(resultOf('schema/views')?.coverage?.missing).toEqual([
    { object: 'of_ended', reason: 'unavailable', detail: expect.stringMatching(/terminat|closed/), optional: true },
    {
      object: 'of_unreachable',
      reason: 'unavailable',
      detail: 'could not connect to server "dead"',
      optional: true,
    },
  ])
})

test('on PostgreSQL views are asked together, and by themselves where one of them fails', async () => {
  const views = Array.from({ length: 10 }, (_, at) => `create view v${at} as select x from a;`).join(' ')
  const { target, execute } = await testDatabase('postgres', `${tables} ${views}`)
  const asked = async () => {
    const way = await overheard(target)
    const result = await examineOne('schema/views', way.target)
    return { result, messages: way.said.filter((message) => message.includes('from "public"."v')).length }
  }
  const sound = await asked()
  expect([said(sound.result), sound.result.coverage, sound.messages]).toMatchObject(['pass', { examined: 12 }, 1])
  await execute('create or replace view v3 as select (1 / (length(x) - 3))::text as x from a')
  const ill = await asked()
  expect(ill.result.coverage).toMatchObject({ examined: 11, missing: [{ object: 'v3' }] })
  expect(ill.messages).toBe(1 + 10)
})
