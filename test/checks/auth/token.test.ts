import { SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { routes, saidOf } from '../../support/auth.js'
import { demoApplication } from '../../support/servers.js'

const secret = 's'.repeat(64)
const now = () => Math.floor(Date.now() / 1000)
const sign = (claims: object, key = secret) =>
  new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(key))

async function said(
  claims: object,
  { key = secret, headers = {}, refresh = undefined as string | undefined, jwt = {} } = {},
) {
  const url = await routes({
    'GET /': [200],
    'POST /login': [
      200,
      { access_token: await sign(claims, key), ...(refresh && { refresh_token: refresh }) },
      headers,
    ],
  })
  return saidOf('auth/token', {
    api: { url },
    auth: {
      jwt: { secret, accessTokenLifetime: '15m', refreshTokenLifetime: '7d', ...jwt },
      login: { path: '/login', body: { email: 'a@example.com', password: 'hunter2hunter2' }, tryWrongPassword: false },
    },
  })
}

test('tokens that keep their promises are silent', async () => {
  const iat = now()
  expect(await said({ iat, exp: iat + 900 })).toBe('pass')
  expect(await said({ iat, exp: iat + 903 })).toBe('pass')
  // Signed with a key of its own, and of its own lifetime.
  expect(
    await said({ iat, exp: iat + 900 }, { refresh: await sign({ iat, exp: iat + 604_800 }, 'r'.repeat(64)) }),
  ).toBe('pass')
  expect(await said({ iat, exp: iat + 900 }, { refresh: 'opaque' })).toBe('pass')
  // No "iat": the lifetime counts from now.
  expect(await said({ exp: iat + 900 })).toBe('pass')
})

test('another key is told from another algorithm', async () => {
  const iat = now()
  expect(await said({ iat, exp: iat + 900 }, { key: 'o'.repeat(64) })).toEqual([
    'the server signs its access tokens with another key than the configured one',
  ])
  expect(await said({ iat, exp: iat + 900 }, { jwt: { algorithm: 'HS512' } })).toEqual([
    'the access token is signed otherwise: its algorithm is HS256, not HS512',
  ])
  expect(await said({ iat, exp: iat + 900, iss: 'them' }, { jwt: { issuer: 'us' } })).toEqual([
    'the access token does not verify: its claim "iss" is missing, or is not what the config says',
  ])
})

test('lifetimes that differ from the promise, and ends that never come', async () => {
  const iat = now()
  expect(await said({ iat, exp: iat + 86_400 })).toEqual(['the access token lives for 1 day, 15 minutes promised'])
  expect(await said({ iat })).toEqual(['the access token never expires: it has no "exp"'])
  expect(await said({ iat, exp: (iat + 900) * 1000 })).toEqual([
    'the access token expires in tens of thousands of years: its "exp" counts milliseconds, and seconds are meant (RFC 7519)',
  ])
  expect(await said({ iat, exp: iat + 900 }, { refresh: await sign({ iat, exp: iat + 3600 }) })).toEqual([
    'the refresh token lives for 1 hour, 7 days promised',
  ])
})

test('a clock that runs ahead is one finding, not three', async () => {
  const ahead = new Date(Date.now() + 3_600_000).toUTCString()
  const iat = now() + 3600
  expect(await said({ iat, exp: iat + 900 }, { headers: { date: ahead } })).toEqual([
    expect.stringMatching(/^the server's clock is (3599|3600) s ahead of this one$/),
  ])
  expect(await said({ iat, exp: iat + 900 })).toEqual([
    expect.stringMatching(
      /^the access token says that it is issued (3599|3600) s from now: the server's clock runs ahead$/,
    ),
  ])
})

test('an opaque access token is none that could be verified', async () => {
  const url = await routes({ 'GET /': [200], 'POST /login': [200, { token: 'opaque' }] })
  const login = { path: '/login', body: { user: 'a', password: 'hunter2' }, tryWrongPassword: false }
  expect(await saidOf('auth/token', { api: { url }, auth: { jwt: { secret }, login } })).toEqual([
    'the access token is no JSON Web Token',
  ])
})

test('the demo signs as its config says, until its key is another', async () => {
  for (const [faults, expected] of [
    [{}, 'pass'],
    [{ otherKey: true }, ['the server signs its access tokens with another key than the configured one']],
  ] as const) {
    const { config } = await demoApplication(faults)
    expect(await saidOf('auth/token', { ...config, database: {} })).toEqual(expected)
  }
})
