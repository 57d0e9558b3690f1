import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import builtIn from '../../../checks/index.js'
import { type CheckContext, defineCheck } from '../../../src/contracts/check.js'
import { definePlugin } from '../../../src/contracts/plugin.js'
import { afterwards, examine, hung, testDatabase } from '../../support/databases.js'
import { startPostgres } from '../../support/postgres.js'

type Context = CheckContext<Record<string, never>, unknown>

/** A check whose query would take half a minute. */
const slow = (before: (context: Context) => void = () => {}) =>
  definePlugin({
    name: 'slow',
    checks: [
      ...(builtIn.checks ?? []).filter(({ id }) => id === 'connection/opens'),
      defineCheck({
        id: 'integrity/slow',
        title: 'slow',
        severity: 'error',
        after: ['connection/opens'],
        docs: { why: 'to test', fix: 'nothing' },
        messages: {},
        async run(context: Context) {
          before(context)
          const { skip: unanswered } = context
          const answer = await context.db.read((kysely) => sql`select pg_sleep(30)`.execute(kysely))
          if (answer.outcome === 'failed') unanswered(answer.reason ?? 'unavailable', answer.text)
        },
      }),
    ],
  })

/** What dbdoctor runs on a database at the moment, as another session sees it. */
async function running(target: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: target })
  await client.connect()
  const { rows } = await client.query<{ query: string }>(
    "select query from pg_stat_activity where datname = current_database() and application_name = 'dbdoctor'",
  )
  await client.end()
  return rows.map(({ query }) => query)
}

const resultOf = (examined: Awaited<ReturnType<typeof examine>>, id: string) =>
  examined.results.find((result) => result.id === id)

describe('a statement that would run for long', () => {
  test('is cancelled on the server when its time is up, and nothing of ours is left', async () => {
    const { target } = await testDatabase('postgres')
    const began = performance.now()
    const examined = await examine(target, { plugins: [slow()], deadline: 3_000 })
    expect(performance.now() - began).toBeLessThan(hung)
    expect(resultOf(examined, 'integrity/slow')?.skip?.reason).toBe('deadline')
    expect(await running(target)).toEqual([])
  })

  test('is cancelled on the server when the run is interrupted', async () => {
    const { target } = await testDatabase('postgres')
    const interrupt = new AbortController()
    let began = 0
    setTimeout(() => {
      began = performance.now()
      interrupt.abort()
    }, 500)
    const examined = await examine(target, { plugins: [slow()], interrupt: interrupt.signal })
    expect(performance.now() - began).toBeLessThan(hung)
    expect(resultOf(examined, 'integrity/slow')?.skip?.reason).toBe('interrupted')
    expect(examined.complete).toBe(false)
    expect(await running(target)).toEqual([])
  })

  test('is unknown when the server ends its connection', async () => {
    const { target, execute } = await testDatabase('postgres')
    const kill = () =>
      void sleep(300).then(() =>
        execute(
          "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'dbdoctor'",
        ),
      )
    const examined = await examine(target, { plugins: [slow(kill)] })
    expect(resultOf(examined, 'integrity/slow')?.skip).toEqual({
      reason: 'blocked',
      detail: 'terminating connection due to administrator command',
    })
    expect(examined.verdict.status).toBe('inconclusive')
  })
})

test('a table that somebody else has locked is a gap, at once, and the rest is examined', async () => {
  const { target } = await testDatabase(
    'postgres',
    `create table a (id int primary key); create table b (id int primary key, a_id int references a (id)); create table c (id int primary key, b_id int references b (id));`,
  )
  const client = new pg.Client({ connectionString: target })
  await client.connect()
  await client.query('begin; lock table a in access exclusive mode')
  const began = performance.now()
  const examined = await examine(target)
  const ms = performance.now() - began
  await client.query('rollback')
  await client.end()
  expect(ms).toBeLessThan(hung)
  expect(resultOf(examined, 'schema/tables')?.coverage).toEqual({
    examined: 2,
    of: 3,
    unit: 'table',
    missing: [{ object: 'a', reason: 'unavailable', detail: 'canceling statement due to lock timeout' }],
  })
  expect(resultOf(examined, 'integrity/foreign-keys')?.coverage).toMatchObject({ examined: 1, of: 2 })
  // Who holds it is told; that it could not be read is no finding.
  const told = examined.results.flatMap(({ findings }) => findings.filter(({ severity }) => severity !== 'info'))
  expect(told.map(({ address }) => address)).toEqual(['activity/locks#exclusive'])
  expect(examined.causes[0]?.id).toBe('blocked-by-a-lock')
  expect(examined.verdict).toMatchObject({ status: 'inconclusive', database: 'unverified' })
})

describe('a server that', () => {
  /** The server's own processes. */
  const processes = (postmaster: number) => [
    postmaster,
    ...execFileSync('ps', ['-o', 'pid=', '--ppid', String(postmaster)], { encoding: 'utf8' })
      .trim()
      .split(/\s+/)
      .map(Number),
  ]

  test('hangs does not hang the run', async () => {
    const server = await startPostgres()
    const postmaster = server.pid
    let stopped: number[] = []
    afterwards(async () => {
      for (const pid of stopped) process.kill(pid, 'SIGCONT')
      await server.stop()
    })
    const hang = () => {
      setTimeout(() => {
        stopped = processes(postmaster)
        for (const pid of stopped) process.kill(pid, 'SIGSTOP')
      }, 200)
    }
    const began = performance.now()
    const examined = await examine(server.url, { plugins: [slow(hang)], deadline: 5_000 })
    expect(performance.now() - began).toBeLessThan(hung)
    expect(resultOf(examined, 'integrity/slow')?.skip?.reason).toBe('deadline')
    expect(examined.verdict.status).toBe('inconclusive')
  })

  test('is killed leaves an unknown, not a crash of the check, and is found to be gone', async () => {
    const server = await startPostgres()
    afterwards(() => server.stop())
    const kill = () => {
      setTimeout(() => {
        for (const pid of processes(server.pid)) process.kill(pid, 'SIGKILL')
      }, 200)
    }
    const examined = await examine(server.url, { plugins: [slow(kill)] })
    expect(resultOf(examined, 'integrity/slow')).toMatchObject({ status: 'skip', skip: { reason: 'blocked' } })
    expect(examined.verdict).toMatchObject({ status: 'unhealthy', database: 'unreachable' })
  })
})
