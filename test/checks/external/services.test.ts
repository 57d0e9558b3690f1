import { expect, test } from 'vitest'
import type { ConfigInput } from '../../../src/config/config.js'
import { examine } from '../../support/databases.js'
import { httpServer } from '../../support/servers.js'

const server = () =>
  httpServer((request, response) => {
    const statuses: Record<string, number> = { '/fine': 200, '/unauthorized': 401, '/teapot': 418, '/broken': 500 }
    if (request.url === '/hanging') return
    if (request.url === '/microsoft')
      response.writeHead(302, { location: 'https://login.microsoftonline.com/authorize?client_secret=hunter22' })
    else response.writeHead(statuses[request.url ?? ''] ?? 200)
    response.end()
  })

async function examined(external: NonNullable<ConfigInput['external']>) {
  const { results } = await examine(null, { config: { api: { url: await server() }, external }, only: ['external'] })
  const { status, findings } = results.find(({ id }) => id === 'external/services') ?? { findings: [] }
  return { status, said: findings.map(({ message }) => message) }
}

const timeout = '200ms'

test('services that behave as expected are said to', async () => {
  expect(
    await examined([
      {
        name: 'Sign-in',
        path: '/microsoft',
        expect: 'redirect',
        to: 'microsoftonline.com',
        note: 'somebody else asks',
      },
      { name: 'Chat', path: '/hanging', expect: 'timeout', timeout },
      { name: 'Mail', path: '/unauthorized', expect: 'unauthorized' },
      { name: 'Tea', path: '/teapot', expect: 'status', status: [418] },
    ]),
  ).toEqual({
    status: 'expected',
    said: [
      'Sign-in redirects to login.microsoftonline.com, as expected (somebody else asks)',
      expect.stringMatching(/^Chat times out after \d+ ms, as expected$/),
      'Mail answers with 401, as expected',
      'Tea answers with 418, as expected',
    ],
  })
})

test('better than expected is said, and warns nobody', async () => {
  expect(await examined([{ name: 'Chat', path: '/fine', expect: 'timeout', timeout }])).toEqual({
    status: 'pass',
    said: ['Chat answers with 200, better than expected (a time-out): the expectation can be raised'],
  })
})

test('whatever else is a warning', async () => {
  expect(
    await examined([
      { name: 'Sign-in', path: '/microsoft', expect: 'redirect', to: 'accounts.google.com' },
      { name: 'Chat', path: '/broken', expect: 'timeout', timeout },
      { name: 'Mail', path: '/hanging', expect: 'unauthorized', timeout },
    ]),
  ).toEqual({
    status: 'warn',
    said: [
      'Sign-in redirects to login.microsoftonline.com, a redirect to accounts.google.com expected',
      'Chat answers with 500, a time-out expected',
      expect.stringMatching(/^Mail times out after \d+ ms, 401 or 403 expected$/),
    ],
  })
})
