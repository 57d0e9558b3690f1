import { describe, expect, test } from 'vitest'
import { examineOne, onEachDialect, said, testDatabase } from '../../support/databases.js'

const keyTypes = (target: string) => examineOne('schema/key-types', target)

onEachDialect((dialect) => {
  test('keys and references of one type are not spoken of, nor are tables that tools keep', async () => {
    const { target } = await testDatabase(
      dialect,
      `create table p (id integer primary key, code varchar(10) unique); create table c (id integer primary key, p_id integer references p (id), code varchar(40) references p (code));
      create table u (x integer not null unique); create table schema_migrations (version bigint); create view v as select 1 as one;`,
    )
    expect(said(await keyTypes(target))).toBe('pass')
  })

  test('a reference of another type, and a table without a key', async () => {
    const { target } = await testDatabase(
      dialect,
      `create table p (id bigint primary key, n numeric unique); create table log (at text, n integer unique);
      create table c (id integer primary key, p_id ${dialect === 'sqlite' ? 'text' : 'integer'} references p (id));`,
    )
    const result = await keyTypes(target)
    expect(result.status).toBe('pass')
    expect(said(result)).toEqual([
      `"c.p_id" is ${dialect === 'sqlite' ? 'text' : 'integer'}, and references "p.id", where it is bigint`,
      '"log" has no primary key, and no unique one that is never null',
    ])
  })
})

describe('on postgres', () => {
  test('a partitioned table stands for its partitions', async () => {
    const { target } = await testDatabase(
      'postgres',
      `create table m (at date) partition by range (at); create table m_1 partition of m for values from ('2020-01-01') to ('2021-01-01');`,
    )
    expect(said(await keyTypes(target))).toEqual(['"m" has no primary key, and no unique one that is never null'])
  })
})
