import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import builtIn from '../../checks/index.js'
import { env } from '../../src/config/reference.js'
import { type AnyCheck, type CheckContext, type CheckId, defineCheck } from '../../src/contracts/check.js'
import { definePlugin } from '../../src/contracts/plugin.js'
import type { Result } from '../../src/report/report.js'
import { type Examined, examine, hung, testDatabase } from '../support/databases.js'
import { httpServer } from '../support/servers.js'

const messages = {
  ill: ({ table }: { table: string }) => `${table} is ill`,
  odd: { severity: 'warning', say: () => 'it is odd' },
  fyi: { severity: 'info', say: () => 'by the way' },
} as const

type Context = CheckContext<typeof messages, unknown>

/** A check that does as it is told. */
function check(id: CheckId, run: (context: Context) => void | Promise<void>, more: Partial<AnyCheck> = {}): AnyCheck {
  const docs = { why: 'to test', fix: 'nothing' }
  return { ...defineCheck({ id, title: id, severity: 'error', after: [], docs, messages, run }), ...more }
}

const withoutDatabase = (checks: AnyCheck[], options: Examined = {}) =>
  examine(null, { ...options, plugins: [definePlugin({ name: 'test', checks })] })
const find = (results: readonly Result[], id: string) => results.find((result) => result.id === id)

test('statuses follow from what a check said', async () => {
  const { results, verdict, counts } = await withoutDatabase([
    check('server/pass', ({ report }) => report('fyi')),
    check('server/warn', ({ report }) => report('odd')),
    check('server/fail', ({ report }) => {
      report('odd')
      report('ill', { table: 'a' })
    }),
    check('server/skip', ({ skip }) => skip('not-applicable', 'there is nothing')),
    check('server/crash', () => {
      throw new TypeError('oops')
    }),
  ])
  expect(Object.fromEntries(results.map(({ id, status }) => [id.slice(7), status]))).toEqual({
    pass: 'pass',
    warn: 'warn',
    fail: 'fail',
    skip: 'skip',
    crash: 'crash',
  })
  expect(find(results, 'server/crash')?.error).toEqual({
    name: 'TypeError',
    message: 'oops',
    stack: expect.arrayContaining([expect.stringMatching(/^at .*run\.test\.ts:\d+/)]),
  })
  expect(counts).toEqual({ pass: 1, warn: 1, fail: 1, expected: 0, skip: 1, crash: 1, unknown: 1 })
  expect(verdict.status).toBe('unhealthy')
})

test('a crash is unknown, never a failure', async () => {
  const { verdict } = await withoutDatabase([
    check('server/one', () => {
      throw new Error('oops')
    }),
  ])
  expect(verdict.status).toBe('inconclusive')
})

test('what stands on a failure is blocked, by name; what only comes after it is not', async () => {
  const { results } = await withoutDatabase([
    check('server/c', () => {}, { after: ['server/b'] }),
    check('server/b', () => {}, { after: ['server/a'] }),
    check('server/a', ({ report }) => report('ill', { table: 't' })),
    check('server/d', () => {}, { after: [{ id: 'server/a', blocks: false }] }),
  ])
  expect(find(results, 'server/b')?.skip).toEqual({ reason: 'blocked', detail: 'by server/a' })
  expect(find(results, 'server/c')?.skip).toEqual({ reason: 'blocked', detail: 'by server/a' })
  expect(find(results, 'server/d')?.status).toBe('pass')
})

test('a warning blocks nothing', async () => {
  const { results } = await withoutDatabase([
    check('server/a', ({ report }) => report('odd')),
    check('server/b', () => {}, { after: ['server/a'] }),
  ])
  expect(find(results, 'server/b')?.status).toBe('pass')
})

test('independent checks run at the same time', async () => {
  let running = 0
  let most = 0
  const slow = async () => {
    most = Math.max(most, ++running)
    await sleep(30)
    running--
  }
  await withoutDatabase([
    check('server/a', slow),
    check('server/b', slow),
    check('server/c', slow, { after: ['server/a'] }),
  ])
  expect(most).toBe(2)
})

test('an unknown gap keeps a check from passing; an error finding beside it makes it fail', async () => {
  const gap = ({ coverage }: Context) => {
    const seen = coverage('table')
    seen.examined(2)
    seen.missing('secrets', 'no-permission', 'permission denied')
  }
  const { results, verdict } = await withoutDatabase([
    check('integrity/gap', gap),
    check('integrity/both', (context) => {
      gap(context)
      context.report('ill', { table: 'a' })
    }),
  ])
  expect(find(results, 'integrity/gap')).toMatchObject({
    status: 'skip',
    skip: { reason: 'no-permission', detail: '1 table not examined: secrets: permission denied' },
    coverage: { examined: 2, of: 3, unit: 'table', missing: [{ object: 'secrets', reason: 'no-permission' }] },
  })
  expect(find(results, 'integrity/both')?.status).toBe('fail')
  expect(verdict.status).toBe('unhealthy')
})

test('an unknown gates only what was asked for, and not where the config accepts it', async () => {
  const gap = ({ coverage }: Context) => coverage('table').missing('secrets', 'no-permission', 'permission denied')
  const status = async (id: CheckId, options: Examined = {}) =>
    (await withoutDatabase([check(id, gap)], options)).verdict.status
  expect(await status('integrity/gap')).toBe('inconclusive')
  expect(await status('storage/gap')).toBe('healthy')
  expect(await status('storage/gap', { only: ['storage/gap'] })).toBe('inconclusive')
  expect(await status('storage/gap', { config: { checks: { 'storage/gap': {} } } })).toBe('inconclusive')
  expect(
    await status('integrity/gap', { config: { checks: { 'integrity/gap': { allowUnknown: ['no-permission'] } } } }),
  ).toBe('healthy')
  expect(await status('integrity/gap', { config: { checks: { 'integrity/gap': { allowUnknown: ['unsafe'] } } } })).toBe(
    'inconclusive',
  )
})

test('an unknown that the config accepts hides none that it does not', async () => {
  const both = ({ coverage, skip }: Context) => {
    coverage('table').missing('secrets', 'no-permission', 'permission denied')
    skip('unavailable', 'an extension is not installed')
  }
  const accepting = async (...allowUnknown: ('unavailable' | 'no-permission')[]) => {
    const config = { checks: { 'integrity/both': { allowUnknown } } }
    const { results, verdict } = await withoutDatabase([check('integrity/both', both)], { config })
    return [verdict.status, find(results, 'integrity/both')?.skip?.reason]
  }
  expect(await accepting()).toEqual(['inconclusive', 'unavailable'])
  expect(await accepting('unavailable')).toEqual(['inconclusive', 'no-permission'])
  expect(await accepting('no-permission')).toEqual(['inconclusive', 'unavailable'])
  expect(await accepting('unavailable', 'no-permission')).toEqual(['healthy', 'unavailable'])
})

test('a check that is out of time is unknown, and the run goes on', async () => {
  const { results, verdict } = await withoutDatabase(
    [
      check(
        'storage/slow',
        ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
      ),
      check('server/a', () => {}),
    ],
    { deadline: 200 },
  )
  expect(find(results, 'storage/slow')).toMatchObject({ status: 'skip', skip: { reason: 'deadline' } })
  expect(find(results, 'server/a')?.status).toBe('pass')
  expect(verdict.status).toBe('inconclusive')
})

test('a check that is deaf to its signal does not hold up the run', async () => {
  const began = performance.now()
  const { results } = await withoutDatabase([check('server/deaf', () => sleep(20_000, undefined, { ref: false }))], {
    deadline: 100,
  })
  expect(find(results, 'server/deaf')?.skip?.reason).toBe('deadline')
  expect(performance.now() - began).toBeLessThan(hung)
})

test('what had not begun when a run was interrupted does not begin', async () => {
  const interrupt = new AbortController()
  const begun: string[] = []
  const noting = (id: string, then: () => void) => () => {
    begun.push(id)
    then()
  }
  const nothing = () => {}
  const checks = [
    check('server/first', noting('first', nothing)),
    check(
      'server/second',
      noting('second', () => interrupt.abort()),
      { after: ['server/first'] },
    ),
    check('server/third', noting('third', nothing), {
      after: ['server/first', { id: 'server/second', blocks: false }],
    }),
  ]
  const { results } = await withoutDatabase(checks, { interrupt: interrupt.signal })
  expect(begun).toEqual(['first', 'second'])
  expect(find(results, 'server/first')?.status).toBe('pass')
  expect(find(results, 'server/third')?.skip?.reason).toBe('interrupted')
})

test('nor does it when the time of a run is up', async () => {
  const begun: string[] = []
  const checks = [
    check('server/slow', async ({ signal }) => {
      begun.push('slow')
      // It does not listen, as nobody does who computes.
      await sleep(300)
      expect(signal.aborted).toBe(true)
    }),
    check('server/late', () => void begun.push('late'), { after: [{ id: 'server/slow', blocks: false }] }),
  ]
  const { results } = await withoutDatabase(checks, { deadline: 100 })
  expect(begun).toEqual(['slow'])
  expect(find(results, 'server/late')?.skip?.reason).toBe('deadline')
})

test('an interrupted run says what it had found so far', async () => {
  const interrupt = new AbortController()
  const { results, complete, verdict } = await withoutDatabase(
    [
      check('server/found', ({ report }) => report('odd')),
      check(
        'server/slow',
        async ({ signal }) => {
          interrupt.abort()
          await new Promise<void>((resolve) =>
            signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve()),
          )
        },
        { after: ['server/found'] },
      ),
    ],
    { interrupt: interrupt.signal },
  )
  expect(complete).toBe(false)
  expect(find(results, 'server/found')?.status).toBe('warn')
  expect(find(results, 'server/slow')?.skip?.reason).toBe('interrupted')
  expect(verdict.status).toBe('inconclusive')
})

test('events tell of each check that starts and settles', async () => {
  const events: string[] = []
  await withoutDatabase([check('server/a', () => {}), check('server/b', ({ skip }) => skip('not-configured', 'no'))], {
    onEvent: (event) =>
      events.push(
        event.type === 'settled'
          ? `${event.result.status} ${event.settled}/${event.of}`
          : `start ${'id' in event && event.id}`,
      ),
  })
  expect(events.sort()).toEqual(['pass 1/2', 'skip 2/2', 'start server/a', 'start server/b'])
})

test('what a program is told of a check holds no secret either', async () => {
  const settled: Result[] = []
  const token = 'canary-of-the-config'
  const told = ({ report }: Context) => report('ill', { table: `notes of ${token}` })
  await withoutDatabase([check('server/a', told, { needs: ['session'] })], {
    config: { auth: { accessToken: token } },
    onEvent: (event) => void (event.type === 'settled' && settled.push(event.result)),
  })
  expect(settled[0]?.findings[0]).toMatchObject({ message: 'notes of ••• is ill', evidence: { table: 'notes of •••' } })
})

test.each(['sqlite', 'postgres'] as const)('the slowest statements of a check are told, on %s', async (dialect) => {
  const { target } = await testDatabase(dialect, 'create table t (n integer)')
  const token = 'canary-of-the-config'
  const asked: string[] = []
  // Some rows that nobody keeps: it takes far more than the time from which on it is told.
  const long = (value: string) => sql`
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 400000)
    select count(*) as ${sql.id(value)} from n where ${'kept to ourselves'} <> 'x'`
  const looking = check(
    'schema/a',
    async ({ db }) => {
      for (const value of ['first', 'second', 'third', token]) await db.read((kysely) => long(value).execute(kysely))
    },
    { after: ['connection/opens'], needs: ['session'] },
  )
  const { results } = await examine(target, {
    only: ['schema/a'],
    config: { auth: { accessToken: token } },
    plugins: [builtIn, definePlugin({ name: 'test', checks: [looking] })],
    onEvent: (event) => void (event.type === 'asked' && event.id === 'schema/a' && asked.push(event.statement)),
  })
  const { slowest = [] } = find(results, 'schema/a') ?? {}
  expect(slowest).toHaveLength(3)
  expect(slowest.map(({ ms }) => ms)).toEqual(slowest.map(({ ms }) => ms).sort((a, b) => b - a))
  for (const { statement, ms } of slowest) {
    expect(statement).toMatch(/^with recursive n \(i\) as \(select 1 union all .* from n where (\?|\$1) <> 'x'$/)
    expect(ms).toBeGreaterThanOrEqual(10)
  }
  const ours = asked.filter((statement) => statement.includes('recursive'))
  expect(ours).toHaveLength(4)
  expect(ours[3]).toContain('as "•••"')
  expect(JSON.stringify([asked, results])).not.toMatch(/canary|kept to ourselves/)
})

test('a secret that lies where a statement is cut is not told in half', async () => {
  const { target } = await testDatabase('sqlite', 'create table t (n integer)')
  const token = 'canary-of-the-config'
  const rows = sql`with recursive n (i) as (select 1 union all select i + 1 from n where i < 400000)`
  const looking = check(
    'schema/a',
    async ({ db }) => {
      // Of 400 characters, the token has the last ten.
      const asked = `with recursive n (i) as (select 1 union all select i + 1 from n where i < 400000) select count(*) as `
      const name = `${'x'.repeat(400 - asked.length - 1 - 10)}${token}`
      await db.read((kysely) => sql`${rows} select count(*) as ${sql.id(name)} from n`.execute(kysely))
    },
    { after: ['connection/opens'], needs: ['session'] },
  )
  const { results } = await examine(target, {
    only: ['schema/a'],
    config: { auth: { accessToken: token } },
    plugins: [builtIn, definePlugin({ name: 'test', checks: [looking] })],
  })
  const { slowest = [] } = find(results, 'schema/a') ?? {}
  expect(slowest[0]?.statement).toContain(`x•••" from`)
  expect(JSON.stringify(results)).not.toContain('canary')
})

test('a check that asks nothing has no slowest statement', async () => {
  const { results } = await withoutDatabase([check('server/a', () => sleep(15).then(() => {}))])
  expect(results[0]).not.toHaveProperty('slowest')
})

test('a check that uses the database without standing on the connection is told so', async () => {
  const { target } = await testDatabase('sqlite')
  const { results } = await examine(target, {
    plugins: [definePlugin({ name: 'test', checks: [check('server/a', async ({ db }) => void (await db.catalog()))] })],
  })
  expect(results[0]?.error?.message).toBe(
    'server/a uses the database, but its "after" names no check of the connection layer',
  )
})

test('a check of one dialect does not apply to the other', async () => {
  const { target } = await testDatabase('sqlite')
  const only = check('connection/pg', () => {}, { run: { postgres: () => {} } })
  const { results } = await examine(target, { plugins: [definePlugin({ name: 'test', checks: [only] })] })
  expect(results[0]?.skip).toEqual({ reason: 'not-applicable', detail: 'it does not apply to sqlite' })
})

test('the config may change a severity, and pass options', async () => {
  const options = z.strictObject({ most: z.number().default(3) })
  let most: unknown
  const run = (context: Context) => {
    most = (context.options as { most: number }).most
    context.report('odd')
  }
  const checks = [check('server/a', run, { options })]
  const { results } = await withoutDatabase(checks, {
    config: { checks: { 'server/a': { severity: 'error', options: { most: 7 } } } },
  })
  expect(most).toBe(7)
  expect(results[0]?.status).toBe('fail')
  await expect(
    withoutDatabase(checks, { config: { checks: { 'server/a': { options: { mots: 7 } } } } }),
  ).rejects.toThrow(/checks\["server\/a"\]\.options/)
  await expect(
    withoutDatabase([check('server/a', run)], { config: { checks: { 'server/a': { options: { most: 7 } } } } }),
  ).rejects.toThrow('the check has no options')
})

test('a fingerprint stays the same whatever the counts, and differs by object', async () => {
  const fingerprints = async (evidence: { table: string; rows?: number }) =>
    (await withoutDatabase([check('server/a', ({ report }) => report('ill', evidence))])).results[0]?.findings[0]
      ?.fingerprint
  const one = await fingerprints({ table: 'a', rows: 1 })
  expect(await fingerprints({ table: 'a', rows: 99 })).toBe(one)
  expect(await fingerprints({ table: 'b', rows: 1 })).not.toBe(one)
})

test('evidence becomes plain data', async () => {
  const evidence = {
    table: 'a',
    big: 2n ** 60n,
    at: new Date(0),
    bytes: Buffer.from([1, 255]),
    nothing: undefined,
    nan: Number.NaN,
  }
  const { results } = await withoutDatabase([check('server/a', ({ report }) => report('ill', evidence))])
  expect(results[0]?.findings[0]?.evidence).toEqual({
    table: 'a',
    big: '1152921504606846976',
    at: '1970-01-01T00:00:00.000Z',
    bytes: '\\x01ff',
    nan: 'NaN',
  })
})

test('report is checked against the messages', () => {
  defineCheck({
    id: 'server/typed',
    title: 'typed',
    severity: 'error',
    after: [],
    docs: { why: '', fix: '' },
    options: z.object({ path: z.string() }),
    messages,
    run({ report, options }) {
      expectTypeOf(options).toEqualTypeOf<{ path: string }>()
      report('ill', { table: 'a' })
      report('odd')
      // @ts-expect-error an unknown code
      report('sick', { table: 'a' })
      // @ts-expect-error missing evidence
      report('ill')
      // @ts-expect-error misspelt evidence
      report('ill', { tabel: 'a' })
    },
  })
  // @ts-expect-error an unknown layer
  check('nowhere/a', () => {})
  expect(env('A')).toBeTypeOf('object')
})

test('a check that names no needs asks the server where the config has one', async () => {
  const url = await httpServer((_, response) => response.writeHead(418).end())
  const asks = check('server/mine', async ({ http, report }) => {
    const answer = await http.get('/tea')
    if (answer.outcome === 'answered' && answer.status === 418) report('odd')
  })
  const withServer = await withoutDatabase([asks], { config: { api: { url } } })
  expect(find(withServer.results, 'server/mine')?.status).toBe('warn')
  const without = await withoutDatabase([asks])
  expect(find(without.results, 'server/mine')?.error?.message).toBe(
    'the config names no API server: let the check need "api"',
  )
})

test('what is not configured is not looked at, and its absence is no unknown', async () => {
  const needy = check('auth/mine', () => {}, { needs: ['api', 'login'] })
  const { results, verdict } = await withoutDatabase([needy], { config: { api: { url: 'http://127.0.0.1:1' } } })
  expect(find(results, 'auth/mine')?.skip).toEqual({
    reason: 'not-configured',
    detail: 'the config has no part "login"',
  })
  expect(verdict.status).toBe('healthy')
})
