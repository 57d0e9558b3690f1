import { expect, test } from 'vitest'
import type { ConfigInput } from '../../../src/config.js'
import { routes, saidOf } from '../../support/auth.js'
import { examine } from '../../support/databases.js'
import { demoApplication, httpServer } from '../../support/servers.js'

const password = 'Right-Password-42!'
type Login = NonNullable<NonNullable<ConfigInput['auth']>['login']>
type Answer = readonly [status: number, body?: unknown, headers?: Record<string, string>]

/** A server that gives one answer to the right password and another to a wrong one. */
async function said(right: Answer, { wrong = [401] as Answer, login = {} as Partial<Login>, auth = {} } = {}) {
  const url = await routes({
    'GET /': [200],
    'POST /login': (_, body) => (body.includes(password) ? right : wrong),
  })
  const body = { email: 'ada@example.com', password }
  const text = await saidOf('auth/login', {
    api: { url },
    auth: { login: { path: '/login', body, ...login }, ...auth },
  })
  return typeof text === 'string' ? text : text.map((sentence) => sentence.replace(`${url}/login`, 'URL'))
}

test('a login that gives a token, wherever it is, is silent', async () => {
  expect(await said([200, { access_token: 'abc' }])).toBe('pass')
  expect(await said([201, { data: { accessToken: 'abc' } }])).toBe('pass')
  expect(await said([200, { a: { b: ['abc'] } }], { login: { accessToken: '/a/b/0' } })).toBe('pass')
  const cookies = { 'set-cookie': 'sid=abc; HttpOnly; Path=/' }
  expect(await said([302, '', { ...cookies, location: '/' }], { login: { accessToken: { cookie: 'sid' } } })).toBe(
    'pass',
  )
  expect(await said([204, '', cookies], { login: { accessToken: { cookie: 'sid' } } })).toBe('pass')
})

test('a wrong password may be refused in any way that refuses', async () => {
  for (const wrong of [
    [400],
    [401],
    [403],
    [422],
    [200, { error: 'invalid_grant' }],
    [200, { error: 'invalid', token: null }],
    [302, '', { location: '/login' }],
  ] as Answer[])
    expect(await said([200, { token: 'abc' }], { wrong })).toBe('pass')
  expect(await said([200, { token: 'abc' }], { wrong: [404] })).toEqual([
    'URL answers a wrong password with 404, 400, 401, 403, 422 expected',
  ])
  expect(await said([200, { token: 'abc' }], { wrong: [404], auth: { refusals: [404] } })).toBe('pass')
})

test('a wrong password that is let in, and one that breaks the server', async () => {
  expect(await said([200, { token: 'abc' }], { wrong: [200, { token: 'abc' }] })).toEqual([
    'URL lets a wrong password in, with 200',
  ])
  expect(await said([200, { token: 'abc' }], { wrong: [500] })).toEqual([
    'URL answers a wrong password with 500, 400, 401, 403, 422 expected',
  ])
})

test('why the right password gave no token', async () => {
  expect(await said([401])).toEqual(["URL refuses the probe user's password with 401"])
  expect(await said([500])).toEqual(['URL answers the right password with 500: the server fails on its own side'])
  expect(await said([418])).toEqual([
    'URL answers the right password with 418, which is neither a success nor a refusal',
  ])
  expect(await said([200, { error: 'no', hint: 'secret-value' }])).toEqual([
    'URL answers with 200 and an error in its body: its JSON has /error, /hint',
  ])
  expect(await said([200, { user: { id: 1, name: 'Ada' } }])).toEqual([
    'URL gives no access token at any usual place: its JSON has /user/id, /user/name',
  ])
  expect(await said([200, { token: 'abc' }], { login: { accessToken: '/data/token' } })).toEqual([
    'URL gives no access token at /data/token: its JSON has /token',
  ])
  expect(await said([200, '<html>Sign in</html>', { 'content-type': 'text/html' }])).toEqual([
    "URL answers with text/html instead of JSON: another program or a proxy's page may be there",
  ])
  expect(await said([302, '', { location: 'https://sso.example.com/?x=1' }])).toEqual([
    'URL gives no token, and redirects to https://sso.example.com/',
  ])
  expect(await said([200, { token: 'abc' }], { login: { refreshToken: '/refresh' } })).toEqual([
    'URL gives no refresh token at /refresh: its JSON has /token',
  ])
})

test('a token that no header can carry is refused, and not echoed', async () => {
  expect(await said([200, { token: 'abc\ndef' }], { login: { accessToken: '/token' } })).toEqual([
    'URL gives a token that no header can carry: 7 characters, or a line break among them',
  ])
  expect(await said([200, { token: 'a'.repeat(20_000) }], { login: { accessToken: '/token' } })).toEqual([
    'URL gives a token that no header can carry: 20000 characters, or a line break among them',
  ])
  expect(await said([200, { token: 'a'.repeat(5_000_000) }])).toEqual(['POST URL answers with more than 1048576 bytes'])
})

test('too many attempts are no answer', async () => {
  expect(await said([429])).toBe('skip: unavailable: the server says that it was asked too often (429)')
})

test('JSON, forms and HTTP Basic are spoken', async () => {
  const seen: string[] = []
  const url = await httpServer((request, response, body) => {
    if (request.url === '/login')
      seen.push(`${request.headers['content-type']} ${request.headers.authorization} ${body}`)
    response.end('{"token":"abc"}')
  })
  for (const type of ['json', 'form', 'basic'] as const) {
    const login = { path: '/login', type, body: { username: 'ada', password }, tryWrongPassword: false }
    expect(await saidOf('auth/login', { api: { url }, auth: { login } })).toBe('pass')
  }
  expect(seen).toEqual([
    `application/json undefined {"username":"ada","password":"${password}"}`,
    `application/x-www-form-urlencoded undefined ${new URLSearchParams({ username: 'ada', password })}`,
    `undefined Basic ${Buffer.from(`ada:${password}`).toString('base64')} `,
  ])
})

test('one wrong password right before the right one, and that once a run', async () => {
  const seen: string[] = []
  const url = await httpServer((request, response, body) => {
    if (request.url === '/login') seen.push(JSON.parse(body).password)
    response.writeHead(seen.length % 2 === 1 ? 401 : 200).end('{"token":"abc"}')
  })
  const login = { path: '/login', body: { email: 'a', password } }
  const config = { api: { url }, auth: { login, protected: { path: '/me' }, forbidden: [{ path: '/admin' }] } }
  await examine(null, { config })
  expect(seen).toHaveLength(2)
  expect(seen[1]).toBe(password)
  // As long and of the same kinds of characters, and told to nobody beforehand.
  expect(seen[0]).toMatch(/^[A-Z][a-z]{4}-[A-Z][a-z]{7}-\d\d!$/)
  expect(seen[0]).not.toBe(password)
})

test('the demo lets its user in', async () => {
  const { config } = await demoApplication()
  expect(await saidOf('auth/login', { ...config, database: {} })).toBe('pass')
})
