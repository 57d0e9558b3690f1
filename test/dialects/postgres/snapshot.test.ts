import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import pg from 'pg'
import { describe, expect, inject, test } from 'vitest'
import builtIn from '../../../checks/index.js'
import { type CheckContext, defineCheck } from '../../../src/contracts/check.js'
import { limit } from '../../../src/contracts/limits.js'
import { dialectOf } from '../../../src/dialects/target.js'
import { afterwards, asSuperuser, examine, hung, testDatabase } from '../../support/databases.js'

const pairs =
  'create table p (id int primary key); create table c (id int primary key, p_id int references p (id)); insert into p select generate_series(1, 2000); insert into c select i, i from generate_series(1, 2000) i;'

test('rows that come and go during a run are no orphans', async () => {
  const { target } = await testDatabase('postgres', pairs)
  const writer = new pg.Client({ connectionString: target })
  await writer.connect()
  let writing = true
  let written = 0
  const write = (async () => {
    while (writing) {
      await writer.query('insert into p values (9000)')
      await writer.query('insert into c values (9000, 9000)')
      await writer.query('delete from c where id = 9000')
      await writer.query('delete from p where id = 9000')
      written++
    }
  })()
  for (let run = 0; run < 15; run++) {
    const { results } = await examine(target, { only: ['integrity'] })
    expect(results.flatMap(({ findings }) => findings)).toEqual([])
  }
  writing = false
  await write
  await writer.end()
  expect(written).toBeGreaterThan(100)
})

/** Two counts, with something that somebody else does between them. */
async function twoCounts(target: string, between = 'insert into p values (777777)'): Promise<unknown[]> {
  const limits = limit(performance.now() + 20_000, new AbortController().signal)
  const opening = await (await dialectOf({ dialect: 'postgres', address: target }, {})).open(limits)
  if (opening.outcome !== 'opened') throw new Error(opening.text)
  const session = opening.database.session(limits)
  const catalog = await session.catalog()
  const table = catalog.outcome === 'answered' ? catalog.value.tables.find(({ name }) => name === 'p') : undefined
  if (!table) throw new Error('no table')
  const before = await session.count(table)
  await asSuperuser(owned(target), between)
  await sleep(200)
  const after = await session.count(table)
  const fresh = await session.read(
    async (kysely) => (await sql<{ n: number }>`select count(*) as n from public.p`.execute(kysely)).rows[0]?.n,
  )
  await opening.database.close()
  limits.clear()
  return [before, after, fresh].map((answer) => (answer.outcome === 'answered' ? answer.value : answer.text))
}

/** The same database, as its owner. */
const owned = (target: string) =>
  Object.assign(new URL(inject('postgres')), { pathname: new URL(target).pathname }).href

test('counts that are compared come from one snapshot', async () => {
  const { target } = await testDatabase('postgres', pairs)
  expect(await twoCounts(target)).toEqual([2000, 2000, 2001])
})

test('a snapshot whose session somebody ended is replaced by a new one', async () => {
  const { target } = await testDatabase('postgres', pairs)
  const end = `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`
  expect(await twoCounts(target, end)).toEqual([2000, 2000, 2000])
})

describe('where the server does not export its snapshot', () => {
  async function restricted(): Promise<string> {
    const { target, execute } = await testDatabase(
      'postgres',
      `${pairs} create table locked (id int primary key, p_id int references p (id));`,
    )
    const role = `plain_${process.pid}_${Math.floor(performance.now())}`
    await execute(`create role ${role} login password 'x'; grant select on p, c to ${role};
      revoke execute on function pg_catalog.pg_export_snapshot() from public`)
    afterwards(() => execute(`drop owned by ${role}; drop role ${role}`))
    return Object.assign(new URL(target), { username: role, password: 'x' }).href
  }

  test('one transaction serves for all of them', async () => {
    expect(await twoCounts(await restricted())).toEqual([2000, 2000, 2001])
  })

  test('checks take turns, and one that fails spoils nothing for the next', async () => {
    const target = await restricted()
    const config = { database: { expect: { rows: { p: 2000, c: 2000, locked: 0 } } } }
    const { results } = await examine(target, { config, only: ['integrity'] })
    const coverage = Object.fromEntries(results.map(({ id, coverage: of }) => [id, of && `${of.examined} of ${of.of}`]))
    expect(coverage).toMatchObject({ 'integrity/foreign-keys': '1 of 2', 'integrity/row-counts': '2 of 3' })
    expect(results.flatMap(({ findings }) => findings)).toEqual([])
  })

  test('an interrupted scan ends', async () => {
    const target = await restricted()
    const interrupt = new AbortController()
    const scan = defineCheck({
      id: 'integrity/scan',
      title: 'scan',
      severity: 'error',
      after: ['connection/opens'],
      docs: { why: 'to test', fix: 'nothing' },
      messages: {},
      async run({ db, signal }: CheckContext<Record<string, never>, unknown>) {
        const catalog = await db.catalog()
        const table = catalog.outcome === 'answered' ? catalog.value.tables.find(({ name }) => name === 'p') : undefined
        while (table && !signal.aborted) await db.count(table)
      },
    })
    void sleep(400).then(() => interrupt.abort())
    const began = performance.now()
    const { results } = await examine(target, {
      plugins: [{ name: 'test', checks: [...(builtIn.checks ?? []).slice(0, 1), scan] }],
      interrupt: interrupt.signal,
    })
    expect(performance.now() - began).toBeLessThan(hung)
    expect(results.find(({ id }) => id === 'integrity/scan')?.skip?.reason).toBe('interrupted')
  })
})
