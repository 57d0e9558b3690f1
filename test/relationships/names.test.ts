import { expect, test } from 'vitest'
import { examineOne, said, testDatabase } from '../support/databases.js'

/** What a column is called has nothing to do with dialects. */
const given = async (statements: string) =>
  examineOne('integrity/orphaned-rows', (await testDatabase('sqlite', statements)).target)

/** Thirty rows whose values are there, and one whose value is not: enough to believe in any name. */
const oneOff = (parents: string, key: string, children: string) => {
  const some = Array.from({ length: 30 }, (_, at) => at + 1)
  return `
    insert into "${parents}" (${key}) values ${some.map((id) => `(${id})`)};
    insert into "${children}" values ${[...some, 99].map((value) => `(${value}, ${value})`)};`
}
const measured = (parents: string, column: string) => `
  create table "${parents}" (id integer primary key);
  create table categories (id integer primary key, "${column}" integer);
  ${oneOff(parents, 'id', 'categories')}`

test.each([
  ['page', 'pages'],
  ['page', 'total_pages'],
  ['page', 'show_page'],
  ['pages', 'page_is_page'],
  ['media_types', 'value_type'],
  ['users', 'operator'],
  ['sale_orders', 'display_order'],
  ['sequences', 'sequence'],
  ['price', 'price'],
  ['version', 'version'],
])('"%s" is not pointed at by "%s", which says how many there are, or whether, or how', async (parents, column) => {
  expect(said(await given(measured(parents, column)))).toBe('pass')
})

test('a column in the singular, with no such word before it, is taken to point there', async () => {
  expect(said(await given(measured('page', 'page')))).toEqual([
    '"categories": 1 row points at a row of "page" that does not exist (page, inferred by name and type)',
  ])
})

/** Lists that have their place in an order, of which so many take it from a counter. */
const lists = (counted: number) => `
  create table counters (id integer primary key);
  ${Array.from({ length: 4 }, (_, at) => `create table list${at} (id integer primary key, sorting integer${at < counted ? ' references counters (id)' : ''});`).join(' ')}
  ${oneOff('counters', 'id', 'list3')}`

test('a name that is a foreign key here, and none in most tables, is that of a plain column', async () => {
  expect(said(await given(lists(1)))).toBe('pass')
  expect(said(await given(lists(2)))).toEqual([
    '"list3": 1 row points at a row of "counters" that does not exist (sorting, inferred by name and type)',
  ])
})

const instances = (archive: string, columns: string) => `
  create table hosts (id integer primary key);
  create table instances (id integer primary key, host_id integer);
  create table ${archive} (id integer primary key, host_id integer${columns});
  ${oneOff('hosts', 'id', archive)}`

test.each(['shadow_instances', 'instances_archive', 'old_instances', 'instance_history'])(
  'what rows in an archive (%s) point at may be gone for good',
  async (archive) => {
    expect(said(await given(instances(archive, '')))).toBe('pass')
  },
)

test('so may be what they point at by kind', async () => {
  const notes = (archive: string) => `
    create table posts (id integer primary key); insert into posts values (1), (2);
    create table notes (id integer primary key, subject_id integer, subject_type text);
    create table ${archive} (id integer primary key, subject_id integer, subject_type text);
    insert into ${archive} values (1, 1, 'Post'), (2, 2, 'Post'), (3, 9, 'Post');`
  expect(said(await given(notes('notes_archive')))).toBe('pass')
  expect(said(await given(notes('remarks')))).toEqual([
    '"remarks": 1 row points at a row of "posts" that does not exist (subject_id, inferred by subject_type)',
  ])
})

test('a table that is only called like an archive is none', async () => {
  const history = instances('instance_history', ', at integer').replace(
    '(id integer primary key, host_id integer, at integer)',
    '(at integer primary key, host_id integer)',
  )
  expect(said(await given(history))).toEqual([
    '"instance_history": 1 row points at a row of "hosts" that does not exist (host_id, inferred by name and type)',
  ])
})

/** Ten projects, of which only six have a default, or none is missing. */
const projects = (name: string, known: number) => `
  create table ${name} (project_id integer primary key, kind text);
  create table volumes (id integer primary key, project_id integer);
  insert into ${name} values ${Array.from({ length: known }, (_, at) => `(${at + 1}, '')`)};
  insert into volumes values ${Array.from({ length: 10 }, (_, at) => `(${at + 1}, ${at + 1})`)};`

test('a table whose key is called after another one may have only some of its rows', async () => {
  expect(said(await given(projects('default_types', 6)))).toEqual([
    '"volumes.project_id" is called like a reference to "default_types.project_id" and taken for none: 6 of 10 values are there',
  ])
  expect(said(await given(projects('projects', 6)))).toEqual([
    '"volumes": 4 rows point at a row of "projects" that does not exist (project_id, inferred by name and type)',
  ])
})

test('the number of the next row is that of none', async () => {
  const lists = `
    create table requests (id integer primary key); insert into requests values (1), (2), (3);
    create table lists (id integer primary key, next_request_id integer); insert into lists values (1, 2), (2, 3), (3, 4);`
  expect(said(await given(lists))).toEqual([
    '"lists.next_request_id" is called like a reference to "requests.id" and taken for none: 2 of 3 values are there',
  ])
  expect(said(await given(lists.replaceAll('next_', 'current_')))).toEqual([
    '"lists": 1 row points at a row of "requests" that does not exist (current_request_id, inferred by name and type)',
  ])
})

test('a word behind the name of a key says what is told of it', async () => {
  const remotes = (column: string) => `
    create table triggers (triggerid integer primary key);
    create table notes (id integer primary key, ${column} integer);
    ${oneOff('triggers', 'triggerid', 'notes')}`
  expect(said(await given(remotes('triggerid_attribute')))).toBe('pass')
  expect(said(await given(remotes('triggerid_down')))).toEqual([
    '"notes": 1 row points at a row of "triggers" that does not exist (triggerid_down, inferred by name and type)',
  ])
})

const groups = (second: string) => `
  create table hstgrp (groupid integer primary key);
  create table sorts (groupid integer primary key);
  create table hosts (id integer primary key, groupid integer references hstgrp (groupid));
  create table scripts (id integer primary key, groupid integer references ${second} (groupid));
  create table rights (id integer primary key, groupid integer);
  ${oneOff('hstgrp', 'groupid', 'rights')}`

test('foreign keys of other tables say where a column of their name points', async () => {
  const result = await given(groups('hstgrp'))
  expect(said(result)).toEqual([
    '"rights": 1 row points at a row of "hstgrp" that does not exist (groupid, inferred by name and type)',
  ])
  expect(result.findings[0]?.next?.[0]).toBe(
    'Nobody declared it: foreign keys of other tables have its name, and 30 of 31 values are there.',
  )
})

test('where they do not agree, they say nothing', async () => {
  expect(said(await given(groups('sorts')))).toBe('pass')
})

test('one that is the key of a twin does not overrule the name', async () => {
  const result = await given(`
    create table v4_pools (id integer primary key);
    create table v6_pools (id integer primary key);
    create table v6_leases (id integer primary key, pool_id integer references v6_pools (id));
    create table v4_leases (id integer primary key, pool_id integer);
    ${oneOff('v4_pools', 'id', 'v4_leases')}`)
  expect(said(result)).toEqual([
    '"v4_leases": 1 row points at a row of "v4_pools" that does not exist (pool_id, inferred by name and type)',
  ])
})

test('where all foreign keys are named like keys, what is not named so points nowhere', async () => {
  const keys = (count: number) =>
    Array.from({ length: count }, (_, at) => `owner${at}_id integer references owners (id)`).join()
  const logged = (count: number) => `
    create table owners (id integer primary key);
    create table things (id integer primary key, ${keys(count)});
    create table actions (id integer primary key);
    create table events (id integer primary key, action integer);
    ${oneOff('actions', 'id', 'events')}`
  expect(said(await given(logged(10)))).toBe('pass')
  expect(said(await given(logged(9)))).toEqual([
    '"events": 1 row points at a row of "actions" that does not exist (action, inferred by name and type)',
  ])
  // A role says enough.
  expect(
    said(await given(logged(10).replaceAll('actions', 'users').replace('action integer', 'created_by integer'))),
  ).toEqual(['"events": 1 row points at a row of "users" that does not exist (created_by, inferred by name and type)'])
})

test.each([
  ['log_id', 'ls_log_id', 'the prefix of whose table is a part of its name'],
  ['triggerid', 'triggerid_down', 'with a role behind'],
  ['triggerid', 'triggerid2', 'with a number behind'],
])('the key %s is meant by %s: %s', async (key, column) => {
  const [parents, prefix] = key === 'log_id' ? ['logging', 'log_'] : ['triggers', '']
  const result = await given(`
    create table ${parents} (${key} integer primary key, ${prefix}page integer, ${prefix}said text);
    create table others (${column === 'ls_log_id' ? 'ls_id' : 'id'} integer primary key, ${column} integer, ls_field text);
    insert into ${parents} (${key}) values (1), (2), (3);
    insert into others values (1, 1, ''), (2, 2, ''), (3, 9, '');`)
  expect(said(result)).toEqual([
    `"others": 1 row points at a row of "${parents}" that does not exist (${column}, inferred by name and type)`,
  ])
})
