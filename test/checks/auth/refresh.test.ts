import { expect, test } from 'vitest'
import { routes, saidOf } from '../../support/auth.js'
import { demoApplication } from '../../support/servers.js'

const login = { path: '/login', body: { email: 'a@example.com', password: 'hunter2hunter2' }, tryWrongPassword: false }
type Answer = readonly [number, unknown?, Record<string, string>?]

/** A server that refreshes `first` as it is told, and refuses or takes it the second time. */
async function said(
  refresh: Answer,
  { again = refresh, promise = {}, me = 200, given = { token: 'a', refresh_token: 'first' } as object } = {},
) {
  let times = 0
  const url = await routes({
    'GET /': [200],
    'POST /login': [200, given],
    'POST /refresh': (_, body) => (body === '{"refresh_token":"first"}' ? (times++ === 0 ? refresh : again) : [401]),
    'GET /me': ({ authorization }) => [authorization === 'Bearer a' ? 200 : me],
  })
  const auth = { login, refresh: { path: '/refresh', ...promise }, protected: { path: '/me' } }
  const text = await saidOf('auth/refresh', { api: { url }, auth })
  return typeof text === 'string' ? text : text.map((sentence) => sentence.replace(url, ''))
}

const rotated: Answer = [200, { token: 'b', refresh_token: 'second' }]
const kept: Answer = [200, { token: 'b' }]

test('a refresh that gives a token is silent, rotating or not, the same token within a second too', async () => {
  expect(await said(rotated)).toBe('pass')
  expect(await said(kept)).toBe('pass')
  expect(await said([200, { token: 'a', refresh_token: 'first' }])).toBe('pass')
  expect(await said(rotated, { again: [401], promise: { rotates: true, reuse: 'refused' } })).toBe('pass')
  expect(await said(rotated, { promise: { reuse: 'accepted' } })).toBe('pass')
})

test('a refresh that gives none, and a token that does not work', async () => {
  expect(await said([401])).toEqual(['/refresh refuses the refresh token that the login just gave, with 401'])
  expect(await said([500])).toEqual(['/refresh answers with 500: the server fails on its own side'])
  expect(await said([200, { ok: true }])).toEqual(['/refresh answers with 200 and no access token: its JSON has /ok'])
  expect(await said(rotated, { me: 401 })).toEqual(['/me refuses the access token that the refresh gave, with 401'])
})

test('what is promised of rotation and reuse', async () => {
  expect(await said(kept, { promise: { rotates: true } })).toEqual([
    '/refresh gives the same refresh token again, and a new one is promised',
  ])
  expect(await said(rotated, { promise: { rotates: false } })).toEqual([
    '/refresh gives a new refresh token, and the same one is promised',
  ])
  expect(await said(rotated, { promise: { reuse: 'refused' } })).toEqual([
    '/refresh takes a refresh token that was used before, with 200',
  ])
  expect(await said(rotated, { again: [401], promise: { reuse: 'accepted' } })).toEqual([
    '/refresh refuses a refresh token that was used before with 401, and reuse is promised',
  ])
})

test('without a refresh token there is nothing to refresh', async () => {
  expect(await said(kept, { given: { token: 'a' } })).toBe('skip: not-applicable: the login gives no refresh token')
})

test('a refresh token goes back under the name that it came with', async () => {
  const url = await routes({
    'GET /': [200],
    'POST /login': [200, { data: { token: 'a', refreshToken: 'first' } }],
    'POST /refresh': (_, body) => (body === '{"refreshToken":"first"}' ? [200, { token: 'b' }] : [401]),
  })
  expect(await saidOf('auth/refresh', { api: { url }, auth: { login, refresh: { path: '/refresh' } } })).toBe('pass')
})

test('a refresh token in a cookie goes back in its cookie', async () => {
  const url = await routes({
    'GET /': [200],
    'POST /login': [200, { token: 'a' }, { 'set-cookie': 'rt=first; HttpOnly' }],
    'POST /refresh': ({ cookie }) =>
      cookie === 'rt=first' ? [200, { token: 'b' }, { 'set-cookie': 'rt=second' }] : [401],
  })
  const refresh = { path: '/refresh', rotates: true, reuse: 'accepted' as const }
  expect(
    await saidOf('auth/refresh', {
      api: { url },
      auth: { login: { ...login, refreshToken: { cookie: 'rt' } }, refresh },
    }),
  ).toBe('pass')
})

test('the demo refreshes as it promises, until it forgets its tokens', async () => {
  const healthy = await demoApplication()
  expect(await saidOf('auth/refresh', { ...healthy.config, database: {} })).toBe('pass')
  const { config, url } = await demoApplication({ forgetsRefreshTokens: true })
  expect(await saidOf('auth/refresh', { ...config, database: {} })).toEqual([
    `${url}/api/v1/auth/refresh refuses the refresh token that the login just gave, with 401`,
  ])
})
