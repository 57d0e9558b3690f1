import { expect, test } from 'vitest'
import { routes, saidOf } from '../../support/auth.js'
import { demoApplication } from '../../support/servers.js'

const login = { path: '/login', body: { email: 'a@example.com', password: 'hunter2hunter2' }, tryWrongPassword: false }

async function said({ logout = 204, forgets = false, family = false, dead = 401 } = {}) {
  let current = 'r0'
  let count = 0
  let open = true
  const url = await routes({
    'GET /': [200],
    'POST /login': [200, { token: 'a', refresh_token: current }],
    'POST /refresh': (_, body) => {
      const fits = body.includes(`"${current}"`)
      if (!fits && family) open = false
      if (!fits || !open) return [dead]
      current = `r${++count}`
      return [200, { token: 'a', refresh_token: current }]
    },
    'POST /logout': ({ authorization }, body) => {
      if (authorization !== 'Bearer a' || !body.includes(`"${current}"`)) return [401]
      open = forgets
      return [logout]
    },
  })
  const refresh = { path: '/refresh', ...(family && { reuse: 'refused' as const }) }
  const text = await saidOf('auth/sessions', { api: { url }, auth: { login, refresh, logout: { path: '/logout' } } })
  return typeof text === 'string' ? text : text.map((sentence) => sentence.replace(url, ''))
}

test('a refresh token that dies with its session is silent', async () => {
  expect(await said()).toBe('pass')
  expect(await said({ logout: 302 })).toBe('pass')
})

test('one that lives on is told, and so is a logout that does not log out', async () => {
  expect(await said({ forgets: true })).toEqual(['after logging out, /refresh still takes the refresh token, with 200'])
  expect(await said({ logout: 500 })).toEqual(['/logout does not log out: it answers with 500'])
  expect(await said({ dead: 500 })).toEqual([
    'after logging out, /refresh answers with 500, which is neither a success nor a refusal',
  ])
})

test('a session that the reuse of a token has ended is not held against the logout', async () => {
  expect(await said({ family: true })).toMatch(/^skip: not-applicable: the session had ended before/)
})

test('without a refresh token a session is seen by whom the protected route lets in', async () => {
  const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl'
  const ended = async ({ token = 'opaque', dead = 401, nobody = false } = {}) => {
    let open = true
    const url = await routes({
      'GET /': [200],
      'POST /login': [200, { token }],
      'GET /me': ({ authorization }) => (open && authorization === `Bearer ${token}` ? [200, { id: 1 }] : [dead, null]),
      'POST /logout': () => {
        open = dead === 200 && !nobody
        return [204]
      },
    })
    const auth = { login, protected: { path: '/me' }, logout: { path: '/logout' } }
    const text = await saidOf('auth/sessions', { api: { url }, auth })
    return typeof text === 'string' ? text : text.map((sentence) => sentence.replace(url, ''))
  }
  for (const dead of [401, 403, 302]) expect(await ended({ dead })).toBe('pass')
  expect(await ended({ dead: 200, nobody: true })).toBe('pass')
  expect(await ended({ dead: 200 })).toEqual(['after logging out, /me still lets the session in, with 200'])
  expect(await ended({ dead: 200, token: jwt })).toEqual([
    'after logging out, /me still lets the session in, with 200: its token is signed, and valid until it expires',
  ])
  expect(await ended({ dead: 500 })).toEqual([
    'after logging out, /me answers with 500, which is neither a success nor a refusal',
  ])
})

test('the demo ends its sessions', async () => {
  const { config } = await demoApplication()
  expect(await saidOf('auth/sessions', { ...config, database: {} })).toBe('pass')
})
