import { expect, test } from 'vitest'
import { asSuperuser, examine, examineOne, postgresVersion, said, testDatabase } from '../../support/databases.js'

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

/** A table whose indexes were built in the order of bytes, and are said to be in that of a language. */
const elsewhere = (recorded: string) => `create collation german (provider = icu, locale = 'de');
  create table t (id int primary key, mixed text collate "C", "the \\ ""end" varchar(20) collate "C", same text collate "C", two text collate "C", soft text collate german);
  insert into t select n, case n % 2 when 0 then 'a' else 'B' end || n, case when n > 5000 then case n % 2 when 0 then 'ä' else 'z' end else 'm' end || lpad(n::text, 5, '0'), lpad(n::text, 9, '0'), 'x', 'Y' || n from generate_series(1, 5010) n;
  create index t_mixed on t (mixed); create index "t ""end" on t ("the \\ ""end" desc); create index t_same on t (same); create index t_two on t (two, mixed);
  create index t_part on t (mixed) where id > 5; create index t_low on t (lower(mixed));
  update pg_attribute set attcollation = 'german'::regcollation where attrelid = 't'::regclass and attcollation = '"C"'::regcollation;
  update pg_index set indcollation = replace(indcollation::text, '"C"'::regcollation::oid::text, 'german'::regcollation::oid::text)::oidvector where indrelid = 't'::regclass;
  create index t_soft on t (soft); update pg_collation set collversion = ${recorded} where collname = 'german'`

test('an index that is out of order is seen to be, at either end', async () => {
  const { target, execute } = await testDatabase('postgres', elsewhere("'1.2'"))
  const quick = await examineOne('storage/collations', target, { depth: 'quick' })
  expect([quick.status, said(quick)]).toEqual(['warn', [expect.stringContaining(': 7 indexes may be out of order: ')]])
  const result = await collations(target)
  expect([result.status, said(result)]).toEqual([
    'fail',
    [
      expect.stringMatching(
        /^collation "german" has changed from version 1\.2 to [\d.]+: "t \\?"end", "t_mixed" are out of order, and what is there is not found, and 5 more may be$/,
      ),
    ],
  ])
  expect((await examine(target)).causes.map(({ id }) => id)).toEqual(['collation-changed'])
  for (const step of result.findings[0]?.next ?? []) await execute(step)
  expect(said(await collations(target))).toBe('pass')
})

test('a collation of which no version was recorded, and there is one here: the database came from another system', async () => {
  const { target, execute } = await testDatabase('postgres', elsewhere('null'))
  const result = await collations(target)
  expect(said(result)).toEqual([
    expect.stringMatching(
      /^collation "german" is of version [\d.]+ here, and came from a system that tells none \(musl, as in Alpine images\): .* are out of order/,
    ),
  ])
  for (const step of result.findings[0]?.next ?? []) await execute(step)
  // Nothing can record it: what is known now is a note.
  const [finding, ...more] = (await collations(target)).findings
  expect([finding?.severity, finding?.message, more]).toEqual([
    'info',
    expect.stringMatching(/: 7 indexes may be out of order: /),
    [],
  ])
  const { verdict, causes } = await examine(target)
  expect([verdict.status, causes.map(({ id }) => id)]).toEqual(['healthy', ['all-well']])
  await execute('drop table t')
  expect(said(await collations(target))).toBe('pass')
})

test('it does not apply to SQLite', async () => {
  const { target } = await testDatabase('sqlite', 'create table t (id integer primary key)')
  expect(said(await collations(target))).toBe('skip: not-applicable: it does not apply to sqlite')
})
