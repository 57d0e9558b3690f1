import { expect, test } from 'vitest'
import { illnessIn } from '../../../src/probes/health.js'
import { routes, saidOf } from '../../support/auth.js'
import { examine } from '../../support/databases.js'
import { httpServer } from '../../support/servers.js'

const html = { 'content-type': 'text/html; charset=utf-8' }
const json = { 'content-type': 'application/problem+json' }

test('endpoints that answer as expected are silent', async () => {
  const url = await routes({
    'GET /': [307, '', { location: '/docs' }],
    'GET /health': [204],
    'GET /docs': [200, '<html>', html],
    'GET /gone': [404],
    'GET /json': [200, '{}', json],
    'POST /ping': [200],
  })
  const endpoints = [
    '/',
    '/health',
    { path: '/docs', type: 'html' as const },
    { path: '/gone', status: [404, 410] },
    { path: '/json', type: 'json' as const },
    { path: '/ping', method: 'POST' as const, status: 200 },
  ]
  expect(await saidOf('server/endpoints', { api: { url, endpoints } })).toBe('pass')
})

test('each endpoint that answers otherwise is named', async () => {
  const url = await routes({
    'GET /': [200],
    'GET /health': [503],
    'GET /docs': [404],
    'GET /page': [200, '<html>', html],
    'GET /broken': [200, '{', { 'content-type': 'application/json' }],
    'GET /created': [201],
  })
  const endpoints = [
    '/',
    '/health',
    '/docs',
    { path: '/page', type: 'json' as const },
    { path: '/broken', type: 'json' as const },
    { path: '/created', status: 200 },
  ]
  expect(await saidOf('server/endpoints', { api: { url, endpoints } })).toEqual([
    `${url}/health answers with 503: the server fails on its own side`,
    `${url}/docs answers with 404, 200 to 399 expected`,
    `${url}/page answers with text/html, json expected`,
    `${url}/broken says that it answers in JSON, and does not`,
    `${url}/created answers with 201, 200 expected`,
  ])
})

test('one that was asked too often is unknown, and says when to come again', async () => {
  const url = await routes({ 'GET /health': [429, {}, { 'retry-after': '59' }], 'GET /busy': [429] })
  const limited = await examine(null, { config: { api: { url, endpoints: ['/health'] } } })
  expect(limited.verdict).toMatchObject({
    status: 'inconclusive',
    headline: `The server limits requests (429, try again in 59 s): ${url}/health was not examined.`,
  })
  expect(limited.causes.map(({ id }) => id)).toEqual(['rate-limited'])
  expect(await saidOf('server/endpoints', { api: { url, endpoints: [{ path: '/busy', status: 429 }] } })).toBe('pass')
})

test('a program that has heard of no endpoint is another one', async () => {
  const url = await routes({ 'GET /other': [200] })
  expect(await saidOf('server/endpoints', { api: { url, endpoints: ['/health', '/docs'] } })).toEqual([
    `${url} answers 404 to all 2 endpoints, none of it in JSON: another program may be on that port, or api.url lacks a path`,
  ])
  const one = `${url}/health answers with 404, 200 to 399 expected`
  expect(await saidOf('server/endpoints', { api: { url, endpoints: ['/health'] } })).toEqual([one])
  expect(await saidOf('server/endpoints', { api: { url, endpoints: ['/health', '/other'] } })).toEqual([one])
  const gone = { path: '/docs', status: 404 }
  expect(await saidOf('server/endpoints', { api: { url, endpoints: ['/health', gone] } })).toEqual([one])
})

test('without endpoints there is nothing to look at', async () => {
  await expect(saidOf('server/endpoints', { api: { url: await routes({}) } })).rejects.toThrow(
    'nothing to look at: server/endpoints needs the part api.endpoints of the config',
  )
})

test.each<[number, object]>([
  [503, { status: 'error', database: 'down' }],
  [200, { status: 'degraded', checks: { db: { status: 'DOWN' } } }],
  [200, { postgres: false }],
  [500, { details: { database: { healthy: false, latency: 3 } } }],
])('a health document that says that its database is down is taken at its word: %i %j', async (status, body) => {
  const url = await routes({ 'GET /health': [status, JSON.stringify(body), json] })
  expect(await saidOf('server/endpoints', { api: { url, endpoints: ['/health'] } })).toEqual([
    expect.stringMatching(/\/health answers with \d+ and says .+ at \/\S+: its database is not well$/),
  ])
})

test.each<[object]>([
  [{ status: 'ok', database: 'ok' }],
  [{ status: 'down', database: { status: 'up', name: 'down' } }],
  [{ database: 'error_log', redis: 'down' }],
  [{ db: { status: 'UP', details: { validationQuery: 'isValid()', readOnly: false } } }],
])('and one that does not is not: %j', async (body) => {
  const url = await routes({ 'GET /health': [200, JSON.stringify(body), json] })
  expect(await saidOf('server/endpoints', { api: { url, endpoints: ['/health'] } })).toBe('pass')
})

test('what sits on a port instead of the server is told, and is shown no password', async () => {
  const seen: string[] = []
  const server = { server: 'AirTunes/670.6.2' }
  const url = await httpServer((request, response, body) => {
    seen.push(`${request.method} ${request.url} ${body}`)
    response.writeHead(403, { 'content-length': 0, ...server }).end()
  })
  const login = { path: '/login', body: { email: 'ada@example.com', password: 'hunter2hunter2' } }
  const config = { api: { url, endpoints: ['/health'] }, auth: { login, protected: { path: '/me' } } }
  const report = await examine(null, { config })
  expect(report.causes.map(({ id, headline }) => [id, headline])).toEqual([
    [
      'wrong-service-on-port',
      `${url} answers 403 to its endpoint and 403 to the login, none of it in JSON (Server: AirTunes/670.6.2): another program may be on that port, or api.url lacks a path.`,
    ],
  ])
  expect(seen.join('\n')).not.toContain('hunter2')
  expect(report.results.flatMap(({ id, findings }) => (findings.length > 0 ? [id] : []))).toEqual(['server/endpoints'])
})

test('a file server is another program too', async () => {
  const url = await httpServer((request, response) => {
    response.writeHead(request.method === 'POST' ? 501 : 404, { ...html, server: 'SimpleHTTP/0.6' }).end('<html>')
  })
  const login = { path: '/login', body: { email: 'ada@example.com', password: 'hunter2hunter2' } }
  const report = await examine(null, { config: { api: { url, endpoints: ['/health', '/docs'] }, auth: { login } } })
  expect(report.causes.map(({ id }) => id)).toEqual(['wrong-service-on-port'])
})

test('a server that knows its login is the one that was meant, whatever its pages answer', async () => {
  for (const refusal of [[401, '{"error":"missing credentials"}', json] as const, [400] as const]) {
    const url = await routes({
      'GET /health': [403],
      'POST /login': (_, body) => (body.includes('right') ? [200, { token: 'abc' }] : [...refusal]),
    })
    const login = { path: '/login', body: { email: 'ada@example.com', password: 'right-right' } }
    const config = { api: { url, endpoints: ['/health'] }, auth: { login } }
    expect((await examine(null, { config })).causes.map(({ id }) => id)).toEqual(['application-fault'])
  }
})

const ill: Record<string, object> = {
  nest: { service: 'id', status: 'ok', database: 'down' },
  flag: { status: 'ok', database: false },
  snake: { status: 'ok', database_status: 'disconnected' },
  camel: { status: 'ok', dbStatus: 'down' },
  connected: { status: 'ok', dbConnected: false },
  list: {
    status: 'ok',
    checks: [
      { name: 'database', status: 'fail' },
      { name: 'redis', status: 'pass' },
    ],
  },
  spring: { status: 'DOWN', components: { db: { status: 'DOWN', details: { error: 'x' } } } },
  rfc: { status: 'warn', checks: { 'postgres:connections': [{ status: 'fail' }] } },
  dotnet: { status: 'Unhealthy', results: { npgsql: { status: 'Unhealthy' } } },
  error: { status: 'degraded', db: { error: 'ECONNREFUSED 127.0.0.1:5432' } },
  words: { ok: true, database: 'connection refused' },
  laravel: { checkResults: [{ name: 'Database', status: 'failed', notificationMessage: 'no connection' }] },
  degraded: { db: 'degraded' },
  mongo: { mongodb: 'disconnected' },
}
const well: Record<string, object> = {
  up: { status: 'ok', database: 'up' },
  engine: { database: 'postgres', status: 'ok' },
  past: { db: { status: 'up', lastFailure: 'timeout' } },
  writable: { db: { status: 'ok', readOnly: false } },
  flags: { database: { ok: true, ssl: false, replica: false } },
  debug: { features: { sql: { debug: { status: 'down' } } } },
  maintenance: { status: 'ok', db: { migrations: { up: false, pending: 0 } } },
  cache: { database: 'ok', redis: { status: 'down' } },
  errors: { status: 'ok', database: { status: 'up', error: null, errors: {} } },
}

test.each(Object.entries(ill))('%s: a database that is down, in the way that frameworks write it', (_, document) => {
  expect(illnessIn(document)).toMatchObject({ of: 'database' })
})

test.each(Object.entries(well))('%s: a database that is well', (_, document) => {
  expect(illnessIn(document)).toBeNull()
})

test('the member is quoted, and a password in it is not', () => {
  expect(illnessIn(ill.snake)).toEqual({ of: 'database', pointer: '/database_status', value: '"disconnected"' })
  expect(illnessIn({ db: { error: 'connect postgres://app:hunter2@db/app failed' } })?.value).toBe(
    '"connect postgres://app:•••@db/app failed"',
  )
  expect(illnessIn({ status: 'error' })).toEqual({ of: 'server', pointer: '/status', value: '"error"' })
  expect(illnessIn({ status: 'degraded', redis: 'down' })).toBeNull()
})

test('a redirect that leads nowhere is no answer', async () => {
  const url = await routes({
    'GET /itself': [302, '', { location: '/itself' }],
    'GET /nowhere': [301],
    'GET /script': [307, '', { location: 'javascript:alert(1)' }],
    'GET /file': [302, '', { location: 'file:///etc/passwd' }],
    'GET /cookie': [302, '', { location: '/cookie', 'set-cookie': 'seen=1' }],
    'GET /docs': [302, '', { location: '/docs/' }],
    'GET /meant': [302],
  })
  const endpoints = ['/itself', '/nowhere', '/script', '/file', '/cookie', '/docs', { path: '/meant', status: 302 }]
  expect(await saidOf('server/endpoints', { api: { url, endpoints } })).toEqual([
    `${url}/itself answers with 302 and redirects to itself`,
    `${url}/nowhere answers with 301 and redirects nowhere`,
    `${url}/script answers with 307 and redirects to no web address`,
    `${url}/file answers with 302 and redirects to no web address`,
  ])
})

test('what is larger than anybody reads is no fault', async () => {
  const url = await routes({ 'GET /': [200], 'GET /dump': [200, 'x'.repeat(2_000_000)] })
  const report = await examine(null, { config: { api: { url, endpoints: ['/dump'] } } })
  expect(report.causes.map(({ id }) => id)).not.toContain('application-fault')
  expect(report.results.find(({ id }) => id === 'server/endpoints')?.status).toBe('pass')
})
