import { describe, expect, test } from 'vitest'
import type { DialectName } from '../../../src/dialects/dialect.js'
import { examineOne, onEachDialect, said, testDatabase } from '../../support/databases.js'

const shop = `
  create table customers (id integer primary key, name text);
  create table orders (id integer primary key, customer_id integer references customers (id));
  insert into customers values (1, 'Ada');`

/** PostgreSQL checks a row when it is written, unless it comes as a replica's. */
const unchecked = (dialect: DialectName, statements: string) =>
  dialect === 'sqlite'
    ? statements
    : `set session_replication_role = replica; ${statements} set session_replication_role = default;`

onEachDialect((dialect) => {
  const given = async (schema: string, rows: string) =>
    examineOne('integrity/foreign-keys', (await testDatabase(dialect, schema + unchecked(dialect, rows))).target)

  test('rows whose parent is gone are reported, once a key, with their number', async () => {
    const result = await given(shop, 'insert into orders values (10, 1), (11, 2), (12, 3);')
    expect(said(result)).toEqual(['"orders": 2 rows point at a row of "customers" that does not exist (customer_id)'])
    expect(result.findings[0]?.evidence).toMatchObject({
      table: 'orders',
      columns: ['customer_id'],
      parent: 'customers',
      rows: 2,
      samples: [
        { row: { id: 11 }, key: { customer_id: 2 } },
        { row: { id: 12 }, key: { customer_id: 3 } },
      ],
    })
    expect(result.status).toBe('fail')
  })

  test('the statements that are advised show the rows, and move them aside', async () => {
    const { target, execute } = await testDatabase(
      dialect,
      shop + unchecked(dialect, 'insert into orders values (10, 1), (11, 2), (12, 3);'),
    )
    const { findings } = await examineOne('integrity/foreign-keys', target)
    const [show = '', move = ''] = findings[0]?.next ?? []
    expect(show).toBe(
      'select * from "orders" c where c."customer_id" is not null and not exists (select 1 from "customers" p where p."id" = c."customer_id")',
    )
    await execute(show)
    await execute(move)
    expect(said(await examineOne('integrity/foreign-keys', target))).toBe('pass')
    // What was moved is there, and points nowhere still.
    const aside = 'dbdoctor_quarantine_orders_customer_id'
    await execute(`insert into orders select id, 1 from ${aside} where id in (11, 12)`)
    const counted = { config: { database: { expect: { tables: 2, rows: { orders: 3 } } } } }
    expect(said(await examineOne('integrity/row-counts', target, counted))).toBe('pass')
    expect(said(await examineOne('integrity/orphaned-rows', target))).toBe('pass')
    expect(said(await examineOne('schema/tables', target, counted))).toEqual([
      `not examined, because rows were moved aside into it: "${aside}"`,
    ])
  })

  test('a value that means "none" is to be unset, and its rows are not moved aside', async () => {
    const rows = 'insert into orders values (10, 1), (11, 0), (12, 0);'
    const { target, execute } = await testDatabase(dialect, shop + unchecked(dialect, rows))
    const result = await examineOne('integrity/foreign-keys', target)
    const [show, why, unset = ''] = result.findings[0]?.next ?? []
    expect([result.status, why]).toEqual([
      'fail',
      'All of them hold 0, as if it meant "none": a foreign key takes NULL for that.',
    ])
    expect(show).toMatch(/^select/)
    await execute(unset)
    expect(said(await examineOne('integrity/foreign-keys', target))).toBe('pass')

    const required = await given(shop.replace('integer references', 'integer not null references'), rows)
    expect(required.findings[0]?.next).toEqual([show, why])
    const mixed = await given(shop, rows.replace('(12, 0)', '(12, 7)'))
    expect(mixed.findings[0]?.next?.[1]).toContain('dbdoctor_quarantine')
  })

  test('a row without a key, and one with a parent, are no orphans', async () => {
    const result = await given(shop, 'insert into orders values (10, 1), (11, null);')
    expect(said(result)).toBe('pass')
    expect(result.coverage).toMatchObject({ examined: 1, of: 1, unit: 'foreign key' })
  })

  const pairs = `
    create table lines (book integer, line integer, primary key (book, line));
    create table marks (id integer primary key, book integer, line integer, foreign key (book, line) references lines (book, line));
    insert into lines values (1, 1), (2, 2);`

  test('a composite key is compared as a whole', async () => {
    expect(said(await given(pairs, 'insert into marks values (1, 1, 2);'))).toEqual([
      '"marks": 1 row points at a row of "lines" that does not exist (book, line)',
    ])
  })

  test('a composite key that is null in part points nowhere under MATCH SIMPLE', async () => {
    expect(said(await given(pairs, 'insert into marks values (1, 1, 1), (2, 9, null), (3, null, 9);'))).toBe('pass')
  })

  const tree = 'create table nodes (id integer primary key, parent_id integer references nodes (id));'

  test('a key that refers to its own table', async () => {
    expect(said(await given(tree, 'insert into nodes values (1, null), (2, 1), (3, 9);'))).toEqual([
      '"nodes": 1 row points at a row of "nodes" that does not exist (parent_id)',
    ])
    expect(said(await given(tree, 'insert into nodes values (1, 1), (2, 1);'))).toBe('pass')
  })

  const coded = `
    create table countries (id integer primary key, code text unique);
    create table towns (id integer primary key, country text references countries (code));
    insert into countries values (1, 'FI'), (2, null);`

  test('a key that refers to a unique column', async () => {
    expect(said(await given(coded, "insert into towns values (1, 'FI'), (2, 'XX');"))).toEqual([
      '"towns": 1 row points at a row of "countries" that does not exist (country)',
    ])
    expect(said(await given(coded, "insert into towns values (1, 'FI'), (2, null);"))).toBe('pass')
  })

  test('names of any shape', async () => {
    const odd = `
      create table "Kunden ""A"".x" ("id.nr" integer primary key);
      create table "select; drop" ("a b" integer references "Kunden ""A"".x" ("id.nr"));`
    expect(said(await given(odd, 'insert into "select; drop" values (7);'))).toEqual([
      '"select; drop": 1 row points at a row of "Kunden "A".x" that does not exist (a b): "Kunden "A".x" is empty',
    ])
  })

  test.each(['ada@example.com', '4111111111111111'])(
    'values of rows stay out of the report unless they are asked for: %s',
    async (value) => {
      const { target } = await testDatabase(
        dialect,
        coded + unchecked(dialect, `insert into towns values (2, '${value}');`),
      )
      const masked = await examineOne('integrity/foreign-keys', target)
      expect(JSON.stringify(masked)).not.toContain(value)
      const shown = await examineOne('integrity/foreign-keys', target, { showValues: true })
      expect(JSON.stringify(shown.findings[0]?.evidence)).toContain(value)
    },
  )
})

describe('on sqlite alone', () => {
  /** More than one statement may ask about at once: each key is scanned by itself. */
  const large = 'create table large (x); insert into large values (zeroblob(3000000));'

  test('rows are moved aside in one transaction, in which nobody else writes', async () => {
    const { target } = await testDatabase('sqlite', `${shop} insert into orders values (11, 2);`)
    const { findings } = await examineOne('integrity/foreign-keys', target)
    expect(findings[0]?.next?.[1]).toMatch(/^begin immediate; create table .*; delete from .*; commit; -- keeps a copy/)
  })

  const given = async (schema: string) =>
    examineOne('integrity/foreign-keys', (await testDatabase('sqlite', schema)).target)

  test('a missing parent table and a mismatch hide nothing else', async () => {
    const result = await given(`${shop}
      insert into orders values (10, 2);
      create table a (id integer primary key, gone_id integer references gone (id)); insert into a values (1, 1), (2, null);
      create table p (x integer); create table b (x integer references p (x)); insert into b values (1);`)
    expect(said(result)).toEqual([
      '"a" (gone_id) references "gone", and there is no such table: 1 row points nowhere',
      'foreign key mismatch: "b" (x) references columns of "p" that are not a key of it',
      '"orders": 1 row points at a row of "customers" that does not exist (customer_id)',
    ])
  })

  test('the parent key may be implied', async () => {
    const schema =
      'create table p (id integer primary key); create table c (p integer references p); insert into p values (1);'
    expect(said(await given(`${schema} insert into c values (1), (2);`))).toEqual([
      '"c": 1 row points at a row of "p" that does not exist (p)',
    ])
    expect(said(await given(`${schema} insert into c values (1);`))).toBe('pass')
  })

  test.each([
    ['integer to text', 'id text primary key', 'integer', "'06'", '6', true],
    ['text to integer', 'id integer primary key', 'text', '6', "'6'", false],
    ['the collation of the parent counts', 'id text collate nocase primary key', 'text', "'ABC'", "'abc'", false],
    ['not that of the child', 'id text primary key', 'text collate nocase', "'ABC'", "'abc'", true],
    ['real to integer', 'id integer primary key', 'real', '6', '6.0', false],
  ])(
    'affinity and collation as PRAGMA foreign_key_check sees them: %s',
    async (_, parent, child, key, value, orphaned) => {
      const database = await testDatabase(
        'sqlite',
        `create table p (${parent}); create table c (k ${child} references p (id)); insert into p values (${key}); insert into c values (${value}); ${large}`,
      )
      const { default: BetterSqlite } = await import('better-sqlite3')
      const peer = new BetterSqlite(database.target.slice('sqlite:'.length), { readonly: true })
      expect(peer.pragma('foreign_key_check')).toHaveLength(orphaned ? 1 : 0)
      peer.close()
      expect((await examineOne('integrity/foreign-keys', database.target)).status).toBe(orphaned ? 'fail' : 'pass')
    },
  )

  const two = `${shop} create table refunds (id integer primary key, order_id integer references orders (id));
    insert into orders values (10, 1); insert into refunds values (1, 10);`
  const atOnce = 'one PRAGMA foreign_key_check of the whole file, which is small, sound, and has no orphans'

  test('a small file in which nothing is wrong is asked once for all keys', async () => {
    const { status, plans, coverage } = await given(two)
    expect([status, plans]).toEqual([
      'pass',
      [{ how: atOnce, objects: ['orders (customer_id)', 'refunds (order_id)'] }],
    ])
    expect(coverage).toMatchObject({ examined: 2, of: 2 })
  })

  test.each([
    ['with an orphan', 'insert into refunds values (2, 99);', 'fail'],
    ['that is not small', large, 'pass'],
    ['with a key that cannot work', 'create table odd (x references orders (customer_id));', 'fail'],
  ])('each key of a file %s is scanned by itself', async (_, rows, status) => {
    const result = await given(two + rows)
    expect(result.status).toBe(status)
    expect(result.plans?.map(({ how }) => how)).not.toContain(atOnce)
  })
})
