import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { accept, baselineOf } from '../../src/report/acceptance.js'
import type { Result } from '../../src/report/report.js'
import { dbdoctor, reportOf } from '../support/cli.js'
import { testFolder } from '../support/databases.js'
import { findingWith, resultWith } from '../support/reports.js'

const dangling = (rows: number, table = 'orders') =>
  findingWith({
    address: 'integrity/foreign-keys#dangling',
    message: `"${table}": ${rows} rows`,
    evidence: { schema: 'main', table, columns: ['customer_id'], rows },
    fingerprint: `of-${table}`,
  })
const found = (...findings: Result['findings']) => [
  resultWith({ id: 'integrity/foreign-keys', status: 'fail', findings }),
]
const today = '2026-11-24T12:00:00.000Z'
const entry = {
  fingerprint: 'of-orders',
  address: 'integrity/foreign-keys#dangling',
  message: 'm',
  rows: 3,
  reason: 'old',
}
const ignoring = (object?: string, expires?: string) => [
  {
    address: 'integrity/foreign-keys#dangling',
    reason: 'on purpose',
    ...(object !== undefined && { object }),
    ...(expires !== undefined && { expires }),
  },
]

describe('what is accepted', () => {
  const statusWith = (accepted: Partial<Parameters<typeof accept>[1]>, ...findings: Result['findings']) => {
    const { results, acceptance } = accept(found(...findings), { baseline: [], ignore: [], ...accepted }, today)
    return { status: results[0]?.status, first: results[0]?.findings[0], acceptance }
  }

  test('sets no status, and stays in sight', () => {
    const { status, first } = statusWith({ baseline: [entry] }, dangling(3))
    expect([status, first?.suppressed]).toEqual(['pass', { by: 'baseline', reason: 'old' }])
  })

  test('fewer rows are accepted too, more are not', () => {
    expect(statusWith({ baseline: [entry] }, dangling(2)).status).toBe('pass')
    const { status, first } = statusWith({ baseline: [entry] }, dangling(4))
    expect([status, first?.worse, first?.suppressed]).toEqual(['fail', { accepted: 3 }, undefined])
  })

  test('another finding beside it is not', () => {
    expect(statusWith({ baseline: [entry] }, dangling(3), dangling(1, 'lines')).status).toBe('fail')
  })

  test('what is no longer found is stale, where somebody looked', () => {
    expect(statusWith({ baseline: [entry] }, dangling(1, 'lines')).acceptance?.stale).toEqual([
      { by: 'baseline', address: entry.address, what: 'm', reason: 'old' },
    ])
    const blind = [
      resultWith({ id: 'integrity/foreign-keys', status: 'skip', skip: { reason: 'deselected', detail: '' } }),
    ]
    expect(accept(blind, { baseline: [entry], ignore: [] }, today).acceptance?.stale).toEqual([])
  })

  test('until its last day, and not longer', () => {
    const until = (expires: string) => statusWith({ baseline: [{ ...entry, expires }] }, dangling(3))
    expect(until('2026-11-24').status).toBe('pass')
    const over = until('2026-11-23')
    expect([over.status, over.acceptance?.expired.map(({ what }) => what), over.acceptance?.stale]).toEqual([
      'fail',
      ['m'],
      [],
    ])
  })

  test.each([
    [undefined, true],
    ['orders', true],
    ['main.orders', true],
    ['orders.*', true],
    ['main.orders.customer_id', true],
    ['*', true],
    ['order', false],
    ['lines.*', false],
  ])('an ignore rule for %s speaks of orders.customer_id: %s', (object, speaks) => {
    const { status, acceptance } = statusWith({ ignore: ignoring(object) }, dangling(9))
    expect([status, acceptance?.stale.length]).toEqual(speaks ? ['pass', 0] : ['fail', 1])
  })

  test('twice, it is accepted while one of the two holds and covers it, and neither is stale', () => {
    const twice = (expires: string, rows: number) => {
      const accepted = { ignore: ignoring('orders', expires), baseline: [entry] }
      const { status, first, acceptance } = statusWith(accepted, dangling(rows))
      return [status, first?.suppressed?.by ?? first?.worse, acceptance?.stale.length, acceptance?.expired.length]
    }
    expect(twice('2026-12-31', 9)).toEqual(['pass', 'ignore', 0, 0])
    expect(twice('2026-11-23', 3)).toEqual(['pass', 'baseline', 0, 1])
    expect(twice('2026-11-23', 9)).toEqual(['fail', { accepted: 3 }, 0, 1])
  })
})

test('a baseline keeps what was said of a finding, and what another selection did not look at', () => {
  const other = { fingerprint: 'x', address: 'schema/tables#missing', message: 'gone' }
  const before = [other, { ...entry, expires: '2027-01-01' }]
  expect(baselineOf(found(dangling(5), dangling(1, 'lines')), before, {}).findings).toEqual([
    { fingerprint: 'of-lines', address: entry.address, message: '"lines": 1 rows', rows: 1 },
    {
      fingerprint: 'of-orders',
      address: entry.address,
      message: '"orders": 5 rows',
      rows: 5,
      reason: 'old',
      expires: '2027-01-01',
    },
    other,
  ])
})

describe('on the command line', () => {
  const scene = async () => {
    const folder = await testFolder()
    const database = new BetterSqlite(join(folder, 'app.db'))
    database.exec(`pragma foreign_keys = off; create table p (id integer primary key);
      create table c (id integer primary key, p_id int references p (id)); insert into c values (1, 7), (2, 8);`)
    const options = { cwd: folder }
    return {
      folder,
      execute: (statements: string) => database.exec(statements),
      run: (...args: string[]) => dbdoctor([...args, '--no-progress'], options),
      report: (...args: string[]) => reportOf(['check', 'app.db', ...args], options),
    }
  }

  test('baseline, then check: what is known does not fail, what is worse does, what is mended is stale', async () => {
    const { run, report, execute, folder } = await scene()
    expect((await report()).exitCode).toBe(1)
    const made = await run('baseline', 'app.db', '--reason', 'of the old importer')
    expect([made.exitCode, made.stdout]).toEqual([0, ''])
    expect(made.stderr).toMatch(/dbdoctor\.baseline\.json: 1 finding accepted, 1 of them new; 0 no longer found$/)
    const file = readFileSync(join(folder, 'dbdoctor.baseline.json'), 'utf8')
    await run('baseline', 'app.db')
    expect(readFileSync(join(folder, 'dbdoctor.baseline.json'), 'utf8')).toBe(file)

    const known = await report()
    expect([known.exitCode, known.verdict.database]).toEqual([0, 'intact'])
    expect(known.verdict.headline).toContain('2 orphaned rows (accepted)')
    expect((await run('check', 'app.db')).stdout.replace(/\s+/g, ' ')).toContain('(accepted: of the old importer)')

    execute('insert into c values (3, 9)')
    const worse = await run('check', 'app.db')
    expect([worse.exitCode, worse.stdout]).toEqual([1, expect.stringContaining('(accepted: 2)')])

    execute('delete from c')
    const mended = await run('check', 'app.db')
    expect(mended.exitCode).toBe(0)
    expect(mended.stdout.replace(/\s+/g, ' ')).toContain(
      'accepted (baseline) and no longer found: integrity/foreign-keys#dangling, "c": 2 rows point',
    )
  })

  test('rules in the config need an address and a reason, and say when they speak of nothing', async () => {
    const { run, folder } = await scene()
    const config = (ignore: object) => writeFileSync(join(folder, 'dbdoctor.config.json'), JSON.stringify({ ignore }))
    config([{ address: 'integrity/foreign-keys#dangling', object: 'c.*', reason: 'kept on purpose' }])
    expect((await run('check', 'app.db')).exitCode).toBe(0)
    config([{ address: 'integrity/foreign-keys#dangling', object: 'd.*', reason: 'kept on purpose' }])
    const { exitCode, stdout } = await run('check', 'app.db')
    expect(exitCode).toBe(1)
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      'accepted (ignore) and no longer found: integrity/foreign-keys#dangling, d.*',
    )
    config([{ address: 'integrity/foreign-keys', reason: '' }])
    const refused = await run('check', 'app.db')
    expect(refused.exitCode).toBe(2)
    expect(refused.stderr).toContain('ignore[0].address: write the address of a finding')
  })

  test('what is no baseline is refused, and a database that does not open has none', async () => {
    const { run, folder } = await scene()
    expect((await run('check', 'app.db', '--baseline', 'gone.json')).stderr).toContain('cannot be read: ENOENT')
    writeFileSync(join(folder, 'other.json'), '{"a":1}')
    const other = await run('check', 'app.db', '--baseline', 'other.json')
    expect([other.exitCode, other.stderr]).toEqual([2, expect.stringContaining('is not a baseline: ')])
    const unreachable = await run('baseline', 'gone.db')
    expect([unreachable.exitCode, unreachable.stderr]).toEqual([2, expect.stringContaining('nothing was accepted: ')])
    const unwritable = await run('baseline', 'app.db', '--baseline', 'empty/no/such.json')
    expect(unwritable.exitCode).toBe(2)
    expect(unwritable.stderr).toMatch(/cannot be (read|written): ENOENT/)
    const date = await run('baseline', 'app.db', '--expires', 'soon')
    expect([date.exitCode, date.stderr]).toEqual([2, expect.stringContaining('Write a day: 2027-01-01.')])
  })
})
