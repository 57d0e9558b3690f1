import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { dbdoctor, reportOf } from '../../support/cli.js'
import { examine, examineOne, said, testDatabase, testFolder } from '../../support/databases.js'

const fullText = (target: string) => examineOne('integrity/full-text', target)
const docs = `create table docs (id integer primary key, title text, body text, live int default 1);
  insert into docs (id, title, body) values (1, 'one', 'alpha beta'), (2, 'two', 'gamma'), (7, 'seven', 'delta');`
const pathOf = (target: string) => target.replace('sqlite:', '')

test('indexes of the rows that are there are silent, however they are declared', async () => {
  const { target } = await testDatabase(
    'sqlite',
    `${docs}
    create virtual table plain using fts5 (title, body, content='docs', content_rowid='id');
    insert into plain (plain) values ('rebuild');
    create virtual table "the ""search""" using fts5 (title, tokenize = "porter unicode61", content = "Docs", content_rowid=id);
    insert into "the ""search""" ("the ""search""") values ('rebuild');
    create virtual table older using fts4 (content="docs", title, body);
    insert into older (older) values ('rebuild');
    create view live as select id as number, title from docs where live;
    create virtual table seen using fts5 (title, content=live, content_rowid="number");
    insert into seen (seen) values ('rebuild');
    create virtual table own using fts5 (body); insert into own values ('x');
    create virtual table none using fts5 (body, content=''); insert into none (rowid, body) values (99, 'x');
    create table quoted (id integer primary key, content text); insert into quoted values (1, 'content=nothing');
    create virtual table trees using rtree (id, a, b)`,
  )
  const result = await fullText(target)
  expect(result).toMatchObject({ status: 'pass', findings: [], coverage: { examined: 4, of: 4 } })
  const none = await testDatabase('sqlite', 'create table t (id integer primary key)')
  expect(said(await fullText(none.target))).toBe('pass')
})

test('rows that are gone are told, and a search fails on them until the index is built anew', async () => {
  const { target, execute } = await testDatabase(
    'sqlite',
    `${docs} create virtual table search using fts5 (body, content='docs', content_rowid='id');
    insert into search (search) values ('rebuild'); delete from docs where id <> 1`,
  )
  const database = new BetterSqlite(pathOf(target))
  const search = () => database.prepare("select body from search where search match 'gamma'").all()
  expect(search).toThrow(expect.objectContaining({ code: 'SQLITE_CORRUPT_VTAB' }))
  const { results, causes, verdict } = await examine(target)
  const sentence =
    'full-text index "search" has 2 rows that are not in "docs": a search that comes to one fails with SQLITE_CORRUPT_VTAB, "database disk image is malformed"'
  const result = results.find(({ id }) => id === 'integrity/full-text')
  expect(result && said(result)).toEqual([sentence])
  expect([verdict.status, causes.map(({ id }) => id)]).toEqual(['unhealthy', ['full-text-outdated']])
  // And the other way round, beside them.
  await execute("insert into docs (id, body) values (8, 'epsilon')")
  expect(said(await fullText(target))).toEqual([
    sentence,
    'full-text index "search" lacks 1 of 2 rows of "docs": no search finds it',
  ])
  database.exec(String(result?.findings[0]?.next?.[0]))
  expect(search()).toEqual([])
  database.close()
  expect(await fullText(target)).toMatchObject({ status: 'pass', findings: [] })
})

test('an index that lacks some rows is noted, one that lacks all of them is a warning', async () => {
  const { target } = await testDatabase(
    'sqlite',
    `${docs} create virtual table some using fts5 (body, content='docs', content_rowid='id');
    insert into some (rowid, body) values (1, 'alpha beta');
    create virtual table void using fts5 (body, content='docs', content_rowid='id')`,
  )
  const { status, findings } = await fullText(target)
  expect([status, findings.map(({ severity, message }) => [severity, message])]).toEqual([
    'warn',
    [
      ['info', 'full-text index "some" lacks 2 of 3 rows of "docs": no search finds them'],
      ['warning', 'full-text index "void" is empty, and "docs" has 3 rows: no search finds anything'],
    ],
  ])
})

test('an FTS4 index shows rows that are gone as empty; it is not taken for a damaged one', async () => {
  const { target } = await testDatabase(
    'sqlite',
    `${docs} create virtual table search using fts4 (content="docs", body);
    insert into search (search) values ('rebuild'); delete from docs where id = 2`,
  )
  const { results, causes } = await examine(target)
  const result = results.find(({ id }) => id === 'integrity/full-text')
  expect(result && [result.status, said(result)]).toEqual([
    'warn',
    ['full-text index "search" has 1 row that is not in "docs": a search shows them as empty'],
  ])
  expect(causes.map(({ id }) => id)).toEqual(['full-text-outdated'])
})

test('an index whose table is gone fails each search', async () => {
  const { target } = await testDatabase(
    'sqlite',
    `${docs} create virtual table search using fts5 (body, content='docs', content_rowid='id'); drop table docs`,
  )
  expect(said(await fullText(target))).toEqual([
    'full-text index "search" is of "docs", which is not there: each search fails',
  ])
})

test('an index that keeps no list of its rows is not compared, and that gates nothing', async () => {
  const { target } = await testDatabase(
    'sqlite',
    `${docs} create virtual table search using fts5 (body, content='docs', content_rowid='id', columnsize=0)`,
  )
  const result = await fullText(target)
  expect(result.coverage?.missing).toEqual([
    expect.objectContaining({ object: 'search', reason: 'unavailable', detail: 'it keeps no list of its rows' }),
  ])
  expect((await reportOf(['check', target])).exitCode).toBe(0)
})

test('dbdoctor fix builds it anew', async () => {
  const { target } = await testDatabase(
    'sqlite',
    `${docs} create virtual table search using fts5 (body, content='docs', content_rowid='id');
    insert into search (search) values ('rebuild'); delete from docs where id = 2`,
  )
  const { stdout } = await dbdoctor(['fix', target, '-f', 'json'])
  const { id } = JSON.parse(stdout)
  const report = await reportOf(['fix', target, '--apply', id, '--yes', '--journal', join(await testFolder(), 'j')])
  expect(report.fixes?.map(({ what, outcome }) => [what, outcome])).toEqual([
    ['build the full-text index "search" anew from "docs"', 'applied'],
  ])
})
