import { expect, test } from 'vitest'
import latency from '../../../checks/connection/latency.js'
import { examineOne, onEachDialect, said, testDatabase } from '../../support/databases.js'

test('a median of 100 ms to connect and of 50 ms to query is soon enough', () => {
  expect(latency.options?.parse({})).toMatchObject({ connect: 100, query: 50 })
})

test.each([
  ['quick', 3],
  ['standard', 5],
  ['deep', 20],
] as const)('at %s it asks %i times', async (depth, n) => {
  const { target } = await testDatabase('sqlite')
  const { measurements } = await examineOne('connection/latency', target, { depth })
  expect(measurements.map((one) => one.n)).toEqual([n, n, n, n])
})

onEachDialect((dialect) => {
  test('times are measured over n, and within their budgets', async () => {
    const { target } = await testDatabase(dialect)
    const config = { checks: { 'connection/latency': { options: { connect: '10s', query: '5s' } } } }
    const result = await examineOne('connection/latency', target, { config })
    expect(said(result)).toBe('pass')
    expect(result.measurements.map(({ name, unit, n, budget }) => ({ name, unit, n, budget }))).toEqual([
      { name: 'connect p50', unit: 'ms', n: 5, budget: 10_000 },
      { name: 'connect p95', unit: 'ms', n: 5, budget: undefined },
      { name: 'query p50', unit: 'ms', n: 5, budget: 5_000 },
      { name: 'query p95', unit: 'ms', n: 5, budget: undefined },
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
      expect.stringMatching(/^connecting takes (< )?[\d.]+ ms \(median of 5\), its budget is < 0\.1 ms$/),
      expect.stringMatching(/^a first query takes (< )?[\d.]+ ms \(median of 5\), its budget is < 0\.1 ms$/),
    ])
  })
})
