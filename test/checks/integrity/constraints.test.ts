import BetterSqlite from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { query } from '../../../fixtures/postgres/server.js'
import { afterwards, examineOne, onEachDialect, postgresVersion, said, testDatabase } from '../../support/databases.js'
import { overheard } from '../../support/overheard.js'

const constraints = (target: string, unique?: number) =>
  examineOne(
    'integrity/constraints',
    target,
    unique === undefined ? {} : { config: { checks: { 'integrity/constraints': { options: { unique } } } } },
  )

onEachDialect((dialect) => {
  test('rows that obey are not spoken of: unknown satisfies a CHECK, and nulls are no duplicates', async () => {
    const { target } = await testDatabase(
      dialect,
      `create table t (id integer primary key, n integer check (n > 0), v text not null, u text unique, a integer, b integer, constraint "a or b" check (a is null or b is null), unique (a, b));
      insert into t values (1, 1, 'x', null, 1, null), (2, null, 'y', null, 1, null), (3, 5, 'z', 'u', null, 2);
      create table "odd ""name" ("select" integer not null primary key, "it's" text check ("it's" <> ') or (')); insert into "odd ""name" values (1, 'x');
      create table empty (id integer primary key, n integer not null check (n < 0));
      create view v as select 1 as n;`,
    )
    const result = await constraints(target)
    expect([said(result), result.coverage]).toEqual(['pass', expect.objectContaining({ examined: 3, of: 3 })])
  })
})

describe('on postgres', () => {
  const broken = `
    create table t (id int primary key, n int, v text, u text);
    insert into t values (1, -1, null, 'a'), (2, -2, 'x', 'b'), (3, 3, 'y', 'c');
    alter table t add constraint positive check (n > 0) not valid;
    create table child () inherits (t); insert into child values (9, 1, 'z', 'd');`

  test('a CHECK that is not valid, a null under NOT NULL, a duplicate under a unique index', async () => {
    const { target, execute } = await testDatabase('postgres', broken)
    await execute(`create unique index t_u on t (u)`)
    await execute(`update pg_attribute set attnotnull = true where attrelid = 't'::regclass and attname = 'v'`)
    await execute(
      `update pg_index set indisready = false, indisvalid = false where indexrelid = 't_u'::regclass; insert into t values (4, 4, 'w', 'a');
      update pg_index set indisready = true, indisvalid = true where indexrelid = 't_u'::regclass`,
    )
    const result = await constraints(target)
    expect(said(result)).toEqual([
      '"t": 1 row without a value in v, which is NOT NULL',
      '"t": 2 rows violate CHECK "positive"',
      '"t": 1 value of (u) is there more than once, and should be unique',
    ])
    expect(result.findings[0]?.next).toEqual(['select * from "public"."t" where num_nulls("v") = 1'])
    expect(result.findings[2]?.next).toEqual([
      'set enable_indexscan = off; set enable_indexonlyscan = off; select "u", count(*) from "public"."t" group by "u" having count(*) > 1',
      'Keep one row of each value, then: reindex table concurrently "public"."t"',
    ])
    await execute('analyze')
    expect(said(await constraints(target, 0))).not.toContainEqual(expect.stringContaining('more than once'))
  })

  test('a value that its domain does not allow, whatever the domain says of values', async () => {
    const { target, execute } = await testDatabase(
      'postgres',
      `create domain plate as text constraint filled check (value <> 'no VALUE'); create table cars ("the plate" plate, other text);
      insert into cars values ('AB-1', 'x'), ('CD 2', 'y'), (null, 'z')`,
    )
    expect(said(await constraints(target))).toBe('pass')
    await execute(`alter domain plate add constraint dashless check (value !~ '-') not valid`)
    const result = await constraints(target)
    expect(said(result)).toEqual(['"cars": 1 row violates CHECK "dashless"'])
    expect(result.findings[0]?.next).toEqual([`select * from "public"."cars" where not (("the plate" !~ '-'::text))`])
  })

  test('a value whose label was deleted from pg_enum', async () => {
    const { target, execute } = await testDatabase(
      'postgres',
      `create schema "Odd"; create type "Odd"."the mood" as enum ('sad', 'ok', 'happy'); create type never as enum ();
      create table "it's" (id int primary key, "my mood" "Odd"."the mood", unused never); insert into "it's" values (1, null), (2, 'happy'), (3, 'sad'), (4, 'ok');
      create table first_gone (m "Odd"."the mood"); insert into first_gone values ('happy'), ('ok');
      create table at_all (m "Odd"."the mood" not null) partition by list (m); create table happy partition of at_all for values in ('happy');
      create table others partition of at_all default; insert into at_all values ('happy'), ('sad');
      create table empty (m "Odd"."the mood")`,
    )
    const result = await constraints(target)
    expect([said(result), result.coverage]).toMatchObject(['pass', { examined: 4, of: 4, missing: [] }])
    await execute(
      'alter type "Odd"."the mood" rename value \'sad\' to \'low\'; alter type "Odd"."the mood" add value \'new\' before \'low\'',
    )
    expect(said(await constraints(target))).toBe('pass')
    await execute("delete from pg_enum where enumlabel = 'happy'")
    const ill = await constraints(target)
    expect(said(ill)).toEqual([
      '"happy": 1 row whose value of m its type no longer has: it cannot be read, nor dumped',
      '"first_gone": 1 row whose value of m its type no longer has: it cannot be read, nor dumped',
      '"it\'s": 1 row whose value of my mood its type no longer has: it cannot be read, nor dumped',
    ])
    await expect(execute('table first_gone')).rejects.toThrow(/invalid internal value for enum/)
    expect(await query(target, String(ill.findings[2]?.next?.[0]))).toEqual({ ctid: '(0,2)' })
  })

  test('a CHECK that cannot be answered is told, and the other tables are examined', async () => {
    const { target, execute } = await testDatabase(
      'postgres',
      `create function broken(int) returns boolean immutable language plpgsql as 'begin raise exception ''no way''; end';
      create table t (n int); insert into t values (1); alter table t add constraint c check (broken(n)) not valid; create table u (n int not null);`,
    )
    await execute('analyze')
    const { coverage } = await constraints(target)
    expect(coverage).toMatchObject({ examined: 2, missing: [{ object: 'CHECK c of t', detail: 'no way' }] })
  })
})

describe('a condition that cannot be asked here', () => {
  test('on SQLite is a gap of its own, which nobody minds, and the other rules of the table are asked', async () => {
    const { target } = await testDatabase(
      'sqlite',
      `pragma ignore_check_constraints = on;
      create table t (id integer primary key, n int check (n > 0 -- more than nothing
      ), s text check (s in ('new', 'old')), email text constraint address check (email like '@'), v text not null);
      insert into t values (1, 1, 'new', 'a@b', ''), (2, -1, 'lost', 'x', '');
      pragma writable_schema = on;
      update sqlite_schema set sql = replace(replace(replace(sql, 'like', 'regexp'), '''new''', '"new"'), '''old''', '"old"');`,
    )
    const result = await constraints(target)
    expect(said(result)).toEqual(['"t": 1 row violates a CHECK', '"t": 1 row violates a CHECK'])
    expect(new Set(result.findings.map(({ fingerprint }) => fingerprint)).size).toBe(2)
    expect(result.coverage).toMatchObject({
      examined: 1,
      missing: [{ object: 'CHECK address of t', reason: 'unavailable', optional: true }],
    })
  })

  test('on PostgreSQL it means what it means to the role: its search path, and functions that it may call', async () => {
    const { target, execute } = await testDatabase(
      'postgres',
      `create table limits (most int); insert into limits values (10);
      create function fits(n int) returns boolean stable language plpgsql as 'begin return n <= (select max(most) from limits); end';
      create table t (n int constraint fits check (fits(n)), m int not null); insert into t values (1, 1)`,
    )
    expect(said(await constraints(target))).toBe('pass')
    const role = `caller_${process.pid}`
    await execute(
      `revoke execute on function fits from public; create role ${role} login password 'p'; grant select on t, limits to ${role}`,
    )
    afterwards(() => execute(`drop owned by ${role}; drop role ${role}`))
    const url = new URL(target)
    url.username = role
    url.password = 'p'
    expect((await constraints(url.href)).coverage).toMatchObject({
      examined: 2,
      missing: [{ object: 'CHECK fits of t', reason: 'no-permission' }],
    })
  })
})

onEachDialect((dialect) => {
  test('a key compares as its index does, whatever the column does', async () => {
    const collation = {
      sqlite: ['', 'nocase', 'binary'],
      postgres: [
        `create collation nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);`,
        'nocase',
        '"C"',
      ],
    }[dialect]
    const { target, execute } = await testDatabase(
      dialect,
      `${collation[0]} create table t (id integer primary key, name text collate ${collation[1]});
      create unique index t_name on t (name collate ${collation[2]}); insert into t values (1, 'Bob'), (2, 'bob'), (3, null), (4, null)`,
    )
    expect(said(await constraints(target))).toBe('pass')
    await execute('drop index t_name; delete from t where id = 2')
    await execute(`create unique index t_name on t (name)`)
    expect(said(await constraints(target))).toBe('pass')
  })
})

test('on PostgreSQL nulls that are no different are found twice, and an index that never was valid is no key', async () => {
  const { target, execute } = await testDatabase(
    'postgres',
    'create table t (a int, b int); insert into t values (1, null), (2, 1), (3, 1)',
  )
  await execute('create unique index concurrently t_b on t (b)').catch(() => {})
  expect(said(await constraints(target))).toBe('pass')
  if ((await postgresVersion()) < 15) return
  await execute('drop index t_b; delete from t where a = 3; create unique index t_n on t (b) nulls not distinct')
  expect(said(await constraints(target))).toBe('pass')
  await execute(`update pg_index set indisready = false, indisvalid = false where indexrelid = 't_n'::regclass; insert into t values (9, null);
    update pg_index set indisready = true, indisvalid = true where indexrelid = 't_n'::regclass`)
  expect(said(await constraints(target))).toEqual(['"t": 1 value of (b) is there more than once, and should be unique'])
})

test('on SQLite rows that came in past the constraints are found without the help of an index', async () => {
  const { target } = await testDatabase(
    'sqlite',
    `create table t (id integer primary key, n integer constraint positive check (n > 0), v text, u text);
    create unique index t_u on t (u) where id < 0; insert into t values (1, 1, 'x', 'a'), (2, 2, null, 'a');`,
  )
  const database = new BetterSqlite(target.slice('sqlite:'.length))
  database.pragma('ignore_check_constraints = on')
  database.exec("insert into t values (3, -3, 'z', 'b')")
  database.unsafeMode()
  database.pragma('writable_schema = on')
  database.exec(`update sqlite_schema set sql = 'create unique index t_u on t (u)' where name = 't_u';
    update sqlite_schema set sql = replace(sql, 'v text', 'v text not null') where name = 't'`)
  database.close()
  const result = await constraints(target)
  expect(said(result)).toEqual([
    '"t": 1 row without a value in v, which is NOT NULL',
    '"t": 1 row violates CHECK "positive"',
    '"t": 1 value of (u) is there more than once, and should be unique',
  ])
  // What is advised finds the rows.
  const found = new BetterSqlite(target.slice('sqlite:'.length), { readonly: true })
  const rows = result.findings.map(({ next = [] }) => found.prepare(next[0] ?? '').all())
  found.close()
  expect(rows).toMatchObject([[{ id: 2 }], [{ id: 3 }], [{ u: 'a', 'count(*)': 2 }]])
  expect(result.findings[2]?.next?.[1]).toBe('Keep one row of each value, then: reindex "main"."t"')
})

test('on SQLite a primary key lets nulls in where it is no rowid: rows without one are counted', async () => {
  const { target, execute } = await testDatabase(
    'sqlite',
    `create table by_text (id text primary key, n integer); create table by_rowid (id integer primary key, n integer);
    create table "of two" ("the a" text, b text not null, primary key ("the a", b)); create table strict_one (id text primary key) strict;
    create table apart (id text primary key) without rowid; create table filled (id int primary key);
    insert into by_text values ('a', 1), ('b', 2); insert into by_rowid values (null, 1); insert into "of two" values ('a', 'b');
    insert into strict_one values ('a'); insert into apart values ('a'); insert into filled values (1)`,
  )
  const result = await constraints(target)
  expect([said(result), result.coverage]).toEqual(['pass', expect.objectContaining({ examined: 6, of: 6 })])
  await execute(`insert into "of two" values (null, 'b'), (null, 'b'); insert into by_text values (null, 3)`)
  const found = await constraints(target)
  // It is allowed, and may be meant.
  expect([found.status, said(found)]).toEqual([
    'pass',
    [
      '"by_text": 1 row without a value in the primary key (id), which SQLite allows',
      '"of two": 2 rows without a value in the primary key (the a, b), which SQLite allows',
    ],
  ])
  for (const { evidence, next } of found.findings)
    await execute(`delete from "${evidence.table}" where rowid in (${next?.[0]?.replace('*', 'rowid')})`)
  expect(said(await constraints(target))).toBe('pass')
})

test('small tables are asked in one message, and each by itself where one of them cannot be', async () => {
  const tables = Array.from(
    { length: 20 },
    (_, at) => `create table t${at} (id int primary key, n int check (n > 0)); insert into t${at} values (1, 1);`,
  ).join(' ')
  const { target, execute } = await testDatabase('postgres', tables)
  const asked = async () => {
    const way = await overheard(target)
    const result = await examineOne('integrity/constraints', way.target)
    return { result, messages: way.said.filter((message) => message.includes('count(case when')).length }
  }
  const sound = await asked()
  expect([said(sound.result), sound.result.coverage, sound.messages]).toMatchObject([
    'pass',
    { examined: 20, of: 20 },
    1,
  ])
  await execute(`create function odd(int) returns boolean language plpgsql as $$ begin raise exception 'not now'; end $$;
    alter table t3 add constraint odd check (odd(n)) not valid; alter table t5 drop constraint t5_n_check; insert into t5 values (2, -1);
    alter table t5 add constraint positive check (n > 0) not valid`)
  const ill = await asked()
  expect(ill.result.findings.map(({ message }) => message)).toEqual(['"t5": 1 row violates CHECK "positive"'])
  // What cannot be told of a table is no other table.
  expect(ill.result.coverage).toMatchObject({ examined: 20, of: 20, missing: [{ object: 'CHECK odd of t3' }] })
  expect(ill.messages).toBeGreaterThan(20)
})
