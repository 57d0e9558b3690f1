import { expect, test } from 'vitest'
import { afterwards, examine, examineOne, postgresVersion, said, testDatabase } from '../../support/databases.js'
import { startPostgres } from '../../support/postgres.js'

const enforcement = (target: string) => examineOne('integrity/enforcement', target)

const innocent = `
  create table p (id int primary key); create table c (id int primary key, p_id int references p (id), n int check (n > 0));
  create table parts (id int not null, p_id int constraint parts_p references p (id), at date) partition by range (at);
  create table parts_1 partition of parts for values from ('2020-01-01') to ('2021-01-01');
  create function f() returns trigger language plpgsql as 'begin return new; end';
  create trigger on_replica before insert on c for each row execute function f();
  alter table c enable replica trigger on_replica;`

test('what is enforced is not spoken of, nor is a trigger that was made for replicas', async () => {
  const { target } = await testDatabase('postgres', innocent)
  expect(said(await enforcement(target))).toBe('pass')
})

test('keys and checks that are not valid, keys whose triggers are off, triggers that are off: each once, with its way back', async () => {
  const { target, execute } = await testDatabase(
    'postgres',
    `${innocent}
    create table "odd ""name" (id int, p_id int);
    alter table "odd ""name" add constraint late foreign key (p_id) references p (id) not valid;
    create domain plate as text check (value <> ''); create table cars (plate plate);
    alter domain plate add constraint "no dash" check (value !~ '-') not valid;
    alter table c add constraint "n small" check (n < 10) not valid;
    create table quiet (id int primary key, p_id int constraint quiet_p references p (id));
    alter table quiet disable trigger all;
    alter table parts disable trigger all;
    create trigger noted before insert on p for each row execute function f(); alter table p disable trigger noted;`,
  )
  // Before PostgreSQL 15 a partitioned table has no such triggers itself, and those of its partitions stay on.
  const parts = 'the triggers that enforce foreign key "parts_p" of "parts" are disabled: any row is let in'
  const result = await enforcement(target)
  expect(said(result)).toEqual([
    'constraint "n small" of "c" is NOT VALID: rows from before it were never checked',
    'foreign key "late" of "odd "name" is NOT VALID: rows from before it were never compared',
    'trigger "noted" of "p" is disabled',
    ...((await postgresVersion()) < 15 ? [] : [parts]),
    'constraint "no dash" of domain "plate" is NOT VALID: values from before it were never checked',
    'the triggers that enforce foreign key "quiet_p" of "quiet" are disabled: any row is let in',
  ])
  for (const { next } of result.findings) await execute(String(next?.[0]))
  expect(said(await enforcement(target))).toBe('pass')
})

test('a key whose triggers are off at the table that it references', async () => {
  const { target, execute } = await testDatabase('postgres', innocent)
  await execute(
    'create table q (id int primary key, p_id int constraint q_p references p (id)); alter table p disable trigger all',
  )
  const result = await enforcement(target)
  expect(said(result)).toContain(
    'the triggers of "p" that enforce foreign key "q_p" of "q" are disabled: rows may go that others point at',
  )
  await execute(String(result.findings[0]?.next?.[0]))
  expect(said(await enforcement(target))).toBe('pass')
})

test('a key whose triggers are off in one partition alone', async () => {
  const { target, execute } = await testDatabase('postgres', `${innocent} alter table parts_1 disable trigger all`)
  const result = await enforcement(target)
  expect(said(result)).toEqual([
    'the triggers that enforce foreign key "parts_p" of "parts_1" are disabled: any row is let in',
  ])
  await execute(String(result.findings[0]?.next?.[0]))
  expect(said(await enforcement(target))).toBe('pass')
})

test('what is declared NOT ENFORCED, which PostgreSQL 18 brought', async () => {
  const { target, execute } = await testDatabase('postgres', innocent)
  const declare = () =>
    execute(`alter table c add constraint "later on" check (n < 10) not enforced;
    alter table c add constraint loose foreign key (n) references p (id) not enforced`)
  if ((await postgresVersion()) < 18) {
    await expect(declare()).rejects.toThrow('syntax error')
    return
  }
  await declare()
  await execute('create table later (n int); alter table later add constraint there not null n not valid')
  const result = await enforcement(target)
  expect(said(result)).toEqual([
    'constraint "later on" of "c" is declared NOT ENFORCED',
    'foreign key "loose" of "c" is declared NOT ENFORCED',
    'constraint "there" of "later" is NOT VALID: rows from before it were never checked',
  ])
  for (const { next } of result.findings) await execute(String(next?.[0]))
  expect(said(await enforcement(target))).toBe('pass')
})

test('a role for which nothing fires', async () => {
  const { target, execute } = await testDatabase('postgres', innocent)
  const role = `loader_${process.pid}`
  const name = new URL(target).pathname.slice(1)
  await execute(`create role ${role}; alter role ${role} in database ${name} set session_replication_role = replica`)
  afterwards(() => execute(`drop owned by ${role}; drop role ${role}`))
  const result = await enforcement(target)
  expect(said(result)).toEqual([
    `session_replication_role is replica for role "${role}" in database "${name}": no foreign key and no trigger fires`,
  ])
  await execute(String(result.findings[0]?.next?.[0]))
  expect(said(await enforcement(target))).toBe('pass')
})

test('on SQLite it is the application that enforces, which is worth knowing and no fault', async () => {
  const { target } = await testDatabase(
    'sqlite',
    'create table p (id integer primary key); create table c (p_id integer references p (id))',
  )
  const { results, verdict } = await examine(target)
  const result = results.find(({ id }) => id === 'integrity/enforcement') ?? expect.fail()
  expect([result.status, verdict.status, verdict.database]).toEqual(['pass', 'healthy', 'intact'])
  expect(said(result)).toEqual([
    '1 foreign key declared: SQLite enforces them only where the application says PRAGMA foreign_keys = ON',
  ])
  expect(said(await enforcement((await testDatabase('sqlite', 'create table t (a)')).target))).toBe('pass')
})

test('a server on which no trigger fires for anybody', async () => {
  const server = await startPostgres(['session_replication_role=replica'])
  afterwards(() => server.stop())
  const result = await enforcement(server.url)
  expect(said(result)).toEqual([
    'session_replication_role is replica for the server: no foreign key and no trigger fires',
  ])
  expect(result.findings[0]?.next).toEqual(['alter system reset session_replication_role'])
})
