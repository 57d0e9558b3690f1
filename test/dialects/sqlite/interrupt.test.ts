import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { limit, Stop } from '../../../src/contracts/limits.js'
import { sqlite } from '../../../src/dialects/sqlite/dialect.js'
import { reportOf } from '../../support/cli.js'
import { afterwards, hung, testDatabase } from '../../support/databases.js'
import { application, as, childrenOf, endless, owner, runs, scene, start, until, write } from './scene.js'

const foreignKeys = ['--only', 'integrity/foreign-keys']

/** A run in the middle of a scan that does not end, and its child. */
async function scanning() {
  const { file, temporary } = await scene()
  await write(file, endless)
  const run = start([file, ...foreignKeys], temporary)
  await until(() => childrenOf(run.pid).length === 1, 'a child')
  await sleep(700)
  return { run, children: childrenOf(run.pid) }
}

describe('a statement that would run for very long', () => {
  test('is ended when the deadline is over, and is no finding', async () => {
    const { file, temporary } = await scene()
    await write(file, endless)
    const report = await reportOf(['check', file, ...foreignKeys, '--deadline', '5s'], as(owner, temporary))
    expect(report.results.find(({ id }) => id === 'integrity/foreign-keys')).toMatchObject({
      status: 'skip',
      skip: { reason: 'deadline', detail: 'its time was up' },
      findings: [],
    })
    expect([report.exitCode, report.complete, report.verdict.status]).toEqual([3, true, 'inconclusive'])
    expect(await readdir(temporary)).toEqual([])
  })

  test('leaves time for a shorter one', async () => {
    const { file, temporary } = await scene()
    await write(file, `${endless} delete from children where id > 3`)
    const report = await reportOf(['check', file, ...foreignKeys, '--deadline', '20s'], as(owner, temporary))
    expect([report.exitCode, report.verdict.status]).toEqual([0, 'healthy'])
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('is ended by %s within a second, and what is known is printed', async (signal, exitCode) => {
    const { run, children } = await scanning()
    const began = performance.now()
    process.kill(run.pid, signal)
    expect(await run.ended).toMatchObject({ code: exitCode, signal: null })
    expect(performance.now() - began).toBeLessThan(hung)
    const report = JSON.parse(run.stdout())
    expect(report).toMatchObject({ complete: false, exitCode, verdict: { status: 'inconclusive' } })
    const results: { id: string; status: string; skip?: { reason: string } }[] = report.results
    expect(results.find(({ id }) => id === 'connection/opens')?.status).toBe('pass')
    expect(results.find(({ id }) => id === 'integrity/foreign-keys')?.skip?.reason).toBe('interrupted')
    expect(children.filter(runs)).toEqual([])
  })

  test('does not outlive a run that was killed', async () => {
    const { run, children } = await scanning()
    process.kill(run.pid, 'SIGKILL')
    await until(() => !children.some(runs), 'the end of the child')
  })
})

/** An open session, and the database to close. */
async function session(path: string, ms = 60_000, above = new AbortController()) {
  const limits = limit(performance.now() + ms, above.signal)
  const opening = await sqlite(path).open(limits)
  if (opening.outcome !== 'opened') throw new Error(`${opening.outcome}: ${opening.text}`)
  afterwards(() => opening.database.close())
  const of = (time: number) => opening.database.session(limit(performance.now() + time, above.signal))
  return { above, of, session: opening.database.session(limits) }
}

const forever = sql`with recursive n (i) as (select 1 union all select i + 1 from n) select count(*) from n`

describe('a session', () => {
  const file = async (statements = 'create table t (id integer primary key); insert into t values (1)') =>
    (await testDatabase('sqlite', statements)).target.slice('sqlite:'.length)
  const rows = sql<{ rows: number }>`select count(*) as rows from t`

  test('ends a runaway with its time, and the next one gets a process of its own', async () => {
    const { of, session: other } = await session(await file())
    const began = performance.now()
    const answer = await of(200).read((kysely) => forever.execute(kysely))
    expect(answer).toEqual({ outcome: 'failed', reason: 'deadline', code: '', text: 'its time was up' })
    expect(performance.now() - began).toBeLessThan(hung)
    const next = await other.read(async (kysely) => (await rows.execute(kysely)).rows)
    expect(next).toEqual({ outcome: 'answered', value: [{ rows: 1 }] })
  })

  test('that waits for its turn is ended too', async () => {
    const { of } = await session(await file())
    const runaway = of(600).read((kysely) => forever.execute(kysely))
    const waiting = await of(100).read((kysely) => rows.execute(kysely))
    expect(waiting).toMatchObject({ outcome: 'failed', reason: 'deadline' })
    expect(await runaway).toMatchObject({ outcome: 'failed', reason: 'deadline' })
  })

  test('is interrupted at once', async () => {
    const { above, session: one } = await session(await file())
    const running = one.read((kysely) => forever.execute(kysely))
    await sleep(100)
    const began = performance.now()
    above.abort(new Stop('interrupted', 'the run was interrupted'))
    expect(await running).toMatchObject({ outcome: 'failed', reason: 'interrupted' })
    expect(performance.now() - began).toBeLessThan(hung)
    expect(await one.read((kysely) => rows.execute(kysely))).toMatchObject({ outcome: 'failed', reason: 'interrupted' })
  })

  test('cannot write', async () => {
    const path = await file()
    const { session: one } = await session(path)
    const answer = await one.read((kysely) => sql`insert into t values (2)`.execute(kysely))
    expect(answer).toMatchObject({ outcome: 'failed', reason: 'no-permission', code: 'SQLITE_READONLY' })
    expect(await one.read(async (kysely) => (await rows.execute(kysely)).rows)).toMatchObject({ value: [{ rows: 1 }] })
  })

  test('goes on when a writer dies meanwhile and leaves a hot journal', async () => {
    const { file: path } = await scene()
    const many = `with recursive n (i) as (select 1 union all select i + 1 from n where i < 5000) insert into t select i, printf('%.100c', 'x') from n`
    await write(path, `create table t (id integer primary key, body text); ${many}`)
    const { session: one } = await session(path)
    const look = () => one.read(async (kysely) => (await rows.execute(kysely)).rows)
    expect(await look()).toEqual({ outcome: 'answered', value: [{ rows: 5000 }] })
    const writer = await application(path, `db.pragma('cache_size = 5'); db.exec('begin; delete from t where id > 9')`)
    await writer.kill()
    expect(await look()).toEqual({ outcome: 'answered', value: [{ rows: 5000 }] })
    expect(await readdir(path.replace('/app.db', ''))).toEqual(['app.db', 'app.db-journal'])
  })

  test('sees what is written after it was opened at rest', async () => {
    const { file: path } = await scene()
    await write(path, 'pragma journal_mode = wal; create table t (id integer primary key); insert into t values (1)')
    const { session: one } = await session(path)
    const look = () => one.read(async (kysely) => (await rows.execute(kysely)).rows)
    expect(await look()).toEqual({ outcome: 'answered', value: [{ rows: 1 }] })
    const writer = await application(path, `db.exec('insert into t values (2)')`)
    expect(await look()).toEqual({ outcome: 'answered', value: [{ rows: 2 }] })
    await writer.close()
    expect(await look()).toEqual({ outcome: 'answered', value: [{ rows: 2 }] })
  })
})
