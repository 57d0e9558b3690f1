import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { routes } from '../support/auth.js'
import { dbdoctor, reportOf } from '../support/cli.js'
import { testFolder } from '../support/databases.js'
import { httpServer } from '../support/servers.js'

const login = { path: '/login', body: { email: 'ada@example.com', password: '${TEST_PASSWORD}' } }

async function configFile(config: object): Promise<string> {
  const path = join(await testFolder(), 'dbdoctor.config.json')
  writeFileSync(path, JSON.stringify(config))
  return path
}

test('an API without a database is examined, and the database is not spoken of', async () => {
  const url = await routes({ 'GET /': [200], 'GET /health': [204] })
  const config = await configFile({ api: { url: '${API_URL}', endpoints: ['/health'] } })
  const { raw, ...report } = await reportOf(['check', '-c', config], { env: { API_URL: url } })
  expect(report).toMatchObject({
    exitCode: 0,
    target: null,
    verdict: { database: 'unverified', headline: '3 of 3 checks passed.' },
  })
  const pretty = await dbdoctor(['check', '-c', config], { env: { API_URL: url } })
  expect(pretty.stdout).toContain('Not looked at: connection, storage, activity, schema')
})

test('many endpoints are asked a few at a time, and Node has nothing to warn of', async () => {
  let most = 0
  let open = 0
  const url = await httpServer((_, response) => {
    most = Math.max(most, ++open)
    setTimeout(() => {
      open--
      response.end()
    }, 20)
  })
  const endpoints = Array.from({ length: 30 }, (_, index) => `/${index}`)
  const config = await configFile({ api: { url, endpoints } })
  expect(await dbdoctor(['check', '-c', config, '--only', 'server/endpoints', '--quiet'])).toMatchObject({
    exitCode: 0,
    stderr: '',
  })
  expect(most).toBeGreaterThan(1)
  expect(most).toBeLessThanOrEqual(6)
})

test('what no diagnosis speaks of is told in its own words', async () => {
  const url = await routes({ 'GET /': [200] })
  const config = await configFile({ api: { url, endpoints: ['/', '/docs'] } })
  const { verdict, exitCode } = await reportOf(['check', '-c', config])
  expect({ exitCode, headline: verdict.headline }).toEqual({
    exitCode: 1,
    headline: `${url}/docs answers with 404, 200 to 399 expected.`,
  })
})

test('a variable that is not set is a mistake where a selected check needs it, and nothing is asked before', async () => {
  let requests = 0
  const url = await routes({
    'GET /': () => {
      requests++
      return [200]
    },
  })
  const config = await configFile({ api: { url }, auth: { login } })
  const env = { TEST_PASSWORD: undefined }
  const mistaken = await dbdoctor(['check', '-c', config], { env })
  expect(mistaken).toMatchObject({ exitCode: 2, stdout: '' })
  expect(mistaken.stderr).toMatch(/^dbdoctor: the environment variable TEST_PASSWORD is not set\n/)
  expect(requests).toBe(0)
  expect((await dbdoctor(['check', '-c', config, '--skip', 'auth'], { env })).exitCode).toBe(0)
})

test.each(['http://ada:hunter22@localhost:1', 'localhost:8080', 'example.org', 'file:///etc/passwd'])(
  'the address %s is a mistake of two lines, and not repeated',
  async (url) => {
    const { exitCode, stdout, stderr } = await dbdoctor(['check', '-c', await configFile({ api: { url } })])
    expect({ exitCode, stdout, lines: stderr.trim().split('\n').length }).toEqual({ exitCode: 2, stdout: '', lines: 2 })
    expect(stderr).toContain('api.url')
    expect(stderr).not.toContain(url)
  },
)

test('a server that sends its secrets back does not make dbdoctor print them', async () => {
  const token = 'canary-access-token'
  const echo = { error: 'canary-password', token }
  const url = await routes({
    'GET /': [200],
    'POST /login': [200, { access_token: token }],
    'GET /me': [200, echo],
    'GET /canary-password': [500],
  })
  const config = await configFile({
    api: { url, endpoints: ['/', '/canary-password'] },
    auth: {
      login: { ...login, tryWrongPassword: false },
      protected: { path: '/me', identity: { pointer: '/error', equals: 'ada@example.com' } },
      jwt: { secret: 'canary-jwt-secret-that-is-long-enough-for-hs256' },
    },
  })
  const env = { TEST_PASSWORD: 'canary-password' }
  for (const format of ['json', 'pretty']) {
    const { stdout, stderr, exitCode } = await dbdoctor(
      ['check', '-c', config, '-f', format, '--verbose', '--show-values'],
      { env },
    )
    expect(exitCode).toBe(1)
    expect(stdout).toContain('•••')
    expect(`${stdout}${stderr}`).not.toMatch(/canary-(password|access|jwt)/)
  }
})
