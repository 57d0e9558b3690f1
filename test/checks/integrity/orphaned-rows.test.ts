import { expect, test } from 'vitest'
import type { ConfigInput } from '../../../src/config.js'
import { examine, examineOne, onEachDialect, said, testDatabase } from '../../support/databases.js'

type Relationships = NonNullable<NonNullable<ConfigInput['database']>['relationships']>

onEachDialect((dialect) => {
  const given = async (statements: string, relationships: Relationships = {}) =>
    examineOne('integrity/orphaned-rows', (await testDatabase(dialect, statements)).target, {
      config: { database: { relationships } },
    })

  const shop = (parent: string, column: string) => `
    create table "${parent}" (id integer primary key);
    create table notes (id integer primary key, "${column}" integer);
    insert into "${parent}" values (1); insert into notes values (1, 1), (2, 5), (3, null);`

  test.each([
    ['customers', 'customer_id'],
    ['customer', 'customer_id'],
    ['Customers', 'customerId'],
    ['people', 'person_id'],
    ['order_lines', 'order_line_id'],
    ['OrderLine', 'orderLineId'],
    ['categories', 'category_id'],
  ])('%s and %s belong together: an inferred orphan is a warning', async (parent, column) => {
    const result = await given(shop(parent, column))
    expect(said(result)).toEqual([
      `"notes": 1 row points at a row of "${parent}" that does not exist (${column}, inferred by name and type)`,
    ])
    expect(result.status).toBe('warn')
    expect(result.findings[0]?.evidence).toMatchObject({
      table: 'notes',
      columns: [column],
      parent,
      rows: 1,
      inferred: true,
    })
  })

  test('where all parents are there, nothing is said', async () => {
    const result = await given(`${shop('customers', 'customer_id')} delete from notes where id = 2;`)
    expect(said(result)).toBe('pass')
    expect(result.coverage).toMatchObject({ examined: 1, unit: 'relationship' })
  })

  test.each([
    ['no value has a parent', `${shop('customers', 'customer_id')} delete from notes where id = 1;`],
    ['the parent is empty', `${shop('customers', 'customer_id')} delete from customers;`],
    [
      'a sibling names the type',
      `${shop('customers', 'customer_id')} alter table notes add column customer_type text;`,
    ],
    [
      'the types differ',
      'create table customers (id integer primary key); create table notes (customer_id text); insert into customers values (1);' +
        "insert into notes values ('cus_9f8');",
    ],
    ['there is no such table', 'create table notes (stripe_id integer); insert into notes values (5);'],
    ['it is the key itself', 'create table note (note_id integer primary key); insert into note values (5);'],
    [
      'the parent has a composite key',
      'create table customers (a integer, b integer, primary key (a, b)); create table notes (customer_id integer); insert into notes values (5);',
    ],
  ])('silent where %s', async (_, statements) => {
    expect(said(await given(statements))).toBe('pass')
  })

  test('a declared relationship that does not hold is an error', async () => {
    const statements = `create table users (id integer primary key, email text); create table comments (id integer primary key, author integer);
      insert into users values (1, 'a'); insert into comments values (1, 1), (2, 7);`
    const result = await given(statements, { declare: ['comments.author -> users.id'] })
    expect(said(result)).toEqual(['"comments": 1 row points at a row of "users" that does not exist (author)'])
    expect(result.status).toBe('fail')
    expect(
      said(
        await given(`${statements} delete from comments where id = 2;`, { declare: ['comments.author -> users.id'] }),
      ),
    ).toBe('pass')
  })

  test('a declared parent need not be unique', async () => {
    const statements = `create table tags (name text); create table posts (id integer primary key, tag text);
      insert into tags values ('a'), ('a'); insert into posts values (1, 'a'), (2, 'b');`
    const result = await given(statements, { declare: ['posts.tag -> tags.name'] })
    expect(result.findings[0]?.evidence.rows).toBe(1)
  })

  test('a declaration of what is not there is an error that names it', async () => {
    const result = await given('create table users (id integer primary key);', {
      declare: ['comments.author -> users.id', 'users.boss -> users.id'],
    })
    expect(said(result)).toEqual([
      'the config declares "comments.author -> users.id", and there is no table "comments"',
      'the config declares "users.boss -> users.id", and there is no column "users.boss"',
    ])
  })

  test('relationships can be ignored, and inference switched off', async () => {
    expect(said(await given(shop('customers', 'customer_id'), { ignore: ['notes.*'] }))).toBe('pass')
    expect(said(await given(shop('customers', 'customer_id'), { infer: false }))).toBe('pass')
  })

  test('what is a foreign key is not said twice', async () => {
    const statements = `create table customers (id integer primary key); create table notes (id integer primary key, customer_id integer references customers (id));`
    const { facts, results } = await examine((await testDatabase(dialect, statements)).target)
    expect(results.find(({ id }) => id === 'integrity/orphaned-rows')?.coverage).toMatchObject({ of: 0 })
    expect(facts['schema.foreignKeys']).toBe(1)
  })
})
