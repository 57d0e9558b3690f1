import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { parseHistory, runOf, trendOf } from '../../src/report/history.js'
import type { Report, Result } from '../../src/report/report.js'
import { markdown } from '../../src/reporters/markdown.js'
import { trendLines } from '../../src/reporters/trend.js'
import { dbdoctor, reportOf } from '../support/cli.js'
import { testFolder } from '../support/databases.js'
import { findingWith, reportWith } from '../support/reports.js'

const dangling = (rows: number) =>
  findingWith({
    address: 'integrity/foreign-keys#dangling',
    message: 'secret words',
    evidence: { schema: 'main', table: 'orders', rows, samples: [{ row: { email: 'a@b.c' } }] },
    fingerprint: 'of-orders',
  })
const missing = findingWith({ address: 'schema/tables#missing', evidence: { table: 'users' }, fingerprint: 'of-users' })

interface Day {
  readonly rows?: number
  readonly lacksUsers?: boolean
  readonly keys?: Partial<Result>
  readonly target?: string
}

/** A report of a day of January: that many orphaned rows in orders, and users or not. */
function on(day: number, { rows = 0, lacksUsers = false, keys = {}, target = 'app.db' }: Day = {}): Report {
  const report = reportWith(
    { id: 'schema/tables', status: lacksUsers ? 'fail' : 'pass', findings: lacksUsers ? [missing] : [] },
    {
      id: 'integrity/foreign-keys',
      status: rows > 0 ? 'fail' : 'pass',
      findings: rows > 0 ? [dangling(rows)] : [],
      ...keys,
    },
  )
  return {
    ...report,
    startedAt: `2026-01-${String(day).padStart(2, '0')}T09:30:00.000Z`,
    target: { dialect: 'sqlite', name: target },
    facts: { 'integrity.orphanedRows': rows, 'schema.tables.expected': day },
  }
}

/** What the last of these reports says of those before it. */
function told(...reports: Report[]): string[] {
  const [last, ...earlier] = reports.reverse()
  if (!last) return []
  return trendLines({ ...last, trend: trendOf(last, earlier.reverse().map(runOf)) })
}

const blind: Day = { keys: { status: 'skip', skip: { reason: 'no-permission', detail: 'denied' } } }

describe('the trend', () => {
  test('tells what has changed since the run before, and what for how long', () => {
    expect(told(on(1, { rows: 3 }), on(2, { rows: 17 }))).toEqual([
      'orphaned rows 3 → 17',
      'main.orders (integrity/foreign-keys#dangling) 3 → 17 rows',
    ])
    expect(told(on(1), on(2, { rows: 3 }), on(3, { rows: 3 }), on(4, { rows: 3 }))).toEqual([
      'healthy → unhealthy since 2026-01-02',
      'orphaned rows 0 → 3 since 2026-01-02',
      'main.orders (integrity/foreign-keys#dangling) 0 → 3 rows since 2026-01-02',
    ])
    expect(told(on(1), on(2, { lacksUsers: true }))).toEqual([
      'healthy → unhealthy',
      'users (schema/tables#missing) found, and not before',
    ])
  })

  test('is silent where nothing has changed, on a first run, and of another target', () => {
    expect(told(on(1, { rows: 3 }), on(2, { rows: 3 }))).toEqual([])
    expect(told(on(1))).toEqual([])
    expect(told(on(1, { target: 'other.db' }), on(2, { rows: 3 }))).toEqual([])
  })

  test('tells once of what is gone', () => {
    const gone = ['unhealthy → healthy', 'users (schema/tables#missing) no longer found']
    expect(told(on(1, { lacksUsers: true }), on(2))).toEqual(gone)
    expect(told(on(1, { lacksUsers: true }), on(2), on(3))).toEqual(['unhealthy → healthy since 2026-01-02'])
  })

  test('of what nobody could look at, nothing is gone', () => {
    expect(told(on(1, { rows: 3 }), on(2, blind))).toEqual(['unhealthy → inconclusive'])
    // And the run that could not look stands between two that could.
    expect(told(on(1, { rows: 3 }), on(2, blind), on(3, { rows: 3 }))).toEqual(['inconclusive → unhealthy'])
    const partly: Day = {
      keys: {
        coverage: {
          examined: 1,
          of: 2,
          unit: 'table',
          missing: [{ object: 'orders', reason: 'unavailable', detail: '', optional: true }],
        },
      },
    }
    expect(told(on(1, { rows: 3 }), on(2, partly)).join()).not.toContain('main.orders')
  })

  test('a part of the rows is neither more nor less than all of them', () => {
    const part = findingWith({ ...dangling(2), evidence: { ...dangling(2).evidence, partial: true } })
    const missing = [{ object: 'orders', reason: 'deadline', detail: 'its time was up' } as const]
    const cut: Day = {
      rows: 2,
      keys: { findings: [part], coverage: { examined: 0, of: 1, unit: 'foreign key', missing } },
    }
    expect(told(on(1, { rows: 3 }), on(2, cut))).toEqual([])
    expect(told(on(1, { rows: 3 }), on(2, cut), on(3, { rows: 4 }))).toEqual([
      'orphaned rows 3 → 4',
      'main.orders (integrity/foreign-keys#dangling) 3 → 4 rows',
    ])
  })

  test('a figure that other checks add up is another figure', () => {
    const left: Day = { keys: { status: 'skip', skip: { reason: 'deselected', detail: '--skip' } } }
    expect(told(on(1, { rows: 3 }), on(2, left))).toEqual(['unhealthy → healthy'])
  })

  test('stands in the markdown report with what it stands on', () => {
    const report = on(2, { rows: 17 })
    const document = markdown.render(
      { ...report, trend: trendOf(report, [runOf(on(1, { rows: 3 }))]) },
      { color: false, width: 80, verbose: false, quiet: false },
    )
    expect(document).toMatch(/## Trend\n\n.*1 earlier run since 2026-01-01.*\n\n- orphaned rows 3 → 17\n/)
  })
})

describe('a history', () => {
  const line = JSON.stringify(runOf(on(1, { rows: 3 })))

  test('keeps no words and no values', () => {
    expect(line).not.toMatch(/secret words|a@b\.c|samples/)
    expect(JSON.parse(line)).toMatchObject({
      checks: { 'integrity/foreign-keys': { status: 'fail', ms: 0 } },
      findings: [{ fingerprint: 'of-orders', object: 'main.orders', rows: 3 }],
    })
  })

  test.each([
    ['nothing', '', 0, false],
    ['runs', `${line}\n${line}\n`, 2, false],
    ['a run without its line end', line, 1, false],
    ['a torn last run', `${line}\n${line.slice(0, 99)}`, 1, true],
    ['a run torn in its first word', `${line}\n{"ki`, 1, true],
    ['a torn run that others followed', `${line.slice(0, 99)}\n${line}\n`, 1, false],
  ])('of %s is read', (_, text, runs, torn) => {
    const history = parseHistory(text)
    expect(typeof history === 'string' ? history : [history.runs.length, history.torn]).toEqual([runs, torn])
  })

  test.each([
    ['hello', 'line 1 is no run of dbdoctor'],
    [`${line}\n{"a":1}\n`, 'line 2 is no run of dbdoctor'],
    [line.replace('"version":1', '"version":2'), 'line 1 is a run that this version cannot read'],
  ])('of %j is none', (text, why) => {
    expect(parseHistory(text)).toBe(why)
  })
})

describe('on the command line', () => {
  const scene = async () => {
    const folder = await testFolder()
    const database = new BetterSqlite(join(folder, 'app.db'))
    database.exec(
      'pragma foreign_keys = off; create table p (id integer primary key); create table c (id integer primary key, p_id int references p (id));',
    )
    const history = join(folder, 'history.jsonl')
    const run = (...args: string[]) => dbdoctor([...args, 'app.db', '--history', history], { cwd: folder })
    return { folder, history, run, execute: (statements: string) => database.exec(statements) }
  }
  const lines = (file: string) => readFileSync(file, 'utf8').split('\n')

  test('each run adds a line, and the report says what has changed', async () => {
    const { folder, history, run, execute } = await scene()
    expect((await run('check')).stdout).not.toContain('Trend')
    execute('insert into c values (1, 7), (2, 8), (3, 9)')
    const worse = await run('check')
    expect(worse.stderr).toBe('')
    expect(worse.stdout).toMatch(/Trend · 1 earlier run since .*\n {4}healthy → unhealthy\n {4}orphaned rows 0 → 3\n/)
    expect((await run('baseline')).exitCode).toBe(0)
    const accepted = await reportOf(['check', 'app.db', '--history', history], { cwd: folder })
    expect([accepted.exitCode, accepted.trend]).toMatchObject([0, { runs: 3, verdict: { from: 'unhealthy' } }])
    expect(lines(history)).toHaveLength(5)
    expect(lines(history)[3]).toContain('"accepted":true')
  })

  test('runs at the same time do not mix', async () => {
    const { history, run } = await scene()
    await Promise.all([run('check'), run('check'), run('check')])
    const parsed = parseHistory(readFileSync(history, 'utf8'))
    expect(typeof parsed === 'string' ? parsed : parsed.runs.length).toBe(3)
  })

  test('a line that was torn is left out, and said once', async () => {
    const { history, run } = await scene()
    await run('check')
    appendFileSync(history, '{"kind":"dbdoctor-run","version":1,"star')
    const { exitCode, stderr } = await run('check')
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('its last line was torn by a run that was killed')])
    expect((await run('check')).stderr).toBe('')
    expect(lines(history)).toHaveLength(5)
  })

  test('what is no history is refused before anything is examined, and left as it is', async () => {
    const { folder, history, run } = await scene()
    writeFileSync(history, 'my diary\n')
    const refused = await run('check')
    expect([refused.exitCode, refused.stdout]).toEqual([2, ''])
    expect(refused.stderr).toMatch(/history\.jsonl is no history: line 1 is no run of dbdoctor\n {2}name another file/)
    expect(readFileSync(history, 'utf8')).toBe('my diary\n')
    const nowhere = await dbdoctor(['check', 'app.db', '--history', 'no/where.jsonl'], { cwd: folder })
    expect([nowhere.exitCode, nowhere.stderr]).toEqual([2, expect.stringContaining('cannot be used: ENOENT')])
    const folderItself = await dbdoctor(['check', 'app.db', '--history', folder], { cwd: folder })
    expect([folderItself.exitCode, folderItself.stderr]).toEqual([2, expect.stringContaining('cannot be used: EISDIR')])
    expect(existsSync(join(folder, 'no'))).toBe(false)
  })
})
