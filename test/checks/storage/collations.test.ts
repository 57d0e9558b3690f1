import { expect, test } from 'vitest'
import { asSuperuser, examineOne, postgresVersion, said, testDatabase } from '../../support/databases.js'

const schema = `
  create collation german (provider = icu, locale = 'de');
  create table t (id int primary key, a text collate german, b text, c text collate german);
  create index t_a on t (a); create index t_ab on t (id, a); create index t_hash on t using hash (a);
  create index t_pattern on t (a text_pattern_ops); create index t_b on t (b); create schema other;
  create table other.t (a text collate german unique);
  create table plain (a text collate "C" primary key);`

const collations = (target: string, schemas?: string[]) =>
  examineOne('storage/collations', target, schemas ? { config: { database: { schemas } } } : {})

test('collations of this system are as they were', async () => {
  const { target } = await testDatabase('postgres', schema)
  const result = await collations(target)
  expect(said(result)).toBe('pass')
  expect(result.coverage?.unit).toBe('collation')
  expect(said(await collations((await testDatabase('postgres')).target))).toBe('pass')
})

test('a collation that changed, with the indexes that are ordered by it and no others', async () => {
  const { target, execute } = await testDatabase('postgres', schema)
  await execute("update pg_collation set collversion = '1.2' where collname = 'german'")
  const result = await collations(target)
  expect(result.status).toBe('warn')
  expect(said(result)).toEqual([
    expect.stringMatching(
      /^collation "german" has changed from version 1\.2 to [\d.]+: 3 indexes may be out of order: "other\.t_a_key", "t_a", "t_ab"$/,
    ),
  ])
  expect(result.findings[0]?.next).toEqual([
    'reindex index concurrently "other"."t_a_key"',
    'reindex index concurrently "public"."t_a"',
    'reindex index concurrently "public"."t_ab"',
    'alter collation "public"."german" refresh version',
  ])
  expect((await collations(target, ['other'])).findings[0]?.evidence.indexes).toEqual(['other.t_a_key'])
  for (const step of result.findings[0]?.next ?? []) await execute(step)
  expect(said(await collations(target))).toBe('pass')
})

test('the collation of a database', async () => {
  const { target, execute } = await testDatabase('postgres', schema)
  const name = new URL(target).pathname.slice(1)
  if ((await postgresVersion()) < 15) {
    const { status, coverage } = await collations(target)
    expect(status).toBe('pass')
    expect(coverage?.missing).toEqual([
      expect.objectContaining({
        object: 'the default collation',
        reason: 'unavailable',
        detail: 'this server records no version of it',
      }),
    ])
    return
  }
  await execute(`update pg_database set datcollversion = '0.1' where datname = '${name}'`)
  const result = await collations(target)
  expect(said(result)).toEqual([
    expect.stringMatching(
      /^the collation of database "\w+" has changed from version 0\.1 to .*: 1 index may be out of order: "t_b"$/,
    ),
  ])
  expect(result.findings[0]?.next).toEqual([
    'reindex index concurrently "public"."t_b"',
    `alter database "${name}" refresh collation version`,
  ])
  await execute(`drop index t_b`)
  const [finding] = (await collations(target)).findings
  expect([finding?.severity, finding?.message]).toEqual(['info', expect.stringMatching(/no index is ordered by it$/)])
  await asSuperuser(target, `update pg_database set datcollversion = null where datname = '${name}'`)
})

test('it does not apply to SQLite', async () => {
  const { target } = await testDatabase('sqlite', 'create table t (id integer primary key)')
  expect(said(await collations(target))).toBe('skip: not-applicable: it does not apply to sqlite')
})
