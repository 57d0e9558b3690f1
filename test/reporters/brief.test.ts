import fc from 'fast-check'
import { expect, test } from 'vitest'
import { brief } from '../../src/reporters/brief.js'
import { dbdoctor } from '../support/cli.js'
import { findingWith, reportWith } from '../support/reports.js'

const options = { color: false, width: 80, verbose: false, quiet: false }

test('an incident fits into ten lines', async () => {
  const { stdout, exitCode } = await dbdoctor(['demo', 'incident', '-f', 'brief'])
  expect(exitCode).toBe(1)
  const lines = stdout.trimEnd().split('\n')
  expect(lines.length).toBeLessThanOrEqual(10)
  expect(lines[0]).toMatch(/^\*\*❌ UNHEALTHY\*\*: No database crash: 38 of 38 tables/)
  expect(stdout).toMatch(/^- Database intact; \d+ checks ran, \d+ failed/m)
  expect(stdout).toMatch(/^- \*\*Next\*\*: /m)
  expect(stdout.match(/does not match the stored hash/g)).toHaveLength(1)
  expect(stdout).not.toContain('TestPassword')
})

test('what is sound needs no finding, and no next action', async () => {
  const { stdout } = await dbdoctor(['demo', 'healthy', '-f', 'brief'])
  expect(stdout).toMatch(/^\*\*✅ HEALTHY\*\*: /)
  expect(stdout).not.toMatch(/❌|⚠️|Next/)
})

test('whatever was found, it is ten lines, errors first', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.string({ unit: 'binary', minLength: 1 }))), (some) => {
      const findings = some.map(([bad, name], at) =>
        findingWith({ address: `a/b#c:${at}`, message: `table ${name}`, severity: bad ? 'error' : 'warning' }),
      )
      const text = brief.render(reportWith({ id: 'a/b', status: 'fail', findings }), options)
      expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(10)
      const told = [...text.matchAll(/^- (❌|⚠️)/gm)].map(([, mark]) => mark)
      expect(told).toEqual([...told].sort((a, b) => Number(b === '❌') - Number(a === '❌')))
      expect(told.length).toBe(Math.min(3, some.length))
    }),
  )
})
