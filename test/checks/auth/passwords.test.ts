import { expect, test } from 'vitest'
import { routes, saidOf } from '../../support/auth.js'
import { examineOne } from '../../support/databases.js'
import { demoApplication } from '../../support/servers.js'

test('the demo refuses weak passwords', async () => {
  const { config } = await demoApplication()
  expect(await saidOf('auth/passwords', { ...config, database: {} })).toBe('pass')
})

test('each weak password that is let in is named, and its account removed', async () => {
  const { config, target } = await demoApplication({ takesWeakPasswords: true })
  const removed = expect.stringMatching(/^registered dbdoctor-probe-\w+@example\.com with it, and removed it again$/)
  expect(await saidOf('auth/passwords', { ...config, database: {} })).toEqual([
    'a new account may have the password "12345678" (8 characters)',
    removed,
    'a new account may have the password "password" (8 characters)',
    removed,
    'a new account may have the password "aaaaaaaaaaaa" (12 characters)',
    removed,
  ])
  const counts = { config: { database: { expect: { rows: { users: 2 } } } } }
  expect((await examineOne('integrity/row-counts', target, counts)).status).toBe('pass')
})

test('a weak password that is refused for being one too many is not called refused', async () => {
  let asked = 0
  const url = await routes({ 'GET /': [200], 'POST /register': () => [++asked > 1 ? 429 : 201, { id: 1 }] })
  expect(
    await saidOf('auth/passwords', { api: { url }, auth: { register: { path: '/register', enabled: true } } }),
  ).toBe('skip: unavailable: the server says that it was asked too often (429)')
})
