import { expect, test } from 'vitest'
import { examineOne, onEachDialect, said, testDatabase } from '../../support/databases.js'

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

test('an invalid index is named', async () => {
  const { target, execute } = await testDatabase('postgres', 'create table a (x int); insert into a values (1), (1);')
  await expect(execute('create unique index concurrently a_x on a (x)')).rejects.toThrow(
    'could not create unique index',
  )
  expect(said(await examineOne('schema/indexes', target))).toEqual([
    'index "a_x" of "a" is invalid: queries do not use it, and a unique one guarantees nothing',
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
