import { expect, test } from 'vitest'
import { routes, saidOf } from '../../support/auth.js'

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
  expect(await saidOf('server/endpoints', { api: { url: await routes({}) } })).toMatch(/^skip: not-configured/)
})

test.each<[number, object]>([
  [503, { status: 'error', database: 'down' }],
  [200, { status: 'degraded', checks: { db: { status: 'DOWN' } } }],
  [200, { postgres: false }],
  [500, { details: { database: { healthy: false, latency: 3 } } }],
])('a health document that says that its database is down is taken at its word: %i %j', async (status, body) => {
  const url = await routes({ 'GET /health': [status, JSON.stringify(body), json] })
  expect(await saidOf('server/endpoints', { api: { url, endpoints: ['/health'] } })).toEqual([
    expect.stringMatching(/\/health answers with \d+ and says at \/\S+ that its database is not well$/),
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
