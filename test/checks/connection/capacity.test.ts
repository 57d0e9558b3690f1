import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import BetterSqlite from 'better-sqlite3'
import pg from 'pg'
import { expect, test } from 'vitest'
import type { Report } from '../../../src/report/report.js'
import { executable, reportOf } from '../../support/cli.js'
import { afterwards, examineOne, said, testDatabase, testFolder } from '../../support/databases.js'
import { startPostgres } from '../../support/postgres.js'

const capacity = (target: string) => examineOne('connection/capacity', target)

test('a server with room says how many connections are taken, and names the limit that is reached first', async () => {
  const server = await startPostgres(['max_connections=20', 'superuser_reserved_connections=2'])
  afterwards(() => server.stop())
  const healthy = await capacity(server.url)
  expect([said(healthy), healthy.saw]).toEqual(['pass', '0 of 18 connections'])

  const clients: pg.Client[] = []
  const take = async (most: number, connectionString = server.url) => {
    while (clients.length < most) {
      const client = new pg.Client({ connectionString, application_name: 'shop' })
      client.on('error', () => {})
      await client.connect()
      clients.push(client)
    }
  }
  await take(4)
  await clients[0]?.query('alter database postgres connection limit 5; alter role postgres connection limit 100')
  expect(said(await capacity(server.url))).toBe('pass')
  await clients[0]?.query('alter database postgres connection limit 4')
  expect(said(await capacity(server.url))).toEqual(['4 of 4 connections of database "postgres" are taken'])
  await clients[0]?.query('alter database postgres connection limit -1')
  await take(16)
  const full = await capacity(server.url)
  expect([full.status, said(full)]).toEqual(['warn', ['16 of 18 connections of the server are taken']])
  await Promise.all(clients.map((client) => client.end()))
})

test('a disk with room is silent', async () => {
  const { target } = await testDatabase('sqlite', 'create table t (id integer primary key)')
  const result = await capacity(target)
  expect([said(result), result.saw]).toEqual(['pass', expect.stringMatching(/^[\d.]+ [MGT]B left on the disk$/)])
})

test('a disk that is full is the root cause, and no crash', async () => {
  const folder = await testFolder()
  // In a name space of its own anybody may mount a small disk.
  const script = `mount -t tmpfs -o size=4m none "${folder}" && cd "${folder}" &&
    node -e "const d = new (require('better-sqlite3'))('app.db'); d.exec('create table t (id integer primary key, v text)'); d.close()" &&
    { "${process.execPath}" "${executable}" check app.db -f json=before.json --no-progress > /dev/null; cat before.json; rm before.json; echo '<end>';
      head -c 10000000 /dev/zero > filler 2> /dev/null; "${process.execPath}" "${executable}" check app.db -f json; true; }`
  const { stdout } = await promisify(execFile)(
    'unshare',
    ['--user', '--map-root-user', '--mount', 'sh', '-c', script],
    { env: { ...process.env, NODE_PATH: join(process.cwd(), 'node_modules') } },
  )
  const [before, after] = stdout.split('<end>').map((text): Report => JSON.parse(text))
  const find = (report: Report | undefined) =>
    report?.results.find(({ id }) => id === 'connection/capacity') ?? expect.fail()
  expect(said(find(before))).toBe('pass')
  expect(said(find(after))).toEqual([expect.stringMatching(/^the disk of .* is full: 0 bytes of 4 MB are left$/)])
  expect(after?.causes[0]?.id).toBe('disk-full')
  expect(after?.exitCode).toBe(1)
  expect(after?.verdict.headline).toMatch(/The disk of .* is full: /)
})

test('a log that no checkpoint can write back is told; one that is only long is not', async () => {
  const { target } = await testDatabase('sqlite', 'pragma journal_mode = wal; create table t (v text)')
  const config = join(await testFolder(), 'dbdoctor.config.json')
  await writeFile(config, JSON.stringify({ checks: { 'connection/capacity': { options: { log: '2MB' } } } }))
  const look = async () => {
    const report = await reportOf(['check', target, '-c', config, '--only', 'connection'])
    const result = report.results.find(({ id }) => id === 'connection/capacity')
    return { sentences: result && said(result), causes: report.causes.map(({ id }) => id) }
  }
  const open = () => {
    const database = new BetterSqlite(target.replace('sqlite:', ''))
    afterwards(async () => database.close())
    return database
  }
  const [writer, reader] = [open(), open()]
  const write = () => {
    for (let i = 0; i < 100; i++) writer.prepare('insert into t values (hex(zeroblob(40000)))').run()
  }
  write()
  // As long as it ever was, and written back.
  expect(statSync(`${writer.name}-wal`).size).toBeGreaterThan(4_000_000)
  expect((await look()).sentences).toBe('pass')

  reader.exec('begin; select count(*) from t')
  write()
  const told = await look()
  const grows = (who = '') => [
    expect.stringMatching(
      new RegExp(
        `^\\S+-wal has [\\d.]+ MB that no checkpoint has written back${who}: it grows with each write, and each read becomes slower$`,
      ),
    ),
  ]
  const here = `, for process ${process.pid} \\(.+\\) goes on reading what was there before`
  expect(told.sentences).toEqual(grows(here))
  expect(told.causes).toEqual(['transaction-left-open'])
  reader.exec('commit')
  writer.pragma('wal_checkpoint(passive)')
  expect((await look()).sentences).toBe('pass')

  writer.pragma('wal_autocheckpoint = 0')
  write()
  expect((await look()).sentences).toEqual(grows())
})
