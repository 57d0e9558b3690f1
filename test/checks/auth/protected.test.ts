import { expect, test } from 'vitest'
import { routes, saidOf } from '../../support/auth.js'
import { examine } from '../../support/databases.js'
import { demoApplication } from '../../support/servers.js'

const me = { email: 'a@example.com' }
const login = { path: '/login', body: { email: 'a@example.com', password: 'hunter2hunter2' }, tryWrongPassword: false }

async function said(answer: (token: string | undefined) => readonly [number, unknown?], identity = {}) {
  const url = await routes({
    'GET /': [200],
    'POST /login': [200, { token: 'opaque-token' }],
    'GET /me': (headers) => answer(headers.authorization?.replace('Bearer ', '')),
  })
  const text = await saidOf('auth/protected', {
    api: { url },
    auth: { login, protected: { path: '/me', ...identity } },
  })
  return typeof text === 'string' ? text : text.map((sentence) => sentence.replace(url, ''))
}

const guarded = (status: number) => (token: string | undefined) =>
  token === 'opaque-token' ? ([200, me] as const) : ([status] as const)

test('a route that takes its own token alone is silent, whichever way it refuses', async () => {
  for (const status of [302, 400, 401, 403, 422]) expect(await said(guarded(status))).toBe('pass')
  expect(await said(guarded(401), { identity: { pointer: '/email', equals: 'A@example.com' } })).toBe('pass')
})

test('a server that counts attempts is not called open, nor shut', async () => {
  let attempts = 0
  expect(await said((token) => (token === 'opaque-token' ? [200, me] : [++attempts > 1 ? 429 : 401]))).toBe(
    'skip: unavailable: the server says that it was asked too often (429)',
  )
})

test('a route that is open, and one that is shut', async () => {
  expect(await said(() => [200, me])).toEqual([
    '/me accepts a request without a token, with 200',
    '/me accepts a token that was changed, with 200',
  ])
  expect(await said(() => [401])).toEqual(["/me refuses the server's own token with 401"])
  expect(await said((token) => (token ? [200, me] : [500]))).toEqual([
    '/me answers a request without a token with 500: the server fails on its own side',
    '/me accepts a token that was changed, with 200',
  ])
})

test('a user who lacks the right is told from a token that is not taken', async () => {
  const forbidden = [403, { message: 'Forbidden' }] as const
  expect(await said((token) => (token === 'opaque-token' ? forbidden : [401]))).toEqual([
    '/me refuses the probe user with 403 ("Forbidden"): it tells the server\'s own token from a forged one, which gets 401',
  ])
  expect(await said(() => forbidden)).toEqual(['/me refuses the server\'s own token with 403 ("Forbidden")'])
  const { config, url } = await demoApplication()
  const auth = { ...config.auth, protected: { path: '/api/v1/admin/users' } }
  const { causes } = await examine(null, { config: { ...config, database: {}, auth }, only: ['auth/protected'] })
  expect(causes.map(({ id, headline }) => [id, headline])).toEqual([
    [
      'application-fault',
      `${url}/api/v1/admin/users refuses the probe user with 403 ("Admins only"): it tells the server's own token from a forged one, which gets 401.`,
    ],
  ])
})

test('a route that answers a stranger with 200, and shows nothing of what the user sees, is not open', async () => {
  const identity = { identity: { pointer: '/user/email', equals: 'a@example.com' } }
  const signedIn = { user: me, theme: 'light' }
  const strangers = [null, {}, '', { user: null, theme: 'light' }, { theme: 'light' }, { error: 'no session' }]
  for (const stranger of strangers)
    for (const config of [identity, {}])
      expect(await said((token) => [200, token === 'opaque-token' ? signedIn : stranger], config)).toBe('pass')
  // The user's own data, somebody else's, or what changes with each request: that is open.
  const open = ['/me accepts a request without a token, with 200', '/me accepts a token that was changed, with 200']
  for (const stranger of [signedIn, { user: { email: 'b@example.com' }, theme: 'dark' }])
    for (const config of [identity, {}])
      expect(await said((token) => [200, token === 'opaque-token' ? signedIn : stranger], config)).toEqual(open)
  expect(await said(() => [200, []])).toEqual(open)
  // Somebody else, who has no picture and no rights, is somebody.
  const own = { id: 1, email: 'a@example.com', avatar: 'a.png', admin: true }
  const other = { id: 2, email: 'b@example.com', avatar: null, admin: false }
  expect(await said((token) => [200, token === 'opaque-token' ? own : other])).toEqual(open)
  expect(await said((token) => [200, token === 'opaque-token' ? own : { id: null, email: null, role: 'guest' }])).toBe(
    'pass',
  )
  expect(await said(() => [200, null])).toEqual([
    "/me answers the server's own token with 200, and knows nobody by it: its answer is empty",
  ])
})

test("somebody else's data, no such field, and a page", async () => {
  const identity = { identity: { pointer: '/email', equals: 'b@example.com' } }
  expect(await said(guarded(401), identity)).toEqual(["/me answers with somebody else's data at /email"])
  expect(await said(guarded(401), { identity: { pointer: '/id', equals: 2 } })).toEqual([
    '/me answers with no such field at /id',
  ])
  expect(await said((token) => (token === 'opaque-token' ? [200, '<html>'] : [401]), identity)).toEqual([
    '/me answers with something instead of JSON',
  ])
})

test('the demo refuses every forgery, until it stops to verify', async () => {
  const healthy = await demoApplication()
  expect(await saidOf('auth/protected', { ...healthy.config, database: {} })).toBe('pass')
  const { config, url } = await demoApplication({ trustsAnyToken: true })
  const route = `${url}/api/v1/users/me accepts a token`
  expect(await saidOf('auth/protected', { ...config, database: {} })).toEqual([
    `${route} whose claims were changed, with 200`,
    `${route} that says it needs no signature (alg none), with 200`,
    `${route} signed with another key, with 200`,
    `${route} that has expired, with 200`,
  ])
})

test('a refresh token that is taken for an access token is a warning; one that is refused is none', async () => {
  const taking = async (...taken: string[]) => {
    const url = await routes({
      'GET /': [200],
      'POST /login': [200, { token: 'opaque-token', refresh_token: 'lasting-token' }],
      'GET /me': ({ authorization }) => (taken.includes(`${authorization}`.replace('Bearer ', '')) ? [200, me] : [401]),
    })
    const config = { api: { url }, auth: { login, protected: { path: '/me' } } }
    const { results } = await examine(null, { config, only: ['auth/protected'] })
    const { status, findings } = results.find(({ id }) => id === 'auth/protected') ?? {}
    return [status, ...(findings ?? []).map(({ message }) => message.replace(url, ''))]
  }
  expect(await taking('opaque-token')).toEqual(['pass'])
  expect(await taking('opaque-token', 'lasting-token')).toEqual([
    'warn',
    '/me takes the refresh token for an access token, with 200: who steals it need not exchange it, and it lives for longer',
  ])
})

test('a token from elsewhere does instead of a login', async () => {
  const url = await routes({
    'GET /': [200],
    'GET /me': ({ authorization }) => (authorization === 'JWT from-elsewhere' ? [200, me] : [401]),
  })
  const auth = { accessToken: 'from-elsewhere', scheme: 'JWT', protected: { path: '/me' } }
  expect(await saidOf('auth/protected', { api: { url }, auth })).toBe('pass')
})
