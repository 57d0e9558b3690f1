import { describe, expect, test } from 'vitest'
import { exitCodeOf, type Signal } from '../../src/report/exit-code.js'
import type { Report, Result, UnknownReason } from '../../src/report/report.js'
import { databaseStateOf, headlineOf, statusOf } from '../../src/report/verdict.js'
import { findingWith, reportWith, resultWith } from '../support/reports.js'

const missing = (reason: UnknownReason, optional?: true) => ({
  coverage: {
    examined: 1,
    of: 2,
    unit: 'table',
    missing: [{ object: 't', reason, detail: '', ...(optional && { optional }) }],
  },
})
const pass = (id: string, more: Partial<Result> = {}) => resultWith({ id, status: 'pass', ...more })
const fail = (id: string) => resultWith({ id, status: 'fail', findings: [findingWith({ address: `${id}#x` })] })
const warn = (id: string) =>
  resultWith({ id, status: 'warn', findings: [findingWith({ address: `${id}#x`, severity: 'warning' })] })
const skip = (id: string, reason: NonNullable<Result['skip']>['reason'], more: Partial<Result> = {}) =>
  resultWith({ id, status: 'skip', skip: { reason, detail: '' }, ...more })
const crash = (id: string, more: Partial<Result> = {}) =>
  resultWith({ id, status: 'crash', error: { name: 'E', message: '' }, ...more })
const sound = [
  ...[pass('connection/opens'), pass('storage/pages'), pass('schema/tables'), pass('integrity/foreign-keys')],
]

const status = (...results: Result[]) => statusOf({ results, complete: true })

describe('the status', () => {
  test.each<[string, Result[]]>([
    ['healthy', sound],
    ['degraded', [...sound, warn('integrity/orphaned-rows')]],
    ['degraded', [...sound, warn('connection/latency')]],
    ['degraded', [...sound, warn('external/services')]],
    ['unhealthy', [...sound, fail('server/reachable')]],
    ['unhealthy', [fail('connection/opens'), skip('schema/tables', 'blocked')]],
    ['unhealthy', [...sound, fail('server/a'), crash('server/b')]],
    ['inconclusive', [...sound, crash('server/a', { asked: false })]],
    ['inconclusive', [...sound, skip('schema/x', 'no-permission')]],
    ['inconclusive', [...sound, skip('storage/pages', 'deadline', { asked: false })]],
    ['inconclusive', [...sound, pass('schema/x', missing('no-permission'))]],
    ['healthy', [...sound, skip('storage/pages', 'unavailable', { asked: false })]],
    ['healthy', [...sound, pass('schema/x', missing('unavailable', true))]],
    ['healthy', [...sound, skip('integrity/row-counts', 'not-configured'), skip('schema/pg', 'not-applicable')]],
    ['inconclusive', [...sound, warn('connection/latency'), skip('schema/x', 'blocked')]],
  ])('%s', (expected, results) => expect(status(...results)).toBe(expected))

  test('an interrupted run is inconclusive at best', () => {
    expect(statusOf({ results: sound, complete: false })).toBe('inconclusive')
    expect(statusOf({ results: [...sound, fail('server/a')], complete: false })).toBe('unhealthy')
  })
})

describe('the database', () => {
  const seen = { complete: true, depth: 'standard', facts: {}, target: { dialect: 'sqlite', name: 'a' } } as const
  const state = (results: Result[], more = {}) => databaseStateOf({ ...seen, results, ...more })

  test.each<[string, Result[]]>([
    ['intact', sound],
    ['intact', [...sound, fail('server/reachable'), crash('auth/login'), warn('connection/latency')]],
    ['unverified', [...sound.filter(({ id }) => id !== 'storage/pages'), skip('storage/pages', 'unavailable')]],
    ['intact', [...sound, skip('integrity/row-counts', 'not-configured')]],
    [
      'unreachable',
      [fail('connection/opens'), skip('schema/tables', 'blocked'), skip('integrity/foreign-keys', 'blocked')],
    ],
    ['damaged', [...sound, fail('storage/pages')]],
    ['damaged', [pass('connection/opens'), fail('schema/tables'), pass('integrity/foreign-keys')]],
    ['damaged', [...sound, fail('integrity/orphaned-rows')]],
    ['unverified', [pass('connection/opens'), pass('schema/tables'), crash('integrity/foreign-keys')]],
    ['unverified', [pass('connection/opens'), pass('schema/tables'), skip('integrity/foreign-keys', 'no-permission')]],
    [
      'unverified',
      [pass('connection/opens'), pass('schema/tables', missing('no-permission')), pass('integrity/foreign-keys')],
    ],
    ['unverified', [pass('connection/opens'), pass('schema/tables'), skip('integrity/foreign-keys', 'deselected')]],
    ['unverified', [pass('connection/opens'), pass('schema/tables')]],
    ['unverified', [...sound, warn('connection/restarts')]],
    ['unverified', []],
  ])('%s', (expected, results) => expect(state(results)).toBe(expected))

  test('pages make a file intact, and a server without amcheck is intact without them', () => {
    const without = sound.filter(({ id }) => id !== 'storage/pages')
    expect(state(without)).toBe('unverified')
    expect(state(without, { target: { dialect: 'postgres', name: 'a' } })).toBe('intact')
  })

  test('nothing is intact that was not looked at to the end, in depth, or at all', () => {
    expect(state(sound, { complete: false })).toBe('unverified')
    expect(state(sound, { depth: 'quick' })).toBe('unverified')
    expect(state(sound, { target: null })).toBe('unverified')
  })
})

describe('the headline', () => {
  const headline = (results: Result[], more: Partial<Report> = {}, causes: Report['causes'] = []) => {
    const facts = {
      'schema.tables': 38,
      'schema.tables.expected': 38,
      'schema.indexes': 77,
      'schema.foreignKeys': 1,
      'integrity.orphanedRows': 0,
    }
    const report = { ...reportWith(), facts, ...more, results }
    return headlineOf(report, databaseStateOf(report), causes)
  }
  const cause = { id: 'x', headline: 'Nothing listens at the API.', because: [], next: [] }

  test('"No database crash" comes with its counts, and says what was not checked', () => {
    const target = { dialect: 'postgres', name: 'app' } as const
    const without = sound.filter(({ id }) => id !== 'storage/pages')
    expect(headline(without)).toBe('The database is not cleared: storage/pages did not look.')
    expect(headline(without, { target })).toBe(
      'No database crash: 38 of 38 tables, 77 indexes, 1 foreign key, 0 orphaned rows; pages not checked.',
    )
    expect(headline([...sound, pass('storage/pages')])).toBe(
      'No database crash: 38 of 38 tables, 77 indexes, 1 foreign key, 0 orphaned rows.',
    )
    expect(headline([...sound, pass('storage/pages'), skip('connection/restarts', 'not-applicable')])).toBe(
      'No database crash: 38 of 38 tables, 77 indexes, 1 foreign key, 0 orphaned rows; restarts not known.',
    )
    const unread = pass('schema/tables', missing('unavailable', true))
    expect(headline([pass('connection/opens'), unread, pass('integrity/foreign-keys'), pass('storage/pages')])).toBe(
      'No database crash: 38 of 38 tables, 77 indexes, 1 foreign key, 0 orphaned rows; 1 table not examined.',
    )
  })

  test('the root cause follows', () => {
    expect(headline([...sound, fail('server/reachable')], {}, [cause])).toMatch(
      /^No database crash: .*\. Nothing listens at the API\.$/,
    )
  })

  test('a quick look promises less, and a look that could not see promises nothing', () => {
    const rows = skip('integrity/foreign-keys', 'deselected', {
      skip: { reason: 'deselected', detail: '--depth quick does not reach it' },
    })
    expect(headline([pass('connection/opens'), pass('schema/tables'), rows], { depth: 'quick' })).toBe(
      'No sign of a database crash: 38 of 38 tables, 77 indexes, 1 foreign key, 0 orphaned rows; rows not examined (--depth quick).',
    )
    const denied = { reason: 'no-permission', detail: 'the role may not select from it' } as const
    const blind = skip('schema/tables', 'no-permission', { skip: denied })
    expect(headline([pass('connection/opens'), blind, rows], { depth: 'quick' })).toBe(
      'The database is not cleared: schema/tables: the role may not select from it.',
    )
    const broken = crash('schema/tables', { error: { name: 'E', message: 'oops' } })
    expect(headline([pass('connection/opens'), broken, blind])).toBe(
      'The database is not cleared: schema/tables: oops (and 1 more).',
    )
    const left = { reason: 'deselected', detail: '--only names other checks' } as const
    expect(headline([pass('connection/opens'), skip('schema/tables', 'deselected', { skip: left })])).toBe(
      '1 of 1 check passed; only connection was asked for.',
    )
  })

  test('a database that is sound again is not one that never crashed', () => {
    expect(headline([...sound, warn('connection/restarts')], {}, [{ ...cause, headline: 'It crashed.' }])).toBe(
      'The database is sound now: 38 of 38 tables, 77 indexes, 1 foreign key, 0 orphaned rows. It crashed.',
    )
  })

  test('an ill database is never cleared', () => {
    for (const results of [
      [fail('connection/opens')],
      [...sound, fail('storage/pages')],
      [...sound, crash('integrity/x')],
      [...sound, warn('connection/restarts')],
    ]) {
      expect(headline(results, {}, [cause])).not.toMatch(/No (sign of a )?database crash/)
    }
  })
})

describe('the exit code', () => {
  const code = (results: Result[], failOn: 'fail' | 'warn' | 'never' = 'fail', signal: Signal | null = null) =>
    exitCodeOf(
      { ...reportWith(), verdict: { status: status(...results), database: 'unverified', headline: '' }, results },
      failOn,
      signal,
    )

  test.each<[number, Result[], ('fail' | 'warn' | 'never')?, Signal?]>([
    [0, sound],
    [0, [warn('connection/latency')]],
    [1, [warn('connection/latency')], 'warn'],
    [1, [warn('schema/x')], 'warn'],
    [1, [fail('server/a')]],
    [0, [fail('server/a')], 'never'],
    [3, [crash('server/a')]],
    [3, [crash('server/a')], 'never'],
    [130, [fail('server/a')], 'fail', 'SIGINT'],
    [143, sound, 'never', 'SIGTERM'],
  ])('%i', (expected, results, failOn, signal) => expect(code(results, failOn, signal ?? null)).toBe(expected))
})
