import { expect, test } from 'vitest'
import { routes, saidOf } from '../../support/auth.js'
import { demoApplication } from '../../support/servers.js'

const login = { path: '/login', body: { email: 'a@example.com', password: 'hunter2hunter2' } }

test('each forbidden route that is open is named; the others are silent', async () => {
  const url = await routes({
    'GET /': [200],
    'POST /login': [200, { token: 'a' }],
    'GET /a': [403],
    'GET /hidden': [404],
    'DELETE /b': [204],
    'GET /c': [500],
    'GET /d': [302, '', { location: '/login' }],
  })
  const forbidden = [{ path: '/a' }, { path: '/hidden' }, { path: '/d' }]
  const auth = { login: { ...login, tryWrongPassword: false } }
  expect(await saidOf('auth/roles', { api: { url }, auth: { ...auth, forbidden } })).toBe('pass')
  const open = [...forbidden, { path: '/b', method: 'DELETE' as const }, { path: '/c' }]
  expect(await saidOf('auth/roles', { api: { url }, auth: { ...auth, forbidden: open } })).toEqual([
    `${url}/b lets a user in who has no right to it, with 204`,
    `${url}/c answers with 500: the server fails on its own side`,
  ])
})

test('the demo asks for roles, until it forgets to', async () => {
  const healthy = await demoApplication()
  expect(await saidOf('auth/roles', { ...healthy.config, database: {} })).toBe('pass')
  const { config, url } = await demoApplication({ ignoresRoles: true })
  expect(await saidOf('auth/roles', { ...config, database: {} })).toEqual([
    `${url}/api/v1/admin/users lets a user in who has no right to it, with 200`,
  ])
})
