import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, expectTypeOf, test } from 'vitest'
import type { z } from 'zod'
import type { Report } from '../../src/report/report.js'
import { reportSchema } from '../../src/report/schema.js'
import { reportOf } from '../support/cli.js'
import { testFolder } from '../support/databases.js'
import { reportWith } from '../support/reports.js'

type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T

test('the schema and the type are one contract', () => {
  expectTypeOf<Frozen<z.output<typeof reportSchema>>>().toEqualTypeOf<Frozen<Report>>()
})

describe('docs/report.schema.json', () => {
  const published = JSON.parse(readFileSync(new URL('../../docs/report.schema.json', import.meta.url), 'utf8'))
  // Times are held to a pattern beside their format.
  const valid = new Ajv2020({ allErrors: true, validateFormats: false }).compile(published)
  const faults = (report: unknown) =>
    valid(report) ? [] : (valid.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)

  test.each(['incident', 'orphans', 'file-truncated', 'index-corrupt', 'wrong-service', 'permissions-missing'])(
    'holds for the demo %s',
    async (scenario) => {
      const { raw } = await reportOf(['demo', scenario, '--samples', '1'])
      expect(faults(JSON.parse(raw))).toEqual([])
    },
  )

  test('holds for a report with a history', async () => {
    const history = join(await testFolder(), 'history.jsonl')
    await reportOf(['demo', 'orphans', '--history', history])
    const { raw } = await reportOf(['demo', '--history', history])
    expect(JSON.parse(raw).trend.changes.length).toBeGreaterThan(0)
    expect(faults(JSON.parse(raw))).toEqual([])
  })

  test('allows additions, and nothing else', () => {
    const report = reportWith({ id: 'schema/tables', status: 'pass' })
    const [result] = report.results
    expect(faults({ ...report, weather: 'fair', results: [{ ...result, mood: 'good' }] })).toEqual([])
    expect(faults({ ...report, schemaVersion: 2 })).toEqual(['/schemaVersion must be equal to constant'])
    expect(faults({ ...report, startedAt: 'yesterday' })).toEqual([
      expect.stringContaining('/startedAt must match pattern'),
    ])
    expect(faults({ ...report, results: [{ ...result, status: 'odd' }] })).toEqual([
      '/results/0/status must be equal to one of the allowed values',
    ])
    expect(faults({ ...report, verdict: undefined })).toEqual([" must have required property 'verdict'"])
  })

  test('and what reads a saved report are of one mind', () => {
    const report = reportWith({ id: 'schema/tables', status: 'pass' })
    const others = [
      report,
      { ...report, target: undefined },
      { ...report, exitCode: -1 },
      { ...report, facts: { a: '1' } },
    ]
    expect(others.map((other) => reportSchema.safeParse(other).success)).toEqual([true, false, false, false])
    expect(others.map((other) => faults(other).length)).toEqual([0, 1, 1, 1])
  })
})
