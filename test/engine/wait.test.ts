import { createServer, type Server } from 'node:http'
import { connect, createServer as createSocketServer } from 'node:net'
import { expect, inject, test } from 'vitest'
import { afterwards, examine, hung } from '../support/databases.js'
import { freePort } from '../support/postgres.js'

/** After a while, something listens at a port where nothing did. */
async function later(listen: (port: number) => Server | ReturnType<typeof createSocketServer>): Promise<number> {
  const port = await freePort()
  setTimeout(() => {
    const server = listen(port)
    afterwards(() => void server.close())
  }, 700)
  return port
}

const only = (port: number) => Object.assign(new URL(inject('postgres')), { port: String(port) }).href

test('a database server that refuses connections at first is waited for', async () => {
  const { hostname, port: real } = new URL(inject('postgres'))
  const port = await later((at) =>
    createSocketServer((socket) => {
      const server = connect(Number(real), hostname)
      for (const [one, other] of [
        [socket, server],
        [server, socket],
      ] as const)
        one.on('error', () => other.destroy()).pipe(other)
    }).listen(at, '127.0.0.1'),
  )
  const { results } = await examine(only(port), { only: ['connection/opens'], wait: 10_000 })
  expect(results.find(({ id }) => id === 'connection/opens')?.status).toBe('pass')
})

test('so is an API server', async () => {
  const port = await later((at) => createServer((_, response) => response.end()).listen(at, '127.0.0.1'))
  const config = { api: { url: `http://127.0.0.1:${port}` } }
  const { results } = await examine(null, { config, only: ['server/reachable'], wait: 10_000 })
  expect(results.find(({ id }) => id === 'server/reachable')?.status).toBe('pass')
})

test('but no longer than that, and not for what does not pass by itself', async () => {
  const began = performance.now()
  const { causes } = await examine(only(await freePort()), { only: ['connection/opens'], wait: 800 })
  expect(causes[0]?.id).toBe('database-not-running')
  expect(performance.now() - began).toBeGreaterThan(500)
  expect(performance.now() - began).toBeLessThan(hung)
  const wrong = Object.assign(new URL(inject('postgres')), { pathname: '/nowhere' }).href
  const again = performance.now()
  await examine(wrong, { only: ['connection/opens'], wait: 10_000 })
  expect(performance.now() - again).toBeLessThan(hung)
})
