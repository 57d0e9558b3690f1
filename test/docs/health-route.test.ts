import { writeFile } from 'node:fs/promises'
import Fastify from 'fastify'
import { expect, test } from 'vitest'
import type { DiagnoseOptions } from '../../src/engine/diagnose.js'
import type { RunEvent } from '../../src/engine/run.js'
import { afterwards, hung, testDatabase } from '../support/databases.js'
import { complaintsOf, filesOf, imported, projectWith } from '../support/recipes.js'
import { socketServer } from '../support/servers.js'

const project = filesOf('docs/recipes/health-route.md').then((files) => projectWith(files, ['fastify', '@types/node']))

/** The recipe's own route, behind a real port. */
async function serverWith(options: DiagnoseOptions & { readonly freshFor?: number }) {
  const { databaseHealth } = await imported<{ databaseHealth: never }>(await project, 'health.ts')
  const app = Fastify()
  await app.register(databaseHealth, { deadline: '30s', ...options })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  afterwards(() => app.close())
  return async () => {
    const response = await fetch(`${url}/health/database`)
    return { code: response.status, ...((await response.json()) as { status: string; headline: string }) }
  }
}

/** How many examinations have begun. */
function counter() {
  const seen = { runs: 0, onEvent: (event: RunEvent) => void (beginsRun(event) && seen.runs++) }
  return seen
}

const beginsRun = (event: RunEvent) => event.type === 'started' && event.id === 'connection/opens'

test('the route compiles as it is written', { timeout: 120_000 }, async () => {
  expect(await complaintsOf(await project, ['server.ts', 'health.ts'], 'nodenext')).toBe('')
})

test('it says what is so, and keeps it: callers share one examination', async () => {
  const { target } = await testDatabase('sqlite', 'create table users (id integer primary key)')
  const seen = counter()
  const ask = await serverWith({ target, onEvent: seen.onEvent })
  const answers = await Promise.all(Array.from({ length: 20 }, ask))
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
  expect(answers[0]).toMatchObject({ code: 200, status: expect.stringMatching(/^(healthy|degraded)$/) })
  await writeFile(target.slice('sqlite:'.length), 'gone')
  expect(await ask()).toEqual(answers[0])
  expect(seen.runs).toBe(1)
})

test('what is no longer fresh is looked at again, by one of them all', async () => {
  const { target } = await testDatabase('sqlite', 'create table users (id integer primary key)')
  const seen = counter()
  const ask = await serverWith({ target, freshFor: 0, onEvent: seen.onEvent })
  expect(await ask()).toMatchObject({ code: 200 })
  await writeFile(target.slice('sqlite:'.length), 'this is not a database any more')
  const answers = await Promise.all(Array.from({ length: 20 }, ask))
  expect(answers[0]).toMatchObject({ code: 503, status: 'unhealthy' })
  expect(seen.runs).toBeLessThanOrEqual(3)
})

test('it answers within its deadline while the database hangs', async () => {
  const silent = await socketServer(() => {})
  const ask = await serverWith({ target: `postgres://u@${new URL(silent).host}/app`, deadline: '300ms' })
  const began = performance.now()
  expect(await ask()).toMatchObject({ code: 503, status: expect.stringMatching(/unhealthy|inconclusive/) })
  expect(performance.now() - began).toBeLessThan(hung)
})
