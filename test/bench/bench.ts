/** Whole commands against a named peer in the same run, in turn, so that a machine that slows down slows both. Prints ratios. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import BetterSqlite from 'better-sqlite3'
import { createSqliteDemo } from '../../fixtures/demo/build.js'
import { findBinaries, startPostgres } from '../support/postgres.js'

const dbdoctor = [process.execPath, fileURLToPath(new URL('../../dist/bin/dbdoctor.js', import.meta.url))]
const onlyForeignKeys = ['--only', 'integrity/foreign-keys', '--no-progress']
const children = 1_000_000
const parents = 200_000

interface Comparison {
  readonly name: string
  readonly command: readonly string[]
  readonly peerName: string
  readonly peer: readonly string[]
  readonly runs: number
}

const folder = mkdtempSync(join(tmpdir(), 'dbdoctor-bench-'))
const server = await startPostgres()
try {
  const demo = join(folder, 'demo.db')
  await createSqliteDemo(demo)
  const bare = [process.execPath, '-e', '0']
  compare({
    name: 'dbdoctor --version',
    command: [...dbdoctor, '--version'],
    peerName: 'node -e 0',
    peer: bare,
    runs: 15,
  })
  compare({
    name: 'dbdoctor check, the demo',
    command: [...dbdoctor, 'check', demo],
    peerName: 'node -e 0',
    peer: bare,
    runs: 15,
  })

  for (const indexed of [false, true]) {
    for (const journal of ['delete', 'wal']) {
      const file = join(folder, `${journal}-${indexed}.db`)
      largeSqlite(file, indexed, journal)
      compare({
        name: `foreign-keys, SQLite, ${journal}, ${indexed ? 'indexed' : 'no index'}`,
        command: [...dbdoctor, 'check', file, ...onlyForeignKeys],
        peerName: 'sqlite3, PRAGMA foreign_key_check',
        peer: ['sqlite3', '-readonly', file, 'pragma foreign_key_check'],
        runs: 5,
      })
      rmSync(file)
    }
  }

  const psql = join(findBinaries(), 'psql')
  const antiJoin =
    'select count(*) from child c where parent_id is not null and not exists (select from parent p where p.id = c.parent_id)'
  for (const indexed of [false, true]) {
    execFileSync(psql, [server.url, '-qc', largePostgres(indexed)])
    execFileSync(psql, [server.url, '-qc', 'vacuum analyze'])
    compare({
      name: `foreign-keys, PostgreSQL, ${indexed ? 'indexed' : 'no index'}`,
      command: [...dbdoctor, 'check', server.url, ...onlyForeignKeys],
      peerName: 'psql, a hand-written anti-join',
      peer: [psql, server.url, '-Atc', antiJoin],
      runs: 7,
    })
  }
} finally {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
}

function compare({ name, command, peerName, peer, runs }: Comparison): void {
  const times: { own: number; peer: number }[] = []
  for (let run = 0; run <= runs; run++) times.push({ own: timed(command), peer: timed(peer) })
  // The first pair warms caches.
  const counted = times.slice(1)
  const own = median(counted.map((time) => time.own))
  const other = median(counted.map((time) => time.peer))
  const ratio = median(counted.map((time) => time.own / time.peer))
  console.log(
    `${ratio.toFixed(2).padStart(6)}x  ${name}: ${own.toFixed(0)} ms; ${peerName}: ${other.toFixed(0)} ms (median of ${runs})`,
  )
}

function timed([program = '', ...args]: readonly string[]): number {
  const began = performance.now()
  const { error, status, stderr } = spawnSync(program, args, { stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 30 })
  const ms = performance.now() - began
  if (error) throw new Error(`${program} cannot be run: ${error.message}`)
  if (status === null || status > 1) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr}`)
  return ms
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function largeSqlite(file: string, indexed: boolean, journal: string): void {
  const database = new BetterSqlite(file)
  database.pragma(`journal_mode = ${journal}`)
  database.exec(`
    create table parent (id integer primary key, name text);
    create table child (id integer primary key, parent_id integer references parent (id), note text);
    with recursive n (i) as (select 1 union all select i + 1 from n where i < ${parents}) insert into parent select i, 'parent ' || i from n;
    with recursive n (i) as (select 1 union all select i + 1 from n where i < ${children})
      insert into child select i, 1 + (i * 7919) % ${parents}, 'some text of a child' from n;
    ${indexed ? 'create index child_parent on child (parent_id);' : ''}`)
  database.close()
}

function largePostgres(indexed: boolean): string {
  return `
    drop table if exists child, parent;
    create table parent (id int primary key, name text);
    create table child (id int primary key, parent_id int references parent (id), note text);
    insert into parent select i, 'parent ' || i from generate_series(1, ${parents}) i;
    insert into child select i, 1 + (i * 7919::bigint) % ${parents}, 'some text of a child' from generate_series(1, ${children}) i;
    ${indexed ? 'create index on child (parent_id);' : ''}`
}
