import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { application, scene, stateOf, write } from '../../dialects/sqlite/scene.js'
import { baseBackup, restore } from '../../support/backups.js'
import { afterwards, asSuperuser, examine, postgresVersion, said } from '../../support/databases.js'
import { type PostgresServer, startPostgres } from '../../support/postgres.js'

const restarts = async (target: string) => {
  const { results, verdict, causes } = await examine(target)
  const result = results.find(({ id }) => id === 'connection/restarts') ?? expect.fail()
  const next = result.findings.flatMap((finding) => finding.next ?? [])
  return { said: said(result), saw: result.saw, next, verdict, causes: causes.map(({ id }) => id) }
}

describe('on sqlite', () => {
  const schema = `create table t (id integer primary key, v text);
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 2000) insert into t select i, hex(randomblob(200)) from n;`

  const examined = async (mode: string, script: string, end: 'kill' | 'close' | 'stay') => {
    const { folder, file } = await scene()
    await write(file, `pragma journal_mode = ${mode}; ${schema}`)
    const writer = await application(file, script)
    if (end !== 'stay') await writer[end]()
    const before = await stateOf(folder)
    const answer = await restarts(file)
    if (end !== 'stay') expect(await stateOf(folder)).toEqual(before)
    return answer
  }
  const inTheMiddle = `db.pragma('cache_size = 5'); db.exec("begin; update t set v = 'x' || v")`

  test('a writer that was killed in the middle of a transaction leaves a hot journal', async () => {
    const answer = await examined('delete', inTheMiddle, 'kill')
    expect(answer.said).toEqual([
      expect.stringMatching(
        /^a writer of app\.db ended in the middle of a transaction .*: its journal is hot, and the next one to write rolls it back$/,
      ),
    ])
    expect(answer.causes[0]).toBe('writer-interrupted')
    expect(answer.verdict.headline).toMatch(/^The database is sound now: 1 table, .* A writer of app\.db ended/)
  })

  test('one that was killed in WAL mode leaves its log', async () => {
    const answer = await examined('wal', `db.exec("insert into t (v) values ('last')")`, 'kill')
    expect(answer.said).toEqual([
      expect.stringMatching(/^the last writer of app\.db did not close it .*: 1 frame of its log is replayed/),
    ])
    expect(answer.verdict.database).toBe('unverified')
    expect(answer.verdict.headline).not.toMatch(/crash/)
  })

  test.each<[string, string, string, 'close' | 'stay']>([
    ['a journal that PERSIST keeps', 'persist', `db.exec("update t set v = 'y'")`, 'close'],
    [
      'a transaction that is under way',
      'delete',
      `db.exec("begin immediate; update t set v = 'y' where id = 1")`,
      'stay',
    ],
    ['a log that is in use', 'wal', `db.exec("insert into t (v) values ('now')")`, 'stay'],
    ['a log that was closed', 'wal', `db.exec("insert into t (v) values ('now')")`, 'close'],
  ])('%s is nothing to speak of', async (_, mode, script, end) => {
    const { said: words, verdict } = await examined(mode, script, end)
    expect([words, verdict.database]).toEqual(['pass', 'intact'])
  })
})

describe('on postgres', () => {
  const server = async (...settings: string[]): Promise<PostgresServer> => {
    const started = await startPostgres(settings)
    afterwards(() => started.stop())
    await asSuperuser(started.url, 'create table t (id int primary key); insert into t select generate_series(1, 100)')
    return started
  }
  /** Kills a process of the server's, and waits until the server is itself again. */
  const killOne = async ({ url }: PostgresServer) => {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {})
    await client.connect()
    const { rows } = await client.query('select pg_backend_pid() as pid')
    process.kill(rows[0].pid, 'SIGKILL')
    for (;;) {
      await sleep(100)
      if (
        await asSuperuser(url, 'select 1').then(
          () => true,
          () => false,
        )
      )
        return
    }
  }

  test('a fresh server, one that was restarted, and one whose statistics somebody reset, have not crashed', async () => {
    const one = await server()
    // Before PostgreSQL 15 statistics begin with the first start: that there was no other is what can be said of it.
    const fresh = (await postgresVersion()) < 15 ? /^first started / : /^up for /
    for (const [happens, seen] of [
      [async () => {}, fresh],
      [() => one.restart(async () => {}), /^up for /],
      [() => asSuperuser(one.url, `select pg_stat_reset(), pg_stat_reset_shared('bgwriter')`), /^up for /],
    ] as const) {
      await happens()
      const { said: words, saw, verdict } = await restarts(one.url)
      expect([words, verdict.database]).toEqual(['pass', 'intact'])
      expect(saw).toMatch(seen)
    }
  })

  test('lost statistics alone are not called a crash', async () => {
    const one = await server()
    // Before PostgreSQL 15 a server that has just started for the first time looks the same.
    if ((await postgresVersion()) < 15) await asSuperuser(one.url, 'select pg_sleep(6)')
    await killOne(one)
    const { said: words, next, verdict, causes } = await restarts(one.url)
    expect(next.join()).not.toContain('unlogged')
    expect(words).toEqual([
      expect.stringMatching(
        /^the server lost its statistics .*: crash recovery, restore from a backup, or failover; the server log tells which$/,
      ),
    ])
    expect(causes[0]).toBe('statistics-lost')
    expect(verdict).toMatchObject({ status: 'degraded', database: 'unverified' })
  })

  test('with a line in the log they are', async () => {
    const one = await server('logging_collector=on')
    await asSuperuser(one.url, 'create unlogged table visits (n int); insert into visits values (1)')
    await killOne(one)
    const { said: words, verdict, causes, next } = await restarts(one.url)
    expect(next).toContain('Fill "visits" again: it is unlogged, and holds nothing from before.')
    expect(words).toEqual([
      expect.stringMatching(
        /^the server crashed and recovered .*: (server process|client backend) \(PID \d+\) was terminated by signal 9/,
      ),
    ])
    expect(causes[0]).toBe('database-crashed-and-recovered')
    expect(verdict.headline).toMatch(
      /^The database is sound now: 2 tables, 1 index, .* The database is up again, but the server crashed/,
    )
  })

  test('an immediate stop is told from a crash', async () => {
    const one = await server('logging_collector=on')
    process.kill(one.pid, 'SIGQUIT')
    await sleep(1500)
    await one.restart(async () => {})
    expect((await restarts(one.url)).said).toEqual([
      expect.stringMatching(/^the server was stopped without a checkpoint \(immediate shutdown\) and recovered /),
    ])
  })

  test('a restored base backup is not called a crash', async () => {
    const one = await server('logging_collector=on')
    await restore(one, await baseBackup(one), async () => {})
    const { said: words, saw, causes, verdict } = await restarts(one.url)
    expect([words, verdict.database]).toEqual(['pass', 'intact'])
    expect(saw).toMatch(/^restored from a base backup (just now|\d+ seconds? ago)/)
    expect(causes).toEqual(['all-well'])
  })

  test('nor is a standby that was promoted', async () => {
    const one = await server('logging_collector=on')
    await restore(one, await baseBackup(one), (data) => writeFile(join(data, 'standby.signal'), ''))
    const standby = await examine(one.url)
    expect(standby.target).toMatchObject({ primary: false })
    expect(JSON.stringify([standby.verdict, standby.causes])).not.toMatch(/crashed/)
    await asSuperuser(one.url, 'select pg_promote()')
    const { said: words, verdict } = await restarts(one.url)
    expect([words, verdict.database]).toEqual(['pass', 'intact'])
  })
})
