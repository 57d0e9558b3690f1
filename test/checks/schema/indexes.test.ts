import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { expect, test } from 'vitest'
import { query } from '../../../fixtures/postgres/server.js'
import { afterwards, examineOne, onEachDialect, said, testDatabase } from '../../support/databases.js'

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
