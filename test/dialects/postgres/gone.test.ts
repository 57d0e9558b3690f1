import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import pg from 'pg'
import { expect, test, vi } from 'vitest'
import builtIn from '../../../checks/index.js'
import { query } from '../../../fixtures/postgres/server.js'
import { limit } from '../../../src/contracts/limits.js'
import type { Plugin } from '../../../src/contracts/plugin.js'
import { dialectOf } from '../../../src/dialects/target.js'
import { defineCheck } from '../../../src/index.js'
import { afterwards, asSuperuser, examine, hung, postgresVersion, testDatabase } from '../../support/databases.js'
import { startPostgres } from '../../support/postgres.js'

/** A check that lets something happen to the server, once, and then needs it; `asked`: in a transaction that has asked something. */
const disturbing = (disturb: () => Promise<unknown>, asked: boolean): Plugin => {
  let done = false
  return {
    name: 'disturbing',
    checks: [
      defineCheck({
        id: 'schema/disturbed',
        title: 'It can be read whatever happens',
        severity: 'error',
        after: ['connection/opens'],
        docs: { why: 'a test', fix: 'none' },
        messages: {},
        async run({ db, skip }) {
          // The connection is its own by now: whatever happens to its session, this check has lost it.
          const answer = await db.read(async (kysely) => {
            if (asked) await sql`select 1`.execute(kysely)
            if (!done) await disturb()
            done = true
            return sql`select 1`.execute(kysely)
          })
          if (answer.outcome === 'failed') skip(answer.reason ?? 'unavailable', answer.text)
        },
      }),
    ],
  }
}

async function disturbed(
  disturb: (server: Awaited<ReturnType<typeof startPostgres>>) => Promise<unknown>,
  { options = '', asked = true } = {},
) {
  const server = await startPostgres()
  afterwards(() => server.stop())
  await asSuperuser(
    server.url,
    `create table p (id int primary key); create table c (id int primary key, p_id int references p); create index on c (p_id);
     insert into p values (1); insert into c values (1, 1)`,
  )
  return examine(`${server.url}${options}`, { plugins: [builtIn, disturbing(() => disturb(server), asked)] })
}
const lost = ({ results }: Awaited<ReturnType<typeof examine>>) =>
  results
    .filter(({ skip, asked }) => asked && skip && !/^(not-|deselected)/.test(skip.reason))
    .map(({ id, skip }) => [id, skip])

test('a server that goes away while it is examined is not running, and was there', async () => {
  const report = await disturbed((server) => server.halt())
  expect(report.causes.map(({ id }) => id)).toEqual(['database-not-running'])
  expect(report.causes[0]?.headline).toMatch(/127\.0\.0\.1:\d+ \(it was there at \d\d:\d\d:\d\d UTC\)/)
  expect(report.verdict).toMatchObject({ status: 'unhealthy', database: 'unreachable' })
})

test.each([
  ['one that is restarted is examined again, and said to have been', true],
  ['one that is restarted before anything was asked of it likewise', false],
])('%s', async (_name, asked) => {
  const report = await disturbed((server) => server.restart(async () => {}), { asked })
  expect(lost(report)).toEqual([])
  expect(report.causes[0]).toMatchObject({
    id: 'database-restarted',
    headline: expect.stringMatching(
      /^The server was restarted while it was examined, .*; what was lost was examined again\.$/,
    ),
  })
  expect(report.verdict.status).toBe('degraded')
})

test.each([
  ['which says so', ''],
  // What it says is lost with the connection, too, where something is sent to it at that moment.
  ['whose last word is not heard', '?options=-c%20client_min_messages%3Derror'],
])('one that crashes and recovers is told for it, %s', async (_, options) => {
  const report = await disturbed(
    async (server) => {
      const bystander = new pg.Client({ connectionString: server.url })
      bystander.on('error', () => {})
      await bystander.connect()
      const { rows } = await bystander.query(
        "select pg_backend_pid() as own, array(select pid from pg_stat_activity where application_name = 'dbdoctor')::text as ours",
      )
      const [{ own, ours }] = rows
      process.kill(Number(own), 'SIGKILL')
      // Until the server sees it, and ends all others, they are answered.
      const left = () =>
        query(server.url, `select count(*)::int as sessions from pg_stat_activity where pid = any ('${ours}')`)
      await vi.waitFor(async () => expect(await left()).toEqual({ sessions: 0 }), { timeout: hung, interval: 50 })
    },
    { options },
  )
  expect(report.causes[0]?.id).toBe('database-crashed-and-recovered')
  expect(lost(report)).toEqual([])
})

test('a session of ours that somebody ends is no restart', async () => {
  const report = await disturbed((server) =>
    asSuperuser(
      server.url,
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'dbdoctor' and pid <> pg_backend_pid()`,
    ),
  )
  expect(lost(report)).toEqual([])
  expect(report.results.flatMap(({ findings }) => findings.map(({ address }) => address))).toContain(
    'connection/restarts#session-ended',
  )
  expect(report.causes.map(({ id }) => id)).not.toContain('database-restarted')
})

test('a session that its server would end for being idle stays', async () => {
  const { target } = await testDatabase('postgres')
  if ((await postgresVersion()) < 14) return
  const url = new URL(target)
  url.searchParams.set('options', '-c idle_session_timeout=1s')
  const limits = limit(performance.now() + hung, new AbortController().signal)
  const opening = await (await dialectOf({ dialect: 'postgres', address: url.href }, {})).open(limits)
  if (opening.outcome !== 'opened') throw new Error(opening.text)
  const session = opening.database.session(limits)
  const process = async () => {
    const answer = await session.read((kysely) => sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(kysely))
    return answer.outcome === 'answered' ? answer.value.rows[0]?.pid : answer
  }
  const first = await process()
  await sleep(2500)
  expect([await process(), opening.database.lost()]).toEqual([first, false])
  await opening.database.close()
  limits.clear()
})
