import { describe, expect, test } from 'vitest'
import builtIn from '../../checks/index.js'
import { diagnose } from '../../src/diagnosis.js'
import type { Result } from '../../src/report.js'
import { findingWith, resultWith } from '../support/reports.js'

const pass = (id: string) => resultWith({ id, status: 'pass' })
const fail = (id: string, code: string, severity: 'error' | 'warning' = 'error') =>
  resultWith({
    id,
    status: severity === 'error' ? 'fail' : 'warn',
    findings: [findingWith({ address: `${id}#${code}`, severity, message: `it is ${code}` })],
  })
const blocked = (id: string) =>
  resultWith({ id, status: 'skip', skip: { reason: 'blocked', detail: 'by connection/opens' } })
const crash = (id: string) => resultWith({ id, status: 'crash', error: { name: 'Error', message: 'oops' } })

const causes = (...results: Result[]) => diagnose(builtIn.diagnoses ?? [], results, { 'integrity.orphanedRows': 3 })
const ids = (...results: Result[]) => causes(...results).map(({ id }) => id)
const sound = [pass('connection/opens'), pass('schema/tables'), pass('integrity/foreign-keys')]

test('what a cause claims is what was answered', () => {
  expect(causes(...sound)).toEqual([
    {
      id: 'all-well',
      headline: '',
      because: ['connection: 1 of 1 checks passed', 'schema: 1 of 1 checks passed', 'integrity: 1 of 1 checks passed'],
      next: [],
    },
  ])
})

describe('each fits, and stays silent without its facts', () => {
  test.each<[string, Result[], Result[][]]>([
    ['all-well', sound, [sound.slice(1), [...sound, crash('integrity/x')], [...sound, fail('schema/x', 'y')]]],
    [
      'database-unreachable',
      [fail('connection/opens', 'refused'), blocked('schema/tables')],
      [sound, [crash('connection/opens')], [fail('connection/latency', 'slow', 'warning')]],
    ],
    [
      'schema-incomplete',
      [pass('connection/opens'), fail('schema/tables', 'missing')],
      [sound, [fail('schema/tables', 'unexpected', 'warning')]],
    ],
    [
      'rows-orphaned',
      [fail('integrity/foreign-keys', 'dangling')],
      [sound, [fail('integrity/foreign-keys', 'mismatch')]],
    ],
    ['rows-orphaned', [fail('integrity/orphaned-rows', 'orphaned', 'warning')], [sound]],
    [
      'data-damaged',
      [fail('integrity/foreign-keys', 'index-disagrees')],
      [sound, [fail('integrity/foreign-keys', 'dangling')]],
    ],
    [
      'inconclusive',
      [...sound, crash('integrity/x')],
      [sound, [fail('connection/opens', 'refused'), blocked('schema/tables')]],
    ],
  ])('%s', (id, fitting, others) => {
    expect(ids(...fitting)).toContain(id)
    for (const other of others) expect(ids(...other)).not.toContain(id)
  })
})

test('the lowest layer that fails is the root cause', () => {
  expect(ids(fail('connection/opens', 'refused'), blocked('schema/tables'))).toEqual(['database-unreachable'])
  expect(
    ids(pass('connection/opens'), fail('schema/tables', 'missing'), fail('integrity/foreign-keys', 'dangling')),
  ).toEqual(['schema-incomplete', 'rows-orphaned'])
})

test('a headline names what was found', () => {
  expect(causes(fail('integrity/foreign-keys', 'dangling'))[0]?.headline).toBe(
    '3 rows point at a row that does not exist.',
  )
  expect(causes(fail('connection/opens', 'refused'))[0]?.headline).toBe(
    'The database could not be opened: it is refused.',
  )
})
