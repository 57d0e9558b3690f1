import fc from 'fast-check'
import stringWidth from 'string-width'
import { describe, expect, test } from 'vitest'
import { html } from '../../src/reporters/html.js'
import { markdown } from '../../src/reporters/markdown.js'
import { pretty } from '../../src/reporters/pretty.js'
import { findingWith, reportWith } from '../support/reports.js'

const options = { color: false, width: 80, verbose: false, quiet: false }
const dangling = findingWith({
  address: 'integrity/foreign-keys#dangling',
  message: '"orders": 2 rows point at a row of "customers" that does not exist (customer_id)',
  evidence: { samples: [{ row: { id: 10 }, key: { customer_id: 77 } }] },
})
const report = reportWith(
  {
    id: 'connection/opens',
    title: 'The database can be opened',
    status: 'pass',
    measurements: [{ name: 'open', value: 12.3, unit: 'ms', n: 1 }],
  },
  {
    id: 'schema/tables',
    title: 'All tables are there',
    status: 'skip',
    coverage: {
      examined: 1,
      of: 2,
      unit: 'table',
      missing: [{ object: 'secrets', reason: 'no-permission', detail: 'permission denied' }],
    },
    skip: { reason: 'no-permission', detail: '1 table not examined: secrets: permission denied' },
  },
  {
    id: 'integrity/foreign-keys',
    title: 'Every foreign key points at a row that exists',
    status: 'fail',
    coverage: { examined: 52, of: 52, unit: 'foreign key', missing: [] },
    findings: [dangling],
  },
  {
    id: 'integrity/row-counts',
    title: 'Tables hold their rows',
    status: 'skip',
    skip: { reason: 'not-configured', detail: 'nothing expected' },
  },
)

test('layer by layer, a line a check, findings below, the verdict last', () => {
  expect(pretty.render(report, options)).toMatchInlineSnapshot(`
    "
      dbdoctor · app.db · SQLite

      Connection
        ✔ The database can be opened                                           12 ms

      Schema
        ? All tables are there                                         no permission
          not examined: secrets (no-permission: permission denied)

      Integrity
        ✘ Every foreign key points at a row that exists                    1 finding
          "orders": 2 rows point at a row of "customers" that does not exist
          (customer_id)
            integrity/foreign-keys#dangling · id 10 → customer_id 77
        · Tables hold their rows                                      not configured

      UNHEALTHY  2 checks ran · 1 failed · 1 could not tell · 12 ms
      The headline.

    "
  `)
})

test('a sample that is no row is shown as it is', () => {
  const address = 'integrity/assertions#value-differs'
  const differs = findingWith({ address, message: 'it differs', evidence: { samples: [7, 'a time', null] } })
  const shown = pretty.render(reportWith({ id: 'integrity/assertions', status: 'fail', findings: [differs] }), options)
  expect(shown).toContain('integrity/assertions#value-differs · 7, a time, null\n')
})

test.each([60, 80, 100, 140, 1000])('no line is wider than %i columns', (width) => {
  for (const line of pretty.render(report, { ...options, width }).split('\n'))
    expect(stringWidth(line)).toBeLessThanOrEqual(Math.min(width, 110))
})

test('colour changes nothing but colour', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control sequences
  const bare = pretty.render(report, { ...options, color: true }).replace(/\u001b\[[\d;]*m/g, '')
  expect(bare).toBe(pretty.render(report, options))
})

test('--quiet leaves out what is well', () => {
  const text = pretty.render(report, { ...options, quiet: true })
  expect(text).not.toContain('The database can be opened')
  expect(text).not.toContain('Tables hold their rows')
  expect(text).toContain('customer_id')
})

test.each([pretty, html, markdown])(
  'what kept a check from looking is told beside what it missed ($name)',
  ({ render }) => {
    const missing = [{ object: 'secrets', reason: 'no-permission', detail: 'permission denied' } as const]
    const coverage = { examined: 1, of: 2, unit: 'table', missing }
    const told = (detail: string) =>
      render(
        reportWith({ id: 'storage/pages', status: 'skip', coverage, skip: { reason: 'unavailable', detail } }),
        options,
      )
    const lines = told('amcheck is not installed')
    expect(lines).toContain('amcheck is not installed')
    expect(lines).toContain('permission denied')
    expect(told('1 table not examined: secrets: permission denied').match(/1 table not examined/g)?.length ?? 0).toBe(0)
  },
)

describe('names from a database', () => {
  const named = (name: string) => {
    const finding = findingWith({
      address: 'schema/tables#missing',
      message: `table "${name}" is missing`,
      evidence: { samples: [{ row: { [name]: 1 }, key: { x: name } }] },
    })
    const missing = [{ object: name, reason: 'no-permission', detail: name } as const]
    return {
      ...reportWith({
        id: 'schema/tables',
        status: 'fail',
        findings: [finding],
        coverage: { examined: 0, of: 1, unit: 'table', missing },
      }),
      target: { dialect: 'sqlite', name } as const,
    }
  }

  test.each([
    'a\u001b[31mRED',
    'FAIL\rPASS',
    'a\nb',
    'x\bY',
    '\u202egnp.exe',
    'zero\u200bwidth',
    '\u009b31m',
    'bell\u0007',
  ])('%j is shown, not obeyed', (name) => {
    const text = pretty.render(named(name), options)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e]/)
    expect(text).toMatch(/\\u[0-9a-f]{4}/)
  })

  test('of any kind leave the report standing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const text = pretty.render(named(name), options)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
        expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
        expect(text).toContain('UNHEALTHY')
      }),
    )
  })
})

test('the statements that took longest are told to whoever wants to know, the beginning of each', () => {
  const results = [
    { id: 'schema/views', status: 'pass', ms: 30, slowest: [{ statement: 'select 1', ms: 20 }] },
    {
      id: 'integrity/foreign-keys',
      status: 'pass',
      ms: 2000,
      slowest: [{ statement: `select ${'x'.repeat(300)}`, ms: 1200 }],
    },
  ] as const
  const report = reportWith(...results)
  const text = pretty.render(report, { ...options, verbose: true })
  expect(text).toContain(
    '  Slowest: integrity/foreign-keys 2.0 s, schema/views 30 ms\n    1.2 s integrity/foreign-keys: select\n',
  )
  expect(text).toContain('x…\n    20 ms schema/views: select 1\n')
  expect(text.match(/x/g)?.length).toBeLessThan(150)
  expect(pretty.render(report, options)).not.toContain('select')
})

test('how something was scanned is told to whoever wants to know', () => {
  const how = 'both indexes read side by side: the two sides are declared alike'
  const plans = [{ how, objects: ['a (b)', 'c (d)'] }]
  const scanned = reportWith({ id: 'integrity/foreign-keys', status: 'pass', plans })
  expect(pretty.render(scanned, { ...options, verbose: true })).toContain(`      2 scans: ${how}\n`)
  expect(pretty.render(scanned, options)).not.toContain('2 scans')
})
