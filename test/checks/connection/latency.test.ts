import { expect, test } from 'vitest'
import { examineOne, onEachDialect, said, testDatabase } from '../../support/databases.js'

onEachDialect((dialect) => {
  test('times are measured over n, and within their budgets', async () => {
    const { target } = await testDatabase(dialect)
    const result = await examineOne('connection/latency', target)
    expect(said(result)).toBe('pass')
    expect(result.measurements.map(({ name, unit, n, budget }) => ({ name, unit, n, budget }))).toEqual([
      { name: 'connect p50', unit: 'ms', n: 10, budget: 100 },
      { name: 'connect p95', unit: 'ms', n: 10, budget: undefined },
      { name: 'query p50', unit: 'ms', n: 10, budget: 50 },
      { name: 'query p95', unit: 'ms', n: 10, budget: undefined },
    ])
    for (const { value } of result.measurements) expect(value).toBeGreaterThan(0)
  })

  test('slow is a warning, and names the budget', async () => {
    const { target } = await testDatabase(dialect)
    // Nothing connects within so little.
    const config = { checks: { 'connection/latency': { options: { connect: '0.001ms', query: '0.001ms' } } } }
    const result = await examineOne('connection/latency', target, { config })
    expect(result.status).toBe('warn')
    expect(said(result)).toEqual([
      expect.stringMatching(/^connecting takes (< )?[\d.]+ ms \(median of 10\), its budget is < 0\.1 ms$/),
      expect.stringMatching(/^a first query takes (< )?[\d.]+ ms \(median of 10\), its budget is < 0\.1 ms$/),
    ])
  })
})
