import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import BetterSqlite from 'better-sqlite3'
import { execa } from 'execa'
import pg from 'pg'
import { expect } from 'vitest'
import type { DialectName } from '../../src/dialects/dialect.js'
import type { Plan } from '../../src/repair/step.js'
import { dbdoctor, reportOf } from '../support/cli.js'
import { type TestDatabase, testDatabase } from '../support/databases.js'

export const quiet = ['--no-progress', '--skip', 'connection/latency,activity,storage']

/** Rows whose parents are gone, others that point at those, and values that are hard to write down. */
export const orphans: Record<DialectName, string> = {
  sqlite: `pragma foreign_keys = off;
    create table users (id integer primary key, name text);
    create table posts (id integer primary key, user_id integer references users (id), body text, data blob, price real);
    create table comments (id integer primary key, post_id integer not null references posts (id), reply_to integer references comments (id));
    insert into users values (1, 'ada');
    insert into posts values (1, 1, 'kept', x'00ff', 0.1), (2, 9, 'it''s' || char(0) || 'gone', x'00ff', 1e300), (3, null, 'kept', null, null);
    insert into comments values (1, 1, null), (2, 2, null), (3, 2, 2), (4, 77, null)`,
  postgres: `create table users (id int primary key, name text);
    create table posts (id int generated always as identity primary key, user_id int, body text, data bytea, price float8, at timestamptz, tags text[]);
    create table comments (id int primary key, post_id int not null, reply_to int);
    insert into users values (1, 'ada');
    insert into posts overriding system value values (1, 1, 'kept', '\\x00ff', 0.1, 'infinity', '{a}'),
      (2, 9, E'it''s\\n gone', '\\x00ff', 1e300, '2026-01-01 12:00:00.123456+00', '{"a,b",null}'), (3, null, 'kept', null, null, null, null);
    insert into comments values (1, 1, null), (2, 2, null), (3, 2, 2), (4, 77, null);
    alter table posts add constraint posts_user foreign key (user_id) references users not valid;
    alter table comments add constraint comments_post foreign key (post_id) references posts not valid;
    alter table comments add constraint comments_reply foreign key (reply_to) references comments`,
}

export async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

/** Everything that the tables of the application hold. */
export async function contents({ target }: TestDatabase): Promise<Record<string, unknown[]>> {
  const all: Record<string, unknown[]> = {}
  for (const table of ['users', 'posts', 'comments']) {
    const ask = `select * from ${table} order by id`
    if (target.startsWith('postgres')) all[table] = (await query(target, ask)).map((row) => JSON.stringify(row))
    else {
      const file = new BetterSqlite(pathOf(target), { readonly: true })
      all[table] = file.prepare(ask).all()
      file.close()
    }
  }
  return all
}

export async function tablesOf({ target }: TestDatabase): Promise<string[]> {
  if (target.startsWith('postgres')) {
    const rows = await query(target, "select tablename as name from pg_tables where schemaname = 'public' order by 1")
    return rows.map(({ name }) => String(name))
  }
  const file = new BetterSqlite(pathOf(target), { readonly: true })
  const rows = file.prepare("select name from sqlite_schema where type = 'table' order by 1").all()
  file.close()
  return rows.map((row) => (row as { name: string }).name)
}

export function pathOf(target: string): string {
  return target.replace(/^sqlite:/, '')
}

export async function planOf(target: string, ...more: string[]): Promise<Plan> {
  const { stdout, stderr } = await dbdoctor(['fix', target, ...quiet, ...more, '-f', 'json'])
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}

/**
 * Kills a repair right before or after the nth record of its journal, lets a second run end it, kills that again while it takes it back, and
 * takes it back. Whether there was such a record.
 */
export async function killedAt(
  dialect: DialectName,
  when: 'before' | 'after',
  nth: number,
  folder: string,
): Promise<boolean> {
  const database = await testDatabase(dialect, orphans[dialect])
  const before = await contents(database)
  const plan = await planOf(database.target)
  const [file, journal] = [join(folder, `plan-${nth}-${when}`), join(folder, `journal-${nth}-${when}`)]
  await writeFile(file, JSON.stringify(plan))
  const script = fileURLToPath(new URL('./killed.ts', import.meta.url))
  const jiti = fileURLToPath(import.meta.resolve('jiti/package.json').replace('package.json', 'lib/jiti-cli.mjs'))
  const run = (what: string) =>
    execa(process.execPath, [jiti, script, database.target, file, journal, what, when, String(nth)], { reject: false })
  const killed = await run('apply')
  if (killed.exitCode === 0) return false
  expect(killed.signal).toBe('SIGKILL')
  const report = await reportOf(['fix', database.target, ...quiet, '--apply', plan.id, '--journal', journal, '--yes'])
  expect(report.results.find(({ id }) => id === 'integrity/foreign-keys')?.status).toBe('pass')
  expect((await contents(database)).posts).toHaveLength(2)
  await run('undo')
  const undone = await dbdoctor(['fix', database.target, '--undo', journal])
  expect([undone.exitCode, undone.stderr]).toEqual([0, ''])
  expect(await contents(database)).toEqual(before)
  expect((await tablesOf(database)).filter((name) => name.startsWith('dbdoctor_'))).toEqual([])
  return true
}
