import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { expect } from 'vitest'
import { testDatabase, testFolder } from '../support/databases.js'
import { httpServer } from '../support/servers.js'
import type { Fault, Look } from './room.js'

/** More than anybody's memory should be asked to hold: what a run keeps must not grow with it. */
export const large: readonly Fault[] = [
  {
    id: 'L1',
    fault: 'a value of 600 MB',
    make: () => onSqlite(value, 'all-well', 0, /^No database crash: 2 tables/),
  },
  {
    id: 'L2',
    fault: 'a million rows without a parent',
    make: () => onSqlite(orphans, 'rows-orphaned', 1, /^1,000,000 rows of c point/),
  },
  {
    id: 'L3',
    fault: '10,000 tables',
    make: () => onSqlite(tables, 'all-well', 0, /^No database crash: 10,000 tables/),
  },
  {
    id: 'L4',
    fault: '10,000 tables',
    async make() {
      const { target, execute } = await testDatabase('postgres')
      for (let at = 0; at < 10_000; at += 500)
        await execute(
          `do $$ begin for i in ${at}..${at + 499} loop execute format('create table t%s (id int primary key, t_id int, v text)', i); end loop; end $$`,
        )
      return { target, exit: 0, cause: 'all-well', says: /^No database crash: 10,000 tables/ }
    },
  },
  {
    id: 'L5',
    fault: 'a million rows without a parent',
    async make() {
      const { target } = await testDatabase(
        'postgres',
        `create table p (id int primary key); create table c (id int primary key, p_id int);
        insert into c select i, i from generate_series(1, 1000000) i; insert into p values (0);
        alter table c add constraint c_p foreign key (p_id) references p not valid`,
      )
      return { target, exit: 1, cause: 'rows-orphaned', says: /^1,000,000 rows of c point/ }
    },
  },
  {
    id: 'L6',
    fault: 'an answer of 1 GB',
    async make() {
      const chunk = Buffer.alloc(1 << 20, ' ')
      const url = await httpServer(async (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        for (let at = 0; at < 1024 && !response.destroyed; at++)
          if (!response.write(chunk))
            await new Promise((resolve) => response.once('drain', resolve).once('close', resolve))
        response.end()
      })
      return {
        config: { api: { url, endpoints: [{ path: '/', type: 'json' }] } },
        exit: 0,
        says: /^2 of 2 checks passed/,
        after: (report) => expect(JSON.stringify(report)).toContain('server/endpoints#too-large'),
      }
    },
  },
]

async function onSqlite(
  build: (database: BetterSqlite.Database) => void,
  cause: string,
  exit: number,
  says: RegExp,
): Promise<Look> {
  const path = join(await testFolder(), 'large.db')
  const database = new BetterSqlite(path)
  database.pragma('synchronous = off')
  database.pragma('foreign_keys = off')
  build(database)
  database.close()
  return { target: `sqlite:${path}`, untouched: [dirname(path)].filter(() => build === tables), exit, cause, says }
}

/** Longer than better-sqlite3 lets through, and no longer than SQLite does. */
function value(database: BetterSqlite.Database): void {
  database.exec(`create table p (id integer primary key, name text); create table c (id integer primary key, p_id integer references p (id), body blob);
    insert into p values (1, 'one')`)
  execFileSync('sqlite3', [database.name, 'insert into c values (1, 1, zeroblob(600000000))'])
}

function orphans(database: BetterSqlite.Database): void {
  database.exec(`create table p (id integer primary key); create table c (id integer primary key, p_id integer references p (id));
    insert into p values (0);
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000000) insert into c select i, i from n`)
}

function tables(database: BetterSqlite.Database): void {
  database.exec('begin')
  for (let at = 0; at < 10_000; at++)
    database.exec(`create table t${at} (id integer primary key, t_id integer, v text)`)
  database.exec('commit')
}
