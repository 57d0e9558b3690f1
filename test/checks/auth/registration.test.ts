import { expect, test } from 'vitest'
import { routes, saidOf } from '../../support/auth.js'
import { examineOne } from '../../support/databases.js'
import { demoApplication } from '../../support/servers.js'

const account = /dbdoctor-probe-[0-9a-f]{12}@example\.com/

test('the demo registers, and whoever was registered is removed again', async () => {
  const { config, target } = await demoApplication()
  expect(await saidOf('auth/registration', { ...config, database: {} })).toEqual([
    expect.stringMatching(new RegExp(`^registered ${account.source}, and removed it again$`)),
  ])
  const counts = { config: { database: { expect: { rows: { users: 2 } } } } }
  expect((await examineOne('integrity/row-counts', target, counts)).status).toBe('pass')
})

test('what the API does not remove is said to be there', async () => {
  const { config } = await demoApplication()
  const { remove: _, ...register } = config.auth.register
  expect(await saidOf('auth/registration', { ...config, database: {}, auth: { ...config.auth, register } })).toEqual([
    expect.stringMatching(new RegExp(`^registered ${account.source}, which is still there: remove it by hand$`)),
  ])
})

test('a registration that refuses, one that breaks, and one that nobody asked for', async () => {
  const url = await routes({ 'GET /': [200], 'POST /closed': [403], 'POST /broken': [500] })
  const said = (path: string, enabled = true) =>
    saidOf('auth/registration', { api: { url }, auth: { register: { path, enabled } } })
  expect(await said('/closed')).toEqual([`${url}/closed refuses a new account with a strong password, with 403`])
  expect(await said('/broken')).toEqual([`${url}/broken answers with 500: the server fails on its own side`])
  await expect(said('/closed', false)).rejects.toThrow('auth/registration needs the part auth.register of the config')
})
