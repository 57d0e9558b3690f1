import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import type { ConfigInput } from '../../../src/config/config.js'
import {
  afterwards,
  examineOne,
  onEachDialect,
  said,
  type TestDatabase,
  testDatabase,
} from '../../support/databases.js'

type Writes = NonNullable<NonNullable<ConfigInput['database']>['writes']>

const probe: Writes = { table: 'notes', insert: { body: 'probe', done: false }, update: { body: 'probe 2' } }
const writes = (target: string, more: Partial<Writes> = {}, deadline = 20_000) =>
  examineOne('integrity/writes', target, { config: { database: { writes: { ...probe, ...more } } }, deadline })

const key = { sqlite: 'integer primary key autoincrement', postgres: 'serial primary key' }
const schemaOf = (dialect: 'sqlite' | 'postgres') => `
  create table authors (id integer primary key);
  create table notes (id ${key[dialect]}, body text not null check (body <> 'bad'), done boolean, author_id integer references authors (id));
  insert into authors values (1); insert into notes (body, done) values ('first', true), ('second', null);`

onEachDialect((dialect) => {
  const given = (statements = '') => testDatabase(dialect, schemaOf(dialect) + statements)
  const rows = async ({ target }: TestDatabase, expected: number) =>
    said(
      await examineOne('integrity/row-counts', target, {
        config: { database: { expect: { rows: { notes: expected } } } },
      }),
    )

  test('a table that takes writes passes, and not a row is left', async () => {
    const database = await given()
    const result = await writes(database.target)
    expect([said(result), result.saw]).toEqual(['pass', 'created, read, updated, deleted, not kept'])
    expect(await rows(database, 2)).toBe('pass')
  })

  test('without a configured row nothing is written', async () => {
    const { target } = await given()
    await expect(examineOne('integrity/writes', target)).rejects.toThrow(
      'nothing to look at: integrity/writes needs the part database.writes of the config',
    )
  })

  test.each<[string, Partial<Writes>, RegExp]>([
    [
      'a value that a CHECK refuses',
      { insert: { body: 'bad' } },
      /^no row can be inserted into "notes": .*(check constraint|CHECK constraint)/,
    ],
    [
      'a value that is missing',
      { insert: { done: true } },
      /^no row can be inserted into "notes": .*(null value|NOT NULL)/,
    ],
    [
      'a parent that is not there',
      { insert: { body: 'x', author_id: 7 } },
      /^no row can be inserted into "notes": .*(foreign key|FOREIGN KEY)/,
    ],
    [
      'an update that a CHECK refuses',
      { update: { body: 'bad' } },
      /^a new row of "notes" cannot be updated: .*(check constraint|CHECK constraint)/,
    ],
    ['a table that is not there', { table: 'nots' }, /^the config writes to "nots", and there is no such table$/],
    [
      'columns that are not there',
      { update: { bdy: 'x' } },
      /^the config writes to columns of "notes" that are not there: "bdy"$/,
    ],
  ])('%s', async (_, more, sentence) => {
    const database = await given()
    const result = await writes(database.target, more)
    expect([result.status, said(result)]).toEqual(['fail', [expect.stringMatching(sentence)]])
    expect(await rows(database, 2)).toBe('pass')
  })

  test('a view is not written to', async () => {
    const { target } = await given('create view v as select id, body from notes;')
    expect(said(await writes(target, { table: 'v' }))).toMatch(/^skip/)
  })

  test('a table without a key is written to like any other', async () => {
    const { target } = await given('create table log (line text); insert into log values (null);')
    expect(said(await writes(target, { table: 'log', insert: { line: 'x' }, update: { line: null } }))).toBe('pass')
    expect(said(await writes(target, { table: 'authors', insert: { id: 5 }, update: { id: 6 } }))).toBe('pass')
  })
})

describe('on sqlite', () => {
  test('the file and what lies beside it stay as they are, and the copy goes', async () => {
    for (const mode of ['delete', 'wal']) {
      const { target } = await testDatabase('sqlite', `pragma journal_mode = ${mode}; ${schemaOf('sqlite')}`)
      const path = target.replace('sqlite:', '')
      const state = () => [
        createHash('sha256').update(readFileSync(path)).digest('hex'),
        readdirSync(dirname(path)).filter((name) => !/-(wal|shm)$/.test(name)),
      ]
      const before = state()
      expect(said(await writes(target))).toBe('pass')
      expect(state()).toEqual(before)
    }
  })

  test('whole numbers stay whole, and a deferred foreign key is asked', async () => {
    const whole = await testDatabase('sqlite', "create table n (v check (typeof(v) = 'integer'))")
    expect(said(await writes(whole.target, { table: 'n', insert: { v: 1 }, update: { v: 2 } }))).toBe('pass')
    const deferred = await testDatabase(
      'sqlite',
      'create table p (id integer primary key); create table r (p int references p (id) deferrable initially deferred)',
    )
    expect(said(await writes(deferred.target, { table: 'r', insert: { p: 7 }, update: { p: null } }))).toEqual([
      'no row can be inserted into "r": FOREIGN KEY constraint failed',
    ])
  })

  test('columns that are called as the rowid is', async () => {
    const named = async (columns: string, row: Partial<Writes> = { insert: { v: 'x' }, update: { v: 'y' } }) =>
      said(await writes((await testDatabase('sqlite', `create table r (${columns})`)).target, { table: 'r', ...row }))
    expect(await named('rowid text, v text')).toBe('pass')
    expect(await named('RowId text, "_rowid_" text, v text')).toBe('pass')
    expect(await named('rowid text, _rowid_ text, oid text, v text primary key')).toBe('pass')
    expect(await named('rowid text, _rowid_ text, oid text, v text')).toBe(
      'skip: unavailable: a row of "r" cannot be found again',
    )
  })

  test('a trigger that removes the row, or turns it away', async () => {
    const given = (trigger: string) => testDatabase('sqlite', `${schemaOf('sqlite')} create trigger t ${trigger}; end;`)
    const removing = await given('after insert on notes begin delete from notes where id = new.id')
    expect(said(await writes(removing.target))).toEqual([
      'a row was inserted into "notes", and the next query does not find it: a trigger may have removed it',
    ])
    const turning = await given('before update on notes begin select raise(ignore)')
    expect(said(await writes(turning.target))).toEqual([
      'a new row of "notes" was updated, and nothing came of it: a trigger turned it away',
    ])
    const harmless = await given('after insert on notes begin delete from notes where id = new.id + 1')
    expect(said(await writes(harmless.target))).toBe('pass')
  })

  test('a trigger that raises, one that needs the application, and a table without rowids', async () => {
    const trigger = (body: string) =>
      `${schemaOf('sqlite')} create trigger t before delete on notes begin select ${body}; end;`
    const raising = await testDatabase('sqlite', trigger("raise(abort, 'not like this')"))
    expect(said(await writes(raising.target))).toEqual(['a new row of "notes" cannot be deleted: not like this'])
    const own = await testDatabase('sqlite', trigger('my_function(old.body)'))
    expect(said(await writes(own.target))).toBe('skip: unavailable: no such function: my_function')
    const quoting = await testDatabase('sqlite', trigger('1 where old.body = "x"'))
    expect(said(await writes(quoting.target))).toMatch(/^skip: unavailable: "x" is no column: in double quotes/)
    const { target } = await testDatabase('sqlite', 'create table s (a text, b int, primary key (a, b)) without rowid')
    expect(said(await writes(target, { table: 's', insert: { a: 'x', b: 1 }, update: { b: 2 } }))).toBe('pass')
  })
})

describe('on postgres', () => {
  const given = (statements = '') => testDatabase('postgres', schemaOf('postgres') + statements)

  test('a sequence that is behind its column', async () => {
    const { target } = await given("select setval('notes_id_seq', 1, false);")
    const result = await writes(target)
    expect(said(result)).toEqual([
      'no row can be inserted into "notes": duplicate key value violates unique constraint "notes_pkey"',
    ])
    expect(result.findings[0]?.next).toEqual([expect.stringContaining('--only integrity/sequences')])
    // The detail of such an error holds values.
    expect(JSON.stringify(result)).not.toContain('(1)')
  })

  test('a trigger that changes the row after it was inserted', async () => {
    const { target } = await given(`create function f() returns trigger language plpgsql as $$
      begin update notes set body = body || '!' where id = new.id; return new; end $$;
      create trigger t after insert on notes for each row execute function f();`)
    expect(said(await writes(target))).toBe('pass')
  })

  test('what a commit would refuse is refused; triggers, partitions and policies', async () => {
    const deferred = await given('alter table notes add constraint later unique (body) deferrable initially deferred;')
    expect(said(await writes(deferred.target, { insert: { body: 'first' } }))).toEqual([
      'no row can be inserted into "notes": duplicate key value violates unique constraint "later"',
    ])
    const turned = await given(`create function away() returns trigger language plpgsql as $$ begin return null; end $$;
      create trigger t before insert on notes for each row execute function away();`)
    expect(said(await writes(turned.target))).toEqual([
      'a row was inserted into "notes", and nothing came of it: a trigger or a rule turned it away',
    ])
    const parted = await given(`create table p (id int, at date) partition by range (at);
      create table p1 partition of p for values from ('2024-01-01') to ('2025-01-01'); create table p2 partition of p for values from ('2025-01-01') to ('2026-01-01');`)
    const moved = { table: 'p', insert: { id: 1, at: '2024-05-05' }, update: { at: '2025-05-05' } }
    expect(said(await writes(parted.target, moved))).toBe('pass')
    expect(said(await writes(parted.target, { ...moved, update: { at: '2030-01-01' } }))).toEqual([
      expect.stringMatching(/^a new row of "p" cannot be updated: no partition of relation "p" found for row$/),
    ])
  })

  test('a server that is read-only, a right that is missing, and a table that somebody holds', async () => {
    const database = await given()
    const { target, execute } = database
    const url = new URL(target)
    await execute(`create role writer_${process.pid} login password 'w'`)
    afterwards(() => execute(`drop owned by writer_${process.pid}; drop role writer_${process.pid}`))
    Object.assign(url, { username: `writer_${process.pid}`, password: 'w' })
    expect(said(await writes(url.href))).toMatch(/^skip: no-permission: permission denied for/)
    await execute(
      `grant insert, select, update, delete on notes to writer_${process.pid}; grant usage on sequence notes_id_seq to writer_${process.pid}`,
    )
    expect(said(await writes(url.href))).toBe('pass')
    await execute(`alter role writer_${process.pid} set default_transaction_read_only = on`)
    expect(said(await writes(url.href))).toEqual([
      '"notes" takes no writes: the server is read-only (cannot execute INSERT in a read-only transaction)',
    ])

    const holder = new pg.Client({ connectionString: target })
    await holder.connect()
    await holder.query('begin; lock table notes in exclusive mode')
    expect(said(await writes(target))).toBe('skip: unavailable: canceling statement due to lock timeout')
    await holder.end()
    expect(said(await writes(target))).toBe('pass')
  })
})
