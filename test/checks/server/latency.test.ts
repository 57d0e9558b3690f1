import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { examine, said } from '../../support/databases.js'
import { demoApplication, httpServer } from '../../support/servers.js'

test('what answers in time is measured, the first answer dropped, and n is told', async () => {
  const { config } = await demoApplication()
  const { results } = await examine(null, {
    config: { ...config, database: {} },
    only: ['server/latency', 'auth/login', 'auth/protected'],
    samples: 3,
  })
  const result = results.find(({ id }) => id === 'server/latency')
  expect(result?.status).toBe('pass')
  const measured = result?.measurements.map(({ name, n, budget }) => [name, n, budget])
  expect(measured).toEqual([
    ['basic mean', 9, 200],
    ['basic p50', 9, undefined],
    ['basic p95', 9, undefined],
    // The right password is sent once a run.
    ['auth', 1, 1000],
    ['protected mean', 3, 200],
    ['protected p50', 3, undefined],
    ['protected p95', 3, undefined],
  ])
})

test('slow is a warning, and the first answer alone is no slowness', async () => {
  let requests = 0
  const warming = await httpServer(async (_, response) => {
    if (++requests <= 2) await sleep(400)
    response.end()
  })
  const slow = await httpServer(async (_, response) => {
    await sleep(250)
    response.end()
  })
  const checks = { 'server/latency': { options: { basic: '200ms', p95: '210ms' } } }
  const saidOf = async (url: string) => {
    const { results } = await examine(null, { config: { api: { url }, checks }, only: ['server/latency'], samples: 2 })
    const result = results.find(({ id }) => id === 'server/latency')
    return result && { status: result.status, said: said(result) }
  }
  expect(await saidOf(warming)).toMatchObject({ status: 'pass' })
  expect(await saidOf(slow)).toEqual({
    status: 'warn',
    said: [
      expect.stringMatching(/^basic: \d+ ms on average \(n = 2\), the budget is 200 ms$/),
      expect.stringMatching(/^basic: 95 % answer within \d+ ms \(n = 2\), the budget is 210 ms$/),
    ],
  })
})
