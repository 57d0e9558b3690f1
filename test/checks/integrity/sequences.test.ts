import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { afterwards, examineOne, said, testDatabase } from '../../support/databases.js'
import { overheard } from '../../support/overheard.js'

const sequences = (target: string, used?: number) =>
  examineOne(
    'integrity/sequences',
    target,
    used === undefined ? {} : { config: { checks: { 'integrity/sequences': { options: { used } } } } },
  )

/** The address for a role that may read these alone. */
async function reader(target: string, execute: (statements: string) => Promise<unknown>, readable?: string) {
  const role = `reader_${process.pid}_${randomUUID().slice(0, 8)}`
  const everything = `all tables in schema public to ${role}; grant select on all sequences in schema public`
  await execute(`create role ${role} login password 'p'; grant select on ${readable ?? everything} to ${role}`)
  afterwards(() => execute(`drop owned by ${role}; drop role ${role}`))
  return Object.assign(new URL(target), { username: role, password: 'p' }).href
}

const innocent = `
  create table fresh (id serial primary key);
  create table used (id bigint generated always as identity primary key); insert into used default values; insert into used default values;
  create table ready (id serial primary key); insert into ready values (1), (2); select setval('ready_id_seq', 2);
  create table exact (id serial primary key); insert into exact values (1), (2); select setval('exact_id_seq', 3, false);
  create sequence ring minvalue 1 maxvalue 5 cycle; create table cyclic (id int primary key default nextval('ring')); insert into cyclic select generate_series(1, 5);
  create sequence down increment -1 minvalue -1000 maxvalue -1 start -1; create table descending (id int primary key default nextval('down')); insert into descending default values;
  create table parts (id bigserial, at int) partition by range (at); create table parts_1 partition of parts for values from (0) to (10);
  insert into parts (at) values (1), (2);
  create table repeated (n int default nextval('down')); insert into repeated values (-900);
  create sequence s; create table shifted (id bigint primary key default (nextval('s') << 10) | 3); alter sequence s owned by shifted.id;
  insert into shifted default values; insert into shifted default values;
  create sequence tens; create table by_tens (id bigint primary key default nextval('tens') * 10); insert into by_tens default values;
  create table cast_back (id int primary key default nextval('tens')::int);
 create table parties (id serial primary key); insert into parties default values; insert into parties default values;
  create table persons (id serial primary key references parties); insert into persons values (2);
  create sequence alone; create table "order" ("Id" serial primary key);`

test('sequences that are ahead of their columns, whatever their kind, are not spoken of', async () => {
  const { target } = await testDatabase('postgres', innocent)
  const result = await sequences(target)
  expect([said(result), result.coverage?.missing]).toEqual(['pass', []])
  expect(result.coverage?.examined).toBeGreaterThan(7)
})

test('a sequence behind its column, at its very edge too, with the statement that mends it', async () => {
  const { target, execute } = await testDatabase(
    'postgres',
    `${innocent}
    insert into "order" values (1);
    insert into used overriding system value values (17);
    insert into descending values (-2);
    create domain key as bigint; create sequence keys; create table kept (id key primary key default nextval('keys')); insert into kept values (3);
    create table parts_keyed (id bigserial primary key); insert into parts_keyed values (1), (41);
    select nextval('persons_id_seq');`,
  )
  const result = await sequences(target)
  expect(said(result)).toEqual([
    'sequence "down" gives -2 next, and "descending".id is at -2 already: inserts will fail with a duplicate key',
    'sequence "keys" gives 1 next, and "kept".id is at 3 already: inserts will fail with a duplicate key',
    'sequence "order_Id_seq" gives 1 next, and "order".Id is at 1 already: inserts will fail with a duplicate key',
    'sequence "parts_keyed_id_seq" gives 1 next, and "parts_keyed".id is at 41 already: inserts will fail with a duplicate key',
    'sequence "persons_id_seq" gives 2 next, and "persons".id is at 2 already: inserts will fail with a duplicate key',
    'sequence "used_id_seq" gives 3 next, and "used".id is at 17 already: inserts will fail with a duplicate key',
  ])
  const never = 'It was never used: where the application gives the numbers itself, nothing is wrong.'
  expect(result.findings.map(({ next }) => next?.includes(never))).toEqual([false, true, true, true, false, false])
  for (const { next } of result.findings) await execute(String(next?.[0]))
  expect(said(await sequences(target))).toBe('pass')
  await execute(
    'insert into "order" default values; insert into used default values; insert into descending default values',
  )
})

test('a sequence near its end, or near that of its column', async () => {
  const { target, execute } = await testDatabase(
    'postgres',
    `create table narrow (id smallint primary key); create sequence wide owned by narrow.id; alter table narrow alter id set default nextval('wide');
    select setval('wide', 30000);
    create table bounded (id serial primary key); select setval('bounded_id_seq', 2000000000);
    create table roomy (id bigserial primary key); select setval('roomy_id_seq', 3000000000);
    create sequence down increment -1 minvalue -100 maxvalue -1; create table descending (id int primary key default nextval('down')); select setval('down', -95);
    create sequence ring maxvalue 10 cycle; create table cyclic (id int primary key default nextval('ring')); select setval('ring', 9);`,
  )
  const result = await sequences(target)
  expect(said(result)).toEqual([
    'sequence "bounded_id_seq" of "bounded".id has used 93 % of its values',
    'sequence "down" of "descending".id has used 94 % of its values',
    'sequence "wide" of "narrow".id has used 91 % of its values',
  ])
  expect(result.status).toBe('warn')
  expect(said(await sequences(target, 0.99))).toBe('pass')
  // What is advised makes room, and does no more than that takes.
  const advised = result.findings.flatMap(({ next = [] }) => next.map((step) => step.split('; --')[0] ?? ''))
  expect(advised).toEqual([
    'alter table "public"."bounded" alter column "id" type bigint',
    'alter sequence "public"."bounded_id_seq" as bigint',
    'alter sequence "public"."down" no minvalue',
    'alter table "public"."narrow" alter column "id" type bigint',
  ])
  for (const statement of advised) await execute(statement)
  expect(said(await sequences(target))).toBe('pass')
})

test('a sequence that has given its last value, and one that has one left', async () => {
  const { target, execute } = await testDatabase(
    'postgres',
    `create table small (id smallserial primary key); select setval('small_id_seq', 32767);
    create table last_one (id smallserial primary key); select setval('last_one_id_seq', 32766);
    create table large (id bigserial primary key); select setval('large_id_seq', 9223372036854775807);
    create table large_last (id bigserial primary key); select setval('large_last_id_seq', 9223372036854775806);
    create sequence wide; create table narrow (id smallint primary key default nextval('wide')); select setval('wide', 32768, false);
    create sequence down increment -10 minvalue -100 maxvalue -1; create table descending (id int primary key default nextval('down')); select setval('down', -95);
    create sequence ring maxvalue 5 cycle; create table cyclic (id int primary key default nextval('ring')); select setval('ring', 5);
    create table empty (id smallserial primary key); select setval('empty_id_seq', 32767, false);`,
  )
  const result = await sequences(target)
  expect(said(result)).toEqual([
    'sequence "down" of "descending".id has given its last value: inserts that need another fail',
    'sequence "large_id_seq" of "large".id has given its last value: inserts that need another fail',
    'sequence "large_last_id_seq" of "large_last".id has used 100 % of its values',
    'sequence "last_one_id_seq" of "last_one".id has used 99 % of its values',
    'sequence "small_id_seq" of "small".id has given its last value: inserts that need another fail',
    'sequence "wide" of "narrow".id has given its last value: inserts that need another fail',
  ])
  expect(result.status).toBe('fail')
  for (const full of ['small', 'large', 'narrow', 'descending'])
    await expect(execute(`insert into ${full} default values`)).rejects.toThrow(/reached m..imum value|out of range/)
  for (const roomy of ['last_one', 'large_last', 'cyclic', 'empty'])
    await execute(`insert into ${roomy} default values`)
})

test('sequences are asked together, and by themselves where one of them cannot be', async () => {
  const tables = Array.from({ length: 20 }, (_, at) => `create table t${at} (id serial primary key);`).join(' ')
  const { target, execute } = await testDatabase(
    'postgres',
    `${tables} create table two (id serial primary key, number bigint unique default nextval('t3_id_seq'))`,
  )
  const asked = async (as: string) => {
    const way = await overheard(as)
    const result = await sequences(way.target)
    return { result, messages: way.said.filter((message) => message.includes('last_value')).length }
  }
  const sound = await asked(target)
  expect([said(sound.result), sound.result.coverage?.examined, sound.messages]).toEqual(['pass', 22, 1])
  await execute('insert into t7 values (5); insert into two values (5, 100); alter table t9 enable row level security')
  const ill = await asked(await reader(target, execute))
  expect(ill.result.findings.map(({ message }) => message)).toEqual([
    'sequence "t3_id_seq" gives 1 next, and "two".number is at 100 already: inserts will fail with a duplicate key',
    'sequence "t7_id_seq" gives 1 next, and "t7".id is at 5 already: inserts will fail with a duplicate key',
    'sequence "two_id_seq" gives 1 next, and "two".id is at 5 already: inserts will fail with a duplicate key',
  ])
  expect(ill.result.coverage).toMatchObject({ examined: 21, missing: [{ object: 't9_id_seq of t9.id' }] })
  expect(ill.messages).toBe(1 + 22)
})

test('what a role may not read is said', async () => {
  const { target, execute } = await testDatabase(
    'postgres',
    'create table t (id serial primary key); create table u (id serial primary key)',
  )
  const { coverage } = await sequences(await reader(target, execute, 't, t_id_seq'))
  expect(coverage).toMatchObject({ examined: 1, missing: [{ object: 'u_id_seq of u.id', reason: 'no-permission' }] })
})

test('on SQLite a counter behind its rows is harmless, and one at its end is not', async () => {
  const { target, execute } = await testDatabase(
    'sqlite',
    `create table t (id integer primary key autoincrement); insert into t values (5); update sqlite_sequence set seq = 1;
    insert into sqlite_sequence values ('gone', 9223372036854775807);`,
  )
  expect(said(await sequences(target))).toBe('pass')
  await execute('insert into t default values')
  await execute("update sqlite_sequence set seq = 9223372036854775807 where name = 't'")
  expect(said(await sequences(target))).toEqual([
    '"t" has given its last AUTOINCREMENT rowid: each insert fails with SQLITE_FULL',
  ])
  await expect(execute('insert into t default values')).rejects.toThrow(/full/)
  await execute("update sqlite_sequence set seq = 9223372036854775806 where name = 't'")
  expect(said(await sequences(target))).toEqual([
    '"t" has used 100 % of its AUTOINCREMENT rowids: at the end each insert fails with SQLITE_FULL',
  ])
  await execute('insert into t default values')
  expect(said(await sequences((await testDatabase('sqlite')).target))).toBe('pass')
})
