import { expect, inject, test } from 'vitest'
import { limit } from '../../../src/contracts/limits.js'
import type { Catalog } from '../../../src/dialects/catalog.js'
import { dialectOf } from '../../../src/dialects/target.js'
import { afterwards, asSuperuser, examine, said, testDatabase } from '../../support/databases.js'

async function catalogOf(target: string): Promise<Catalog> {
  const limits = limit(performance.now() + 20_000, new AbortController().signal)
  const opening = await (await dialectOf({ dialect: 'postgres', address: target }, {})).open(limits)
  if (opening.outcome !== 'opened') throw new Error(opening.text)
  const answer = await opening.database.session(limits).catalog()
  await opening.database.close()
  limits.clear()
  if (answer.outcome === 'failed') throw new Error(answer.text)
  return answer.value
}
const given = async (schema: string) => catalogOf((await testDatabase('postgres', schema)).target)

test('tables with their columns and keys', async () => {
  const { tables, schemas } = await given(
    `create table t (id bigint generated always as identity primary key, "Name" varchar(20) not null default 'x', gone int, twice int generated always as (1 + 1) stored, unique ("Name", id));
     alter table t drop column gone; insert into t ("Name") values ('a'); analyze t`,
  )
  expect(schemas).toEqual(['public'])
  expect(tables).toMatchObject([
    {
      schema: 'public',
      name: 't',
      kind: 'table',
      partitionOf: null,
      stored: true,
      rowsEstimate: 1,
      bytesEstimate: 8192,
      columns: [
        { name: 'id', type: 'bigint', nullable: false, generated: false, default: null },
        {
          name: 'Name',
          type: 'character varying',
          nullable: false,
          generated: false,
          default: "'x'::character varying",
        },
        { name: 'twice', type: 'integer', nullable: true, generated: true },
      ],
      keys: [
        { primary: true, columns: ['id'] },
        { primary: false, columns: ['Name', 'id'] },
      ],
    },
  ])
})

test('indexes: unique, partial, over expressions, with included columns, backing a constraint', async () => {
  const { indexes } = await given(
    `create table t (a int primary key, b text, c int, exclude using gist (box(point(c, c), point(c, c)) with &&));
     create index on t (lower(b)); create unique index on t (b) include (c) where c > 0;`,
  )
  const told = indexes.map(({ name, columns, unique, partial, expression, backs, valid, ready, building }) => ({
    name,
    columns,
    unique,
    partial,
    expression,
    backs,
    sound: valid && ready && !building,
  }))
  expect(told).toEqual([
    { name: 't_b_c_idx', columns: ['b'], unique: true, partial: true, expression: false, backs: null, sound: true },
    {
      name: 't_box_excl',
      columns: [null],
      unique: false,
      partial: false,
      expression: true,
      backs: 'exclusion',
      sound: true,
    },
    { name: 't_lower_idx', columns: [null], unique: false, partial: false, expression: true, backs: null, sound: true },
    {
      name: 't_pkey',
      columns: ['a'],
      unique: true,
      partial: false,
      expression: false,
      backs: 'primary key',
      sound: true,
    },
  ])
})

test('foreign keys, checks, sequences and triggers', async () => {
  const { foreignKeys, checks, sequences, triggers } = await given(
    `create table p (a int, b int, primary key (a, b), unique (b, a));
     create table c (id serial primary key, x int, y int check (y > 0), foreign key (y, x) references p (b, a) match full deferrable);
     alter table c drop constraint c_y_x_fkey, add foreign key (y, x) references p (b, a) match full deferrable not valid;
     create sequence lone increment -2 start -1; create function f() returns trigger language plpgsql as 'begin return new; end';
     create trigger off before insert on c for each row execute function f(); alter table c disable trigger off;`,
  )
  expect(foreignKeys).toMatchObject([
    {
      child: { schema: 'public', name: 'c' },
      columns: ['y', 'x'],
      parent: { name: 'p' },
      parentColumns: ['b', 'a'],
      match: 'full',
      validated: false,
      enforced: true,
      deferrable: true,
      fault: null,
    },
  ])
  expect(checks).toEqual([
    { name: 'c_y_check', table: { schema: 'public', name: 'c' }, definition: 'CHECK ((y > 0))', validated: true },
  ])
  expect(sequences).toEqual([
    {
      schema: 'public',
      name: 'c_id_seq',
      start: 1,
      increment: 1,
      ownedBy: { table: { schema: 'public', name: 'c' }, column: 'id' },
    },
    { schema: 'public', name: 'lone', start: -1, increment: -2, ownedBy: null },
  ])
  expect(triggers).toEqual([{ name: 'off', table: { schema: 'public', name: 'c' }, enabled: false }])
})

test('names of any shape', async () => {
  const names = [
    'a b',
    'quo"te',
    "apo'strophe",
    'dot.ted',
    'Ünïcödé',
    'semi;colon',
    '$1',
    '{0}',
    '\\back',
    'emoji 🐘',
    'x'.repeat(63),
    'new\nline',
  ]
  const quote = (name: string) => `"${name.replaceAll('"', '""')}"`
  const { target } = await testDatabase(
    'postgres',
    names
      .map(
        (name) =>
          `create schema ${quote(name)}; create table ${quote(name)}.${quote(name)} (${quote(name)} int primary key references ${quote(name)}.${quote(name)}); insert into ${quote(name)}.${quote(name)} values (1)`,
      )
      .join(';'),
  )
  const { tables, foreignKeys } = await catalogOf(target)
  expect(tables.map(({ schema, name, columns }) => [schema, name, columns[0]?.name]).sort()).toEqual(
    names.map((name) => [name, name, name]).sort(),
  )
  expect(foreignKeys).toHaveLength(names.length)
  const { verdict, facts } = await examine(target)
  expect(verdict.status).toBe('healthy')
  expect(facts).toMatchObject({ 'schema.tables': names.length, 'schema.foreignKeys': names.length })
})

test('what is not the user’s own, or not a table, is not counted', async () => {
  const { target } = await testDatabase(
    'postgres',
    `create table t (id int primary key); create view v as select * from t; create materialized view m as select * from t;
     create foreign data wrapper nowhere; create server s foreign data wrapper nowhere; create foreign table f (id int) server s;`,
  )
  const { facts, verdict, results } = await examine(target)
  expect(facts).toMatchObject({ 'schema.tables': 1, 'schema.indexes': 1 })
  expect(results.find(({ id }) => id === 'schema/tables')?.coverage).toMatchObject({ examined: 1, of: 1 })
  expect(verdict.status).toBe('healthy')
})

test('temporary tables of other sessions are theirs', async () => {
  const { target } = await testDatabase('postgres', 'create table t (id int primary key)')
  const { default: pg } = await import('pg')
  const other = new pg.Client({ connectionString: target })
  await other.connect()
  await other.query('create temporary table mine (id int primary key)')
  expect((await examine(target)).facts).toMatchObject({ 'schema.tables': 1, 'schema.indexes': 1 })
  await other.end()
})

test('tables of an extension are the extension’s', async () => {
  const { target } = await testDatabase(
    'postgres',
    'create table t (id int primary key); create table theirs (id int primary key, t_id int)',
  )
  await asSuperuser(
    target,
    "insert into pg_depend select 'pg_class'::regclass, 'theirs'::regclass, 0, 'pg_extension'::regclass, oid, 0, 'e' from pg_extension where extname = 'plpgsql'",
  )
  expect((await examine(target)).facts).toMatchObject({ 'schema.tables': 1, 'schema.indexes': 1 })
})

test('the config may name schemas', async () => {
  const { target } = await testDatabase(
    'postgres',
    'create table a (id int primary key); create schema other; create table other.b (id int primary key); create table other.c (id int);',
  )
  const config = (schemas: string[], tables: string[]) => ({ config: { database: { schemas, expect: { tables } } } })
  expect((await examine(target, config(['public'], ['a']))).verdict.status).toBe('healthy')
  expect((await examine(target, config(['other'], ['other.b', 'other.c']))).facts).toMatchObject({
    'schema.tables': 2,
    'schema.indexes': 1,
  })
  const { results } = await examine(target, config(['elsewhere'], ['a']))
  expect(said(results.find(({ id }) => id === 'schema/tables') ?? expect.fail())).toEqual([
    'schema "elsewhere" is missing, which the config names (database.schemas)',
    'table "a" is missing',
  ])
})

test('a name that is no UTF-8, where no encoding forbids it, hides no other', async () => {
  const name = `odd_${process.pid}`
  const url = inject('postgres')
  await asSuperuser(url, `create database ${name} encoding 'SQL_ASCII' template template0 lc_collate 'C' lc_ctype 'C'`)
  afterwards(() => asSuperuser(url, `drop database ${name} with (force)`))
  const target = Object.assign(new URL(url), { pathname: `/${name}` }).href
  // Its bytes are made on the server: no driver would send them.
  await asSuperuser(
    target,
    `set client_encoding = 'SQL_ASCII';
     create table parents (id int primary key); create table children (id int primary key, parent_id int references parents);
     insert into parents values (1); insert into children values (1, 1); create index on children (parent_id);
     do $$ begin execute 'create table "t' || chr(255) || chr(254) || '" (id int primary key)'; end $$`,
  )
  const { results, verdict } = await examine(target)
  const one = (id: string) => results.find((result) => result.id === id)
  expect(one('schema/tables')?.coverage).toMatchObject({
    examined: 2,
    of: 3,
    missing: [
      { object: 't\uFFFD\uFFFD', reason: 'unavailable', detail: expect.stringMatching(/: its name is no UTF-8$/) },
    ],
  })
  expect(one('integrity/foreign-keys')?.status).toBe('pass')
  expect(verdict).toMatchObject({ status: 'inconclusive', database: 'unverified' })
})
