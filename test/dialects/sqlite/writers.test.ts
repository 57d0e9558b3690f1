import { describe, expect, test } from 'vitest'
import type { Result } from '../../../src/report/report.js'
import { reportOf } from '../../support/cli.js'
import { examineOne, said, testDatabase } from '../../support/databases.js'
import { type Application, application, as, configFile, scene, stranger, until, write } from './scene.js'

const numbers = (count: number) => `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count})`

/** Parents by a number and by a text, and children enough for many windows. */
const large = (rows: number, kind = '') => `
  create table parents (id integer primary key, code text unique);
  create table children (id integer primary key, parent_id integer references parents (id), code text references parents (code)) ${kind};
  ${numbers(100_000)} insert into parents select i, 'c' || i from n;
  ${numbers(rows)} insert into children select i, i % 100000 + 1, 'c' || (i % 100000 + 1) from n;`

/** Writes a pair and removes it again, as fast as it can, and counts. What fails ends it. */
const writing = `
  db.pragma('foreign_keys = off')
  db.pragma('synchronous = off')
  const add = db.transaction((i) => {
    db.prepare('insert into parents values (?, ?)').run(1e6 + i, 'new' + i)
    db.prepare('insert into children values (?, ?, ?)').run(1e6 + i, 1e6 + i, 'new' + i)
  })
  const remove = db.transaction((i) => {
    db.prepare('delete from children where id = ?').run(1e6 + i)
    db.prepare('delete from parents where id = ?').run(1e6 + i)
  })
  let i = 0
  const write = () => {
    try {
      add(++i)
      remove(i)
      console.log('written')
      setTimeout(write, 2)
    } catch (error) {
      console.log('failed: ' + error.message)
    }
  }
  write()`

const count = (application: Application, line: string) => application.output().split(`${line}\n`).length - 1
const failures = (application: Application) =>
  application
    .output()
    .split('\n')
    .filter((line) => line.startsWith('failed'))
const orphansOf = (result: Result | undefined) =>
  result?.findings.map(({ evidence }) => [evidence.columns, evidence.rows])

describe('beside an application that writes all the time', () => {
  test.each(['delete', 'wal'])('no write fails, and only true orphans are reported (%s)', async (mode) => {
    const { file, temporary } = await scene()
    await write(
      file,
      `pragma journal_mode = ${mode}; ${large(600_000)}
      insert into children values (2000000, 7000000, 'c1'), (2000001, 7000000, 'c1'), (2000002, null, 'gone');`,
    )
    const writer = await application(file, writing)
    const before = count(writer, 'written')
    const config = await configFile({ database: { expect: { rows: { parents: { min: 100_000 } } } } })

    const report = await reportOf(['check', file, '--config', config], as(stranger, temporary))
    const during = count(writer, 'written') - before
    expect(failures(writer)).toEqual([])
    expect(during).toBeGreaterThan(5)
    expect(orphansOf(report.results.find(({ id }) => id === 'integrity/foreign-keys'))).toEqual([
      [['parent_id'], 2],
      [['code'], 1],
    ])
    await until(() => count(writer, 'written') > before + during, 'one more write')
  })

  test.each(['', 'without rowid'])('the same without orphans is a pass (%s)', async (kind) => {
    const { file, temporary } = await scene()
    await write(file, large(600_000, kind))
    const writer = await application(file, writing)
    const report = await reportOf(['check', file, '--only', 'integrity'], as(stranger, temporary))
    expect(report.results.find(({ id }) => id === 'integrity/foreign-keys')).toMatchObject({ status: 'pass' })
    expect(failures(writer)).toEqual([])
  })
})

describe('many short scans and one long one see the same', () => {
  const bothWays = async (statements: string) => {
    const results: Result[] = []
    for (const mode of ['delete', 'wal']) {
      const { target } = await testDatabase('sqlite', `pragma journal_mode = ${mode}; ${statements}`)
      results.push(await examineOne('integrity/foreign-keys', target))
    }
    const [short, long] = results
    expect(short?.findings).toEqual(long?.findings)
    expect(short?.coverage).toEqual(long?.coverage)
    return short
  }
  const parents = `create table p (id integer primary key, code text unique); ${numbers(1000)} insert into p select i, 'c' || i from n;`

  test('rowids with gaps, below zero, and at the ends of what there is', async () => {
    const result = await bothWays(`${parents}
      create table c (id integer primary key, p integer references p (id));
      ${numbers(2000)} insert into c select i * 1000003 - 900000000, i % 1000 + 1 from n;
      insert into c values (-9223372036854775808, 5000), (9223372036854775806, 5000), (9223372036854775807, 6000), (-7, 1001), (0, 1);`)
    expect(orphansOf(result)).toEqual([[['p'], 4]])
    expect(result?.findings[0]?.evidence.samples).toContainEqual({
      row: { id: '-9223372036854775808' },
      key: { p: 5000 },
    })
  })

  test('more orphans than are looked at again', async () => {
    const result = await bothWays(`${parents}
      create table c (id integer primary key, p integer references p (id));
      ${numbers(200_000)} insert into c select i, i % 2000 from n;`)
    expect(orphansOf(result)).toEqual([[['p'], 100_000]])
  })

  test('a table without rowids', async () => {
    const result = await bothWays(`${parents}
      create table c (a text, b integer, p integer references p (id), primary key (a, b)) without rowid;
      ${numbers(200_000)} insert into c select 'k' || (i % 7), i, iif(i % 50000 = 0, 5000, i % 1000 + 1) from n;`)
    expect(orphansOf(result)).toEqual([[['p'], 4]])
  })

  test.each([
    ['two of its names', '"rowid" text, "oid" text'],
    ['all of its names', '"rowid" text, "oid" text, "_rowid_" text'],
    ['all of its names, one of them for itself', '"rowid" text, "oid" text, "_rowid_" integer primary key'],
  ])('a table whose columns have taken %s', async (_, columns) => {
    const result = await bothWays(`${parents}
      create table c (${columns}, p integer references p (id), code text references p (code));
      ${numbers(160_000)} insert into c (p, code) select iif(i % 50000 = 0, 5000, i % 1000 + 1), iif(i % 40000 = 0, 'gone', 'c1') from n;`)
    expect(orphansOf(result)).toEqual([
      [['p'], 3],
      [['code'], 4],
    ])
  })

  test.each([0, 1])('%s samples', async (samples) => {
    const { target } = await testDatabase(
      'sqlite',
      `${parents} create table c (code text references p (code)); insert into c values ('c1'), ('gone'), ('lost');`,
    )
    const result = await examineOne('integrity/foreign-keys', target, { samples })
    expect(said(result)).toEqual(['"c": 2 rows point at a row of "p" that does not exist (code)'])
    expect(result.findings[0]?.evidence.samples).toHaveLength(samples)
  })
})
