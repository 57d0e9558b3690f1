import { describe, expect, test } from 'vitest'
import { compare } from '../../src/report/comparison.js'
import { exitCodeOfComparison } from '../../src/report/exit-code.js'
import type { Report, Result } from '../../src/report/report.js'
import { loadComparer } from '../../src/reporters/index.js'
import { findingWith, reportWith } from '../support/reports.js'

const dangling = (rows: number, rest: Partial<Parameters<typeof findingWith>[0]> = {}) =>
  findingWith({
    address: 'integrity/foreign-keys#dangling',
    message: `"orders": ${rows} rows`,
    evidence: { table: 'orders', rows },
    fingerprint: 'of-orders',
    ...rest,
  })
/** A scan that was cut short: there are at least so many. */
const part = (rows: number) => dangling(rows, { evidence: { table: 'orders', rows, partial: true } })
const found = (...findings: Result['findings']) =>
  reportWith({
    id: 'integrity/foreign-keys',
    title: 'Keys hold',
    status: findings.length > 0 ? 'fail' : 'pass',
    findings,
  })
const blind = (skip: NonNullable<Result['skip']>, rest: Partial<Result> = {}) =>
  reportWith({ id: 'integrity/foreign-keys', status: 'skip', skip, ...rest })

/** The fate of the one finding, the exit code, and what is said beside it. */
function fateOf(before: Report, after: Report) {
  const held = compare(before, after, '0.0.0')
  const [difference] = held.differences
  return [difference?.fate, exitCodeOfComparison(held), difference?.detail]
}

describe('a finding of two reports', () => {
  test.each([
    ['new', 1, found(), found(dangling(3))],
    ['worse', 1, found(dangling(3)), found(dangling(17))],
    ['worse', 1, found(dangling(3, { severity: 'warning' })), found(dangling(3))],
    ['better', 0, found(dangling(17)), found(dangling(3))],
    ['better', 0, found(dangling(3)), found(dangling(9, { severity: 'info' }))],
    ['fixed', 0, found(dangling(3)), found()],
    ['unchanged', 0, found(dangling(3)), found(dangling(3))],
    ['unchanged', 0, found(dangling(3, { evidence: {} })), found(dangling(9))],
    ['new', 0, found(), found(dangling(3, { severity: 'info' }))],
    ['new', 0, found(), found(dangling(3, { suppressed: { by: 'baseline', reason: 'known' } }))],
  ])('is %s, exit %i', (fate, exitCode, before, after) => {
    expect(fateOf(before, after)).toEqual([fate, exitCode, undefined])
  })

  test.each([
    ['unknown', 'not all rows were compared', dangling(17), part(3)],
    ['unknown', 'not all rows were compared before', part(3), dangling(17)],
    ['unknown', 'not all rows were compared', part(3), part(3)],
    ['worse', undefined, dangling(3), part(17)],
    ['better', undefined, part(17), dangling(3)],
  ])('of which a report counts a part is %s: %s', (fate, why, before, after) => {
    expect(fateOf(found(before), found(after))).toEqual([fate, fate === 'worse' ? 1 : 0, why])
  })

  test.each([
    [3, 'no-permission: may not read', blind({ reason: 'no-permission', detail: 'may not read' })],
    [3, 'blocked: by connection/opens', blind({ reason: 'blocked', detail: 'by connection/opens' })],
    [0, 'deselected: --only', blind({ reason: 'deselected', detail: '--only' })],
    [0, 'unavailable: off', blind({ reason: 'unavailable', detail: 'off' }, { asked: false })],
    [0, 'the check is not in the report', reportWith({ id: 'connection/opens', status: 'pass' })],
    [
      3,
      'the check broke: oops',
      reportWith({ id: 'integrity/foreign-keys', status: 'crash', error: { name: 'Error', message: 'oops' } }),
    ],
    [
      3,
      'orders was not examined: no-permission: denied',
      reportWith({
        id: 'integrity/foreign-keys',
        status: 'fail',
        coverage: {
          examined: 1,
          of: 2,
          unit: 'table',
          missing: [{ object: 'orders', reason: 'no-permission', detail: 'denied' }],
        },
      }),
    ],
  ])('that nobody could look for is not fixed: exit %i, %s', (exitCode, why, after) => {
    expect(fateOf(found(dangling(3)), after)).toEqual(['unknown', exitCode, why])
  })

  test('that the first report did not look for is new, and says so', () => {
    const before = blind({ reason: 'deadline', detail: 'out of time' })
    expect(fateOf(before, found(dangling(3)))).toEqual(['new', 1, 'deadline: out of time'])
  })

  test('shares its fingerprint, and is told apart all the same', () => {
    const held = compare(found(dangling(3), dangling(4)), found(dangling(3)), '0.0.0')
    expect(held.differences.map(({ fate }) => fate)).toEqual(['fixed', 'unchanged'])
  })
})

test('a check that passed and cannot tell any more is lost; one that was not asked is only said', () => {
  const passed = found()
  const lost = compare(passed, blind({ reason: 'deadline', detail: 'late' }), '0.0.0')
  expect([lost.checks, exitCodeOfComparison(lost)]).toEqual([
    [expect.objectContaining({ before: 'pass', after: 'skip', lost: true, detail: 'deadline: late' })],
    3,
  ])
  const left = compare(passed, blind({ reason: 'deselected', detail: '--skip' }), '0.0.0')
  expect([left.checks[0]?.lost, exitCodeOfComparison(left)]).toEqual([false, 0])
  const never = compare(blind({ reason: 'deadline', detail: '' }), blind({ reason: 'deadline', detail: '' }), '0.0.0')
  expect([never.checks, exitCodeOfComparison(never)]).toEqual([[], 0])
})

test('what keeps two reports from being alike is said', () => {
  const before = { ...found(), startedAt: '2026-02-01T00:00:00.000Z', complete: false }
  const after = { ...found(), target: { dialect: 'sqlite', name: 'other.db' }, depth: 'quick' } as const
  expect(compare(before, after, '0.0.0').notes).toEqual([
    'The targets differ: app.db, then other.db.',
    'The depths differ: standard, then quick.',
    'The first report is the younger one.',
    'The first run was interrupted.',
  ])
  expect(compare(found(), found(), '0.0.0').notes).toEqual([])
})

describe('for people', () => {
  const options = { color: false, width: 80, verbose: false, quiet: false }
  const rendered = async (name: 'pretty' | 'markdown', before: Report, after: Report) => {
    const held = compare(before, after, '0.0.0')
    return (await loadComparer(name)).render({ exitCode: exitCodeOfComparison(held), ...held }, options)
  }

  test('what is new comes first, the verdict last', async () => {
    const before = found(dangling(3), dangling(1, { fingerprint: 'b', message: 'gone' }))
    const after = found(dangling(17), dangling(1, { fingerprint: 'c', message: 'fresh' }))
    expect(await rendered('pretty', before, after)).toMatchInlineSnapshot(`
      "
        dbdoctor · app.db · 2026-01-01 00:00 UTC → 2026-01-01 00:00 UTC

        New
          ✘ fresh
              integrity/foreign-keys#dangling

        Worse
          ✘ "orders": 17 rows
              integrity/foreign-keys#dangling · 3 → 17 rows

        Fixed
          ✔ gone
              integrity/foreign-keys#dangling

        UNHEALTHY, as before  1 new · 1 worse · 1 fixed
        The headline.

      "
    `)
    expect(await rendered('markdown', before, after)).toMatchInlineSnapshot(`
      "# Compared: app.db

      ## UNHEALTHY, as before

      The headline.

      2026-01-01 00:00 UTC → 2026-01-01 00:00 UTC · 1 new · 1 worse · 1 fixed

      ### New

      - ❌ fresh (integrity/foreign-keys#dangling)

      ### Worse

      - ❌ "orders": 17 rows (integrity/foreign-keys#dangling; 3 → 17 rows)

      ### Fixed

      - ✅ gone (integrity/foreign-keys#dangling)
      "
    `)
  })

  test('what is no longer known is under no green mark', async () => {
    const after = blind({ reason: 'no-permission', detail: 'may not read' })
    const text = await rendered('pretty', found(dangling(3)), after)
    expect(text).toContain('UNHEALTHY → INCONCLUSIVE  1 no longer known')
    expect(text).toContain('? "orders": 3 rows')
    expect(text).not.toMatch(/✔|Fixed/)
    expect(await rendered('markdown', found(dangling(3)), after)).not.toMatch(/✅|Fixed/)
  })

  test('what is only worth knowing is no news', async () => {
    const text = await rendered('pretty', found(), found(dangling(3, { severity: 'info' })))
    expect(text).not.toContain('New')
    expect(text).toContain('nothing was found')
  })
})
