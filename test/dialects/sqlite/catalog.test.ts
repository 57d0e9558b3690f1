import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { limit } from '../../../src/contracts/limits.js'
import { type Catalog, countedTables, findTable } from '../../../src/dialects/catalog.js'
import { checkClauses } from '../../../src/dialects/sqlite/check-clauses.js'
import { sqlite } from '../../../src/dialects/sqlite/dialect.js'
import { afterwards, examine, examineOne, said, testDatabase, testFolder } from '../../support/databases.js'

const fileOf = ({ target }: { target: string }) => target.slice('sqlite:'.length)

async function catalogOf(statements: string): Promise<Catalog> {
  return catalogAt(fileOf(await testDatabase('sqlite', statements)))
}

async function catalogAt(file: string): Promise<Catalog> {
  const limits = limit(performance.now() + 10_000, new AbortController().signal)
  const opening = await sqlite(file).open(limits)
  if (opening.outcome !== 'opened') throw new Error(opening.text)
  afterwards(() => opening.database.close())
  const catalog = await opening.database.session(limits).catalog()
  limits.clear()
  if (catalog.outcome === 'failed') throw new Error(catalog.text)
  return catalog.value
}

const tableOf = (catalog: Catalog, name: string) => findTable(catalog, { schema: 'main', name })

describe('tables', () => {
  test('columns with their types, defaults and what is generated', async () => {
    const catalog = await catalogOf(`create table t (
      id integer primary key, name VARCHAR(40) not null default 'Ada', price decimal (10, 2), anything,
      twice int as (id * 2), kept int generated always as (id * 3) stored)`)
    const columns = tableOf(catalog, 't')?.columns
    expect(columns?.map(({ name, type, generated }) => [name, type, generated])).toEqual([
      ['id', 'integer', false],
      ['name', 'varchar', false],
      ['price', 'decimal', false],
      ['anything', '', false],
      ['twice', 'int', true],
      ['kept', 'int', true],
    ])
    expect(columns?.[1]).toMatchObject({ nullable: false, default: "'Ada'" })
    expect(columns?.[2]).toMatchObject({ nullable: true, default: null })
  })

  test('keys: primary in its order, and unique ones that cover every row', async () => {
    const catalog = await catalogOf(`
      create table t (a, b, c unique, d, e, primary key (b, a));
      create unique index whole on t (d, e);
      create unique index part on t (d) where e > 0;
      create unique index worked_out on t (lower(e));
      create index plain on t (e);`)
    expect(tableOf(catalog, 't')?.keys).toMatchObject([
      { primary: true, columns: ['b', 'a'] },
      { primary: false, columns: ['c'] },
      { primary: false, columns: ['d', 'e'] },
    ])
    const indexes = catalog.indexes.map(({ name, columns, unique, partial, expression, backs }) => [
      name,
      columns,
      unique,
      partial,
      expression,
      backs,
    ])
    expect(indexes).toEqual([
      ['part', ['d'], true, true, false, null],
      ['plain', ['e'], false, false, false, null],
      ['sqlite_autoindex_t_1', ['c'], true, false, false, 'unique'],
      ['sqlite_autoindex_t_2', ['b', 'a'], true, false, false, 'primary key'],
      ['whole', ['d', 'e'], true, false, false, null],
      ['worked_out', [null], true, false, true, null],
    ])
  })

  test('those without rowids cannot be addressed by one, strict ones can', async () => {
    const catalog = await catalogOf(`
      create table without (id integer primary key) without rowid;
      create table strictly (id integer primary key, n int) strict;`)
    expect(tableOf(catalog, 'without')).toMatchObject({ kind: 'table', addressable: false, stored: true })
    expect(tableOf(catalog, 'strictly')).toMatchObject({ kind: 'table', addressable: true, stored: true })
  })

  test('an empty database has none, and that is said', async () => {
    const database = await testDatabase('sqlite')
    expect(await catalogAt(fileOf(database))).toMatchObject({ tables: [], indexes: [], foreignKeys: [], checks: [] })
    expect(said(await examineOne('schema/tables', database.target))).toEqual(['the database has no tables'])
    await database.execute('create table t (id)')
    expect(said(await examineOne('schema/tables', database.target))).toBe('pass')
  })

  test.each(['UTF-16le', 'UTF-16be'])('and rows of a database in %s', async (encoding) => {
    const file = join(await testFolder(), 'test.db')
    const database = new BetterSqlite(file)
    database.exec(`pragma foreign_keys = off; pragma encoding = '${encoding}';
      create table "größe" (id text primary key); create table "件" ("größe" text references "größe" (id));
      insert into "größe" values ('ä'); insert into "件" values ('ä'), ('ö');`)
    expect(database.pragma('encoding', { simple: true })).toBe(encoding)
    database.close()
    expect(said(await examineOne('integrity/foreign-keys', file))).toEqual([
      '"件": 1 row points at a row of "größe" that does not exist (größe)',
    ])
  })

  test('names with everything in them', async () => {
    const names = ['a "b"', "it's", 'a.b', '[c]', 'select', 'ünï 🐘', 'x;--', 'UPPER', '%s', '`d`']
    const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
    const { target } = await testDatabase(
      'sqlite',
      names
        .map((name) => `create table ${quoted(name)} (${quoted(name)} integer primary key references ${quoted(name)});`)
        .join(''),
    )
    const catalog = await catalogAt(target.slice('sqlite:'.length))
    expect(
      countedTables(catalog)
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...names].sort())
    expect(catalog.foreignKeys.map(({ parent, fault }) => [parent.name, fault]).sort()).toEqual(
      names.map((name) => [name, null]).sort(),
    )
    const { verdict, counts } = await examine(target)
    expect([verdict.status, counts.crash, counts.unknown]).toEqual(['healthy', 0, 0])
  })
})

describe('foreign keys', () => {
  const parents = 'create table p (id integer primary key, a, b, code text unique, unique (a, b));'
  const given = async (child: string) =>
    (await catalogOf(parents + child)).foreignKeys.map(({ columns, parent, parentColumns, fault }) => ({
      columns,
      parent: parent.name,
      parentColumns,
      fault,
    }))

  test.each([
    ['the parent key may be implied', 'p references p', ['p'], ['id'], null],
    ['names are compared without case', 'p references P (ID)', ['p'], ['id'], null],
    ['a composite key', 'x, y, foreign key (x, y) references p (a, b)', ['x', 'y'], ['a', 'b'], null],
    ['in any order', 'x, y, foreign key (x, y) references p (b, a)', ['x', 'y'], ['b', 'a'], null],
    ['half a key is none', 'x references p (a)', ['x'], [], 'mismatch'],
    ['nor are two columns for one', 'x, y, foreign key (x, y) references p', ['x', 'y'], [], 'mismatch'],
    ['nor is a column that is not there', 'x references p (gone)', ['x'], [], 'mismatch'],
  ])('%s', async (_, columns, from, to, fault) => {
    expect(await given(`create table c (${columns})`)).toEqual([
      { columns: from, parent: 'p', parentColumns: to, fault },
    ])
  })

  test('to a table that is not there', async () => {
    expect(await given('create table c (x references gone (id))')).toEqual([
      { columns: ['x'], parent: 'gone', parentColumns: [], fault: 'parent-missing' },
    ])
  })

  test('to a view, and to a part of a unique index', async () => {
    const faults = await given(`
      create view v as select 1 as id; create table c (x references v (id));
      create table q (n, m); create unique index some on q (n) where m > 0; create table d (x references q (n));`)
    expect(faults.map(({ parent, fault }) => [parent, fault])).toEqual([
      ['v', 'mismatch'],
      ['q', 'mismatch'],
    ])
  })

  test('said twice, counted once; two columns to one parent are two', async () => {
    const keys = await given(`create table c (x integer references p (id), y integer references p (id),
      foreign key (x) references p (id))`)
    expect(keys.map(({ columns }) => columns)).toEqual([['x'], ['y']])
  })
})

describe('what else is declared', () => {
  test('triggers, and the counters of autoincrement', async () => {
    const catalog = await catalogOf(`
      create table t (number integer primary key autoincrement, x); create table plain (id integer primary key);
      insert into t (x) values (1);
      create trigger after_t after insert on t begin select 1; end;`)
    expect(catalog.triggers).toEqual([{ name: 'after_t', table: { schema: 'main', name: 't' }, enabled: true }])
    expect(catalog.sequences.map(({ name, ownedBy }) => [name, ownedBy])).toEqual([
      ['t', { table: { schema: 'main', name: 't' }, column: 'number' }],
    ])
    expect(catalog.tables.map(({ name }) => name)).toEqual(['plain', 't'])
  })

  test('views, even broken ones, break nothing', async () => {
    const { target } = await testDatabase(
      'sqlite',
      `create table t (id integer primary key, other_id references t (id)); create view good as select * from t;
       create table gone (x); create view broken as select x from gone; drop table gone; insert into t values (1, 9);`,
    )
    const catalog = await catalogAt(target.slice('sqlite:'.length))
    expect(catalog.tables.map(({ name, kind, stored }) => [name, kind, stored])).toEqual([
      ['broken', 'view', false],
      ['good', 'view', false],
      ['t', 'table', true],
    ])
    const { results } = await examine(target)
    expect(results.filter(({ status }) => status === 'fail').map(({ id }) => id)).toEqual([
      'schema/views',
      'integrity/foreign-keys',
    ])
    expect(results.filter(({ status }) => status === 'crash')).toEqual([])
  })

  test('a virtual table is one table; what it keeps its data in is neither counted nor read', async () => {
    const database = await testDatabase(
      'sqlite',
      `create virtual table notes using fts5 (body); insert into notes values ('hello'); create table t (id integer primary key);`,
    )
    const catalog = await catalogAt(fileOf(database))
    expect(countedTables(catalog).map(({ name }) => name)).toEqual(['notes', 't'])
    expect(catalog.tables.filter(({ kind }) => kind === 'shadow').every(({ stored }) => !stored)).toBe(true)
    expect(catalog.indexes).toEqual([])
    const { verdict, facts } = await examine(database.target)
    expect([verdict.status, verdict.database, facts['schema.tables'], facts['schema.indexes']]).toEqual([
      'healthy',
      'intact',
      2,
      0,
    ])
  })

  test('a virtual table whose module is missing is said, and no reason to fail', async () => {
    const { target } = await testDatabase(
      'sqlite',
      'create table t (id integer primary key); insert into t values (1);',
    )
    const file = target.slice('sqlite:'.length)
    expect(said(await examineOne('schema/tables', target))).toBe('pass')
    const database = new BetterSqlite(file)
    database.unsafeMode()
    database.exec(`pragma writable_schema = on; insert into sqlite_schema
      values ('table', 'shapes', 'shapes', 0, 'create virtual table shapes using no_such_module (a, b)')`)
    database.close()
    const { results, verdict } = await examine(target)
    const tables = results.find(({ id }) => id === 'schema/tables')
    expect(tables?.findings.map(({ message, severity }) => [message, severity])).toEqual([
      ['virtual table "shapes" was not looked at: no such module: no_such_module', 'info'],
    ])
    expect(tables?.coverage).toMatchObject({ examined: 1, of: 2, missing: [{ object: 'shapes', optional: true }] })
    expect([tables?.status, verdict.status]).toEqual(['pass', 'healthy'])
  })

  test('a page of a table that cannot be read is a finding of that table alone', async () => {
    const { target } = await testDatabase('sqlite', 'create table good (id integer primary key); create table bad (x);')
    const file = target.slice('sqlite:'.length)
    const database = new BetterSqlite(file)
    const { rootpage } = database.prepare(`select rootpage from sqlite_schema where name = 'bad'`).get() as {
      rootpage: number
    }
    const [{ page_size }] = database.pragma('page_size') as [{ page_size: number }]
    database.close()
    const bytes = await readFile(file)
    bytes.fill(0xff, (rootpage - 1) * page_size, rootpage * page_size)
    await writeFile(file, bytes)
    expect(said(await examineOne('schema/tables', target))).toEqual([
      'table "bad" cannot be read: database disk image is malformed',
    ])
  })
})

describe('the CHECK clauses of a statement', () => {
  const names: ReadonlySet<string> = new Set(['t', 'n', 'm', 'a', 'b', 'k', 'check'])

  test.each([
    ['of a column', 'create table t (n int check (n > 0))', [[null, 'n > 0']]],
    ['of the table', 'create table t (n int, m int, check (n < m))', [[null, 'n < m']]],
    ['with a name', 'create table t (n int constraint positive check (n > 0))', [['positive', 'n > 0']]],
    ['with a quoted name', 'create table t (n int, constraint "a ""b""" CHECK(n > 0))', [['a "b"', 'n > 0']]],
    ['with a bracketed name', 'create table t (n int, constraint [a b] check (n > 0))', [['a b', 'n > 0']]],
    [
      'with parentheses inside',
      'create table t (n int check ((n > 0) or (n in (1, 2))))',
      [[null, '(n > 0) or (n in (1, 2))']],
    ],
    [
      'with parentheses in texts',
      `create table t (n text check (n <> ')' and n <> '(''('))`,
      [[null, `n <> ')' and n <> '(''('`]],
    ],
    [
      'with comments',
      'create table t (n int check /* check (x) */ (n > 0 -- )\n and n < 9))',
      [[null, 'n > 0 -- )\n and n < 9']],
    ],
    ['in a comment', 'create table t (n int /* check (n > 0) */ -- check (n > 1)\n)', []],
    ['in a text', `create table t (n text default 'check (n > 0)')`, []],
    ['as a name', 'create table "check" ("check" int, k int references [check] (`check`))', []],
    ['as a part of a name', 'create table t (checked int, recheck int, check_it int)', []],
    [
      'more than one',
      'create table t (a int check (a > 0), b int check (b > 0) check (b < 9))',
      [
        [null, 'a > 0'],
        [null, 'b > 0'],
        [null, 'b < 9'],
      ],
    ],
  ])('%s', async (_, statement, clauses) => {
    expect(checkClauses(statement, names).map(({ name, definition }) => [name, definition])).toEqual(clauses)
    new BetterSqlite(':memory:').exec(statement).close()
  })

  test('with texts in double quotes, which a query would take for columns', () => {
    const statement = `create table t (n text check ("n" in ("new", "it's", "say ""x""") and n <> "Q" collate "nocase"))`
    expect(checkClauses(statement, names)).toEqual([
      { name: null, definition: `"n" in ('new', 'it''s', 'say "x"') and n <> 'Q' collate "nocase"` },
    ])
  })

  test('are in the catalog, with their tables', async () => {
    const { checks } = await catalogOf('create table t (n int constraint positive check (n > 0)); create table u (x)')
    expect(checks).toEqual([
      { name: 'positive', definition: 'n > 0', table: { schema: 'main', name: 't' }, validated: true },
    ])
  })

  test('whatever the statement is, nothing is thrown', () => {
    const piece = fc.constantFrom(
      'check',
      'CHECK',
      '(',
      ')',
      "'",
      '"',
      '`',
      '[',
      ']',
      '--',
      '\n',
      '/*',
      '*/',
      ' ',
      'x',
      ',',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string())), (parts) => checkClauses(parts.join(''), names).length >= 0),
    )
  })

  test('one that was planted is found, wherever it is and whatever is in it', () => {
    const atom = fc.constantFrom(
      'n > 0',
      `n <> ')'`,
      `"n" <> '('`,
      'n in (1, (2))',
      '[n] = 1',
      '/* ) */ n',
      `n <> 'it''s'`,
    )
    const clause = fc
      .array(atom, { minLength: 1, maxLength: 4 })
      .map((atoms) => atoms.map((one) => `(${one})`).join(' or '))
    const around = fc.constantFrom(
      '',
      ', m int',
      `, m text default 'check ('`,
      ', m int /* check (x) */',
      ', "check" int',
    )
    fc.assert(
      fc.property(clause, around, around, (definition, before, after) => {
        const statement = `create table t (n int${before}, constraint c check (${definition})${after.replace('m ', 'k ').replace('"check"', '[check]')})`
        expect(checkClauses(statement, names)).toEqual([{ name: 'c', definition }])
      }),
    )
  })
})
