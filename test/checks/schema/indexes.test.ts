import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { expect, test } from 'vitest'
import { query } from '../../../fixtures/postgres/server.js'
import { afterwards, examine, examineOne, onEachDialect, said, testDatabase } from '../../support/databases.js'

const schema = 'create table a (id bigint primary key, x text unique, y int); create index a_y on a (y);'

onEachDialect((dialect) => {
  const indexes = async (statements: string, expected: number | string[]) =>
    examineOne('schema/indexes', (await testDatabase(dialect, statements)).target, {
      config: { database: { expect: { indexes: expected } } },
    })

  test('indexes are counted, those of constraints included', async () => {
    expect(said(await indexes(schema, 3))).toBe('pass')
    const fewer = await indexes(schema, 4)
    expect(said(fewer)).toEqual(['there are 3 indexes, 4 expected'])
    expect(fewer.status).toBe('fail')
  })

  test('indexes by name', async () => {
    const own = dialect === 'sqlite' ? ['sqlite_autoindex_a_1', 'sqlite_autoindex_a_2'] : ['a_pkey', 'a_x_key']
    expect(said(await indexes(schema, [...own, 'a_y']))).toBe('pass')
    expect(said(await indexes(schema, [...own, 'a_y', 'a_z']))).toEqual(['index "a_z" is missing'])
    expect(said(await indexes(schema, own))).toEqual(['1 index more than expected: "a_y"'])
  })
})

test('an index whose build failed is named', async () => {
  const { target, execute } = await testDatabase('postgres', 'create table a (x int); insert into a values (1), (1);')
  await expect(execute('create unique index concurrently a_x on a (x)')).rejects.toThrow(
    'could not create unique index',
  )
  expect(said(await examineOne('schema/indexes', target))).toEqual([
    'index "a_x" of "a" is not ready: its build failed early, and rows that are written do not get into it',
  ])
  await execute('delete from a')
  await execute('reindex index concurrently a_x')
  expect(said(await examineOne('schema/indexes', target))).toBe('pass')
})

test('the indexes of partitions are parts of their parents', async () => {
  const partitioned = `create table p (id int primary key) partition by range (id); create table p1 partition of p for values from (0) to (9);`
  const { target } = await testDatabase('postgres', partitioned)
  expect(
    said(await examineOne('schema/indexes', target, { config: { database: { expect: { indexes: ['p_pkey'] } } } })),
  ).toBe('pass')
})

test('an index of one partition alone is named too; a part of one that is not whole is told with the whole', async () => {
  const { target, execute } = await testDatabase(
    'postgres',
    `create table p (id int, x int) partition by range (id); create table p1 partition of p for values from (0) to (9);
    create table p2 partition of p for values from (10) to (19); insert into p values (1, 1), (2, 1);
    create index p_x on only p (x); create index p1_x on p1 (x); alter index p_x attach partition p1_x;`,
  )
  await execute('create unique index concurrently p1_once on p1 (x)').catch(() => {})
  await execute(`update pg_index set indisvalid = false where indexrelid = 'p1_x'::regclass`)
  expect(said(await examineOne('schema/indexes', target))).toEqual([
    'index "p1_once" of "p1" is not ready: its build failed early, and rows that are written do not get into it',
    'index "p_x" of "p" is invalid: not every partition has it',
  ])
})

test('an index that is being built is not broken, whoever builds it and whoever looks', async () => {
  const { target, execute } = await testDatabase(
    'postgres',
    'create table a (x int); insert into a values (1); create index a_x on a (x); create index a_xx on a (x, x)',
  )
  const [role, url] = [`looker_${process.pid}`, new URL(target)]
  await execute(`create role ${role} login password 'p'; grant select on a to ${role}`)
  afterwards(() => execute(`drop owned by ${role}; drop role ${role}`))
  url.username = role
  url.password = 'p'
  // A build waits for whoever may still see what it does not.
  const reader = new pg.Client({ connectionString: target })
  await reader.connect()
  await reader.query('begin isolation level repeatable read; select * from a')
  for (const build of ['create index concurrently a_new on a (x)', 'reindex table concurrently a']) {
    const builder = new pg.Client({ connectionString: target })
    await builder.connect()
    const built = builder.query(build)
    await until(async () => (await indexesThatAreNotValid(target)) > 0)
    for (const from of [target, url.href]) {
      const result = await examineOne('schema/indexes', from)
      expect(result.status).toBe('pass')
      expect(new Set(result.findings.map(({ address }) => address))).toEqual(new Set(['schema/indexes#building']))
    }
    await reader.query('commit')
    await built
    await builder.end()
    await reader.query('begin isolation level repeatable read; select * from a')
  }
  await reader.end()
  expect(said(await examineOne('schema/indexes', url.href))).toBe('pass')
})

async function indexesThatAreNotValid(target: string): Promise<number> {
  const { count } = await query(target, 'select count(*)::int as count from pg_index where not indisvalid')
  return Number(count)
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(50)
}

test('what to do about an invalid index depends on what it is', async () => {
  const { target, execute } = await testDatabase(
    'postgres',
    `create table accounts (id serial primary key, handle text, org int);
     insert into accounts (handle, org) values ('a', 1), ('b', 1), ('a', 2);`,
  )
  await execute('create unique index concurrently accounts_handle_key on accounts (handle)').catch(() => {})
  await execute('reindex index concurrently accounts_handle_key').catch(() => {})
  const report = await examine(target)
  const { findings } = report.results.find(({ id }) => id === 'schema/indexes') ?? expect.fail()
  const stepsOf = (index: string) => findings.find(({ evidence }) => evidence.index === index)?.next?.join('\n')
  expect(stepsOf('accounts_handle_key')).toMatch(
    /^select "handle", count\(\*\) from "public"\."accounts" group by "handle" having count\(\*\) > 1\n[\s\S]*\nreindex index concurrently/,
  )
  expect(stepsOf('accounts_handle_key_ccnew')).toMatch(
    /^drop index concurrently .*; -- a rebuild that failed left it behind/,
  )
  expect(report.causes[0]).toMatchObject({
    id: 'index-invalid',
    headline: expect.stringMatching(/^(Unique i|I)ndex "accounts_handle_key.*" of "accounts" is .* \(and 1 more\)\.$/),
  })
  expect(report.causes.flatMap(({ next }) => next).join('\n')).not.toMatch(/migrations/)
  // The steps work: duplicates are removed, what was left behind is dropped, and the index rebuilt.
  await execute('delete from accounts where org = 2')
  await execute('drop index concurrently "public"."accounts_handle_key_ccnew"')
  await execute('reindex index concurrently "public"."accounts_handle_key"')
  expect((await examine(target)).verdict.status).toBe('healthy')
})

test('tables full of rows without one key look like a restore that stopped before its last part', async () => {
  const tables = (columns: string) =>
    ['a', 'b', 'c', 'd', 'e']
      .map((name) => `create table ${name} (${columns}); insert into ${name} values (1);`)
      .join('\n')
  const { target, execute } = await testDatabase('postgres', tables('id int not null'))
  const report = await examine(target)
  expect(report.causes[0]).toMatchObject({
    id: 'restore-incomplete',
    headline: expect.stringMatching(
      /looks like a restore that stopped half-way: 5 tables hold rows, and none has a primary key/,
    ),
  })
  // One key is enough to show that the last part was made; so is a table whose columns need no value.
  await execute('alter table a add primary key (id)')
  expect(said(await examineOne('schema/indexes', target))).toBe('pass')
  const imported = await testDatabase('postgres', tables('id int'))
  expect(said(await examineOne('schema/indexes', imported.target))).toBe('pass')
  const empty = await testDatabase('postgres', `${tables('id int not null')} truncate a, b, c, d;`)
  expect(said(await examineOne('schema/indexes', empty.target))).toBe('pass')
})

onEachDialect((dialect) => {
  test('one index that is gone beside orphans is no restore that stopped', async () => {
    const { target } = await testDatabase(
      dialect,
      `create table p (id integer primary key, x int); create index p_x on p (x); create index p_x2 on p (x, id);
       create table c (id integer primary key, p_id integer); insert into p values (1, 1), (2, 1), (3, 1);
       insert into c values (1, 1), (2, 2), (3, 9);`,
    )
    const relationships = { declare: ['c.p_id -> p.id'] }
    const indexes = dialect === 'sqlite' ? ['p_x', 'p_x2', 'p_gone'] : ['p_pkey', 'c_pkey', 'p_x', 'p_x2', 'p_gone']
    const report = await examine(target, { config: { database: { relationships, expect: { indexes } } } })
    expect(report.causes.map(({ id }) => id)).toEqual(['schema-incomplete', 'rows-orphaned'])
  })
})
