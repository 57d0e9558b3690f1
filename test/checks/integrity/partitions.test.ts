import pg from 'pg'
import { expect, test, vi } from 'vitest'
import { query } from '../../../fixtures/postgres/server.js'
import {
  afterwards,
  asSuperuser,
  examine,
  examineOne,
  hung,
  postgresVersion,
  said,
  testDatabase,
} from '../../support/databases.js'

const partitions = (target: string, rows?: number, depth: 'standard' | 'deep' = 'standard') =>
  examineOne('integrity/partitions', target, {
    depth,
    ...(rows !== undefined && { config: { checks: { 'integrity/partitions': { options: { rows } } } } }),
  })

/** A table by day, and a partition whose rows came in past its bounds: nobody looks at them where a constraint speaks for them. */
const byDay = `create schema "Odd";
  create table days (id int generated always as identity, "the day" date, t text, size int generated always as (length(t)) stored) partition by range ("the day");
  create table y2020 partition of days for values from ('2020-01-01') to ('2021-01-01');
  create table "Odd"."it's" (id int not null, "the day" date, t text, size int generated always as (length(t)) stored);
  insert into "Odd"."it's" (id, "the day", t) values (101, '2021-05-05', 'right'), (102, '2020-05-05', 'wrong'), (103, null, 'null'), (104, '2030-01-01', 'nowhere');
  alter table "Odd"."it's" add constraint its_word check ("the day" is not null and "the day" >= '2021-01-01' and "the day" < '2022-01-01') not valid;
  update pg_constraint set convalidated = true where conname = 'its_word';
  alter table days attach partition "Odd"."it's" for values from ('2021-01-01') to ('2022-01-01');
  alter table "Odd"."it's" drop constraint its_word; create table others partition of days default;
  insert into days ("the day", t) values ('2020-02-02', 'x'), ('2021-02-02', 'y'), (null, 'z')`

test('partitions of every kind that hold what is theirs are silent', async () => {
  const { target } = await testDatabase(
    'postgres',
    `create function half(int) returns int immutable language sql as 'select $1 / 2';
    create table list (k text, v int) partition by list (k); create table list_a partition of list for values in ('a', null);
    create table list_b partition of list for values in ('b''c', 'd') partition by hash (v);
    create table list_b0 partition of list_b for values with (modulus 2, remainder 0); create table list_b1 partition of list_b for values with (modulus 2, remainder 1);
    create table range (a int, b int) partition by range (half(a), b);
    create table range_low partition of range for values from (minvalue, minvalue) to (10, 5); create table range_other partition of range default;
    create table empty (a int) partition by range (a);
    insert into list values (null, 1), ('a', 2), ('b''c', 3), ('d', 4), ('d', null); insert into range values (1, 1), (20, 4), (20, 5), (21, null), (null, null)`,
  )
  const result = await partitions(target)
  expect([said(result), result.coverage]).toEqual(['pass', { examined: 5, of: 5, unit: 'partition', missing: [] }])
  expect((await examine(target)).causes.map(({ id }) => id)).toEqual(['all-well'])
})

test('a database without partitions has nothing to look at, nor has a file', async () => {
  const { target } = await testDatabase('postgres', 'create table t (id int)')
  expect(said(await partitions(target))).toBe('pass')
  const file = await testDatabase('sqlite', 'create table t (id int)')
  expect(said(await partitions(file.target))).toBe('skip: not-applicable: it does not apply to sqlite')
})

test('rows outside of the bounds of their partition, and what moves them', async () => {
  const { target, execute } = await testDatabase('postgres')
  await asSuperuser(target, byDay)
  const found = () => query(target, `select array_agg(id) as ids from days where "the day" = '2020-05-05'`)
  expect(await found()).toEqual({ ids: null })
  const result = await partitions(target)
  expect([result.status, said(result)]).toEqual([
    'fail',
    ['"Odd.it\'s": 3 rows lie outside the bounds of this partition of "days": no query by the key finds them'],
  ])
  const [select = '', move = ''] = result.findings[0]?.next ?? []
  expect(await query(target, `select array_agg(id order by id) as ids from (${select}) as shown`)).toEqual({
    ids: [102, 103, 104],
  })
  await execute(move)
  expect(await found()).toEqual({ ids: [102] })
  expect(said(await partitions(target))).toBe('pass')
  expect(await query(target, 'select count(*)::int as rows from days')).toEqual({ rows: 7 })
})

test('where other rows reference them nobody is told to delete any', async () => {
  const { target } = await testDatabase('postgres')
  await asSuperuser(
    target,
    `${byDay}; create table notes (at date, id int); delete from "Odd"."it's" where "the day" is null; delete from others where "the day" is null;
    alter table days add primary key ("the day", id); alter table notes add foreign key (at, id) references days on delete cascade`,
  )
  const [finding] = (await partitions(target)).findings
  expect(finding?.evidence.rows).toBe(2)
  expect(finding?.next?.[1]).toMatch(/^Move them with whoever knows the tables that reference them/)
})

test('a partition of many rows is read where somebody asks for all', async () => {
  const { target } = await testDatabase('postgres')
  await asSuperuser(target, `${byDay}; analyze`)
  const some = await partitions(target, 2)
  expect([said(some), some.coverage]).toEqual([
    'pass',
    expect.objectContaining({
      examined: 2,
      of: 3,
      missing: [{ object: "Odd.it's", reason: 'unsafe', detail: 'many rows: --depth deep reads it', optional: true }],
    }),
  ])
  expect((await partitions(target, 2, 'deep')).status).toBe('fail')
})

test('a partition that was half detached, but not one that is being detached', async () => {
  if ((await postgresVersion()) < 14) return
  const { target, execute } = await testDatabase(
    'postgres',
    'create table t (a int) partition by list (a); create table t1 partition of t for values in (1); insert into t values (1)',
  )
  const old = new pg.Client(target)
  const detacher = new pg.Client(target)
  await Promise.all([old.connect(), detacher.connect()])
  afterwards(() => Promise.all([old.end(), detacher.end()]))
  await old.query('begin isolation level repeatable read; select from t')
  const detaching = detacher.query('alter table t detach partition t1 concurrently').catch((error: Error) => error)
  const isWaiting = () =>
    query(
      target,
      `select count(*)::int as waiting from pg_locks join pg_stat_activity using (pid)
       where datname = current_database() and mode = 'ShareLock' and not granted`,
    )
  await vi.waitUntil(async () => (await isWaiting()).waiting === 1, { timeout: hung })
  expect(said(await partitions(target))).toBe('pass')
  await execute(`select pg_cancel_backend(${(detacher as unknown as { processID: number }).processID})`)
  expect(await detaching).toMatchObject({ code: '57014' })
  await old.query('rollback')
  const result = await partitions(target)
  expect([result.status, said(result)]).toEqual([
    'warn',
    [
      '"t1" was to be detached from "t", and was not: queries no longer read it, and no other partition can be detached',
    ],
  ])
  await execute(result.findings[0]?.next?.[0] ?? '')
  expect(said(await partitions(target))).toBe('pass')
  expect(await query(target, 'select a from t1')).toEqual({ a: 1 })
})
