import { jwtVerify, SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { type Answer, routes, saidOf } from '../../support/auth.js'
import { examine } from '../../support/databases.js'
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
    'the access token does not verify: its claim "iss" is not what the config says',
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
      /^the access token says that it is issued (3599|3600) s from now: whoever issues it has a clock that runs ahead, though/,
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

/** A server whose issuer has a clock of its own, and whose route minds it. */
async function issuing(skew: number, { route = secret, claims = {}, header = {} } = {}) {
  const url = await routes({
    'GET /': [200],
    'POST /login': async (): Promise<Answer> => {
      const iat = now() + skew
      const signed = new SignJWT({ sub: '1', iat, exp: iat + 900, ...claims })
      return [
        200,
        { access_token: await signed.setProtectedHeader({ alg: 'HS256', ...header }).sign(Buffer.from(secret)) },
      ]
    },
    'GET /me': async ({ authorization }): Promise<Answer> => {
      const token = (authorization ?? '').replace('Bearer ', '')
      const verified = await jwtVerify(token, Buffer.from(route), { clockTolerance: 5 }).catch(() => null)
      const iat = verified?.payload.iat ?? 0
      if (!verified) return [401, { message: token ? 'invalid token' : 'no token' }]
      return iat > now() + 5 ? [401, { message: 'issued in the future' }] : [200, { id: 1 }]
    },
  })
  const report = await examine(null, {
    config: {
      api: { url },
      auth: {
        jwt: { secret, accessTokenLifetime: '15m' },
        login: {
          path: '/login',
          body: { email: 'a@example.com', password: 'hunter2hunter2' },
          tryWrongPassword: false,
        },
        protected: { path: '/me' },
      },
    },
  })
  return {
    causes: report.causes.map(({ id }) => id),
    headline: report.causes[0]?.headline,
    status: report.verdict.status,
  }
}

test('the clock of whoever issues tokens is told by their age, both ways', async () => {
  expect(await issuing(0)).toMatchObject({ status: 'healthy' })
  expect(await issuing(-2)).toMatchObject({ status: 'healthy' })
  const ahead = await issuing(300)
  expect(ahead.causes).toEqual(['clock-skew'])
  expect(ahead.headline).toMatch(
    /issued (299|300) s from now: whoever issues it has a clock that runs ahead, though the server's Date header agrees/,
  )
  const behind = await issuing(-300)
  expect(behind).toMatchObject({ causes: ['clock-skew'], status: 'degraded' })
  expect(behind.headline).toMatch(
    /was issued 30\d s ago: whoever issues it has a clock that runs behind, .*; 10 minutes are left of it\.$/,
  )
  const far = await issuing(-1200)
  expect(far).toMatchObject({ causes: ['clock-skew'], status: 'unhealthy' })
  expect(far.headline).toMatch(/was got just now and expired 30\d s ago/)
})

test('a route that verifies otherwise than the login signs is told for it', async () => {
  const { causes, headline } = await issuing(0, { route: 'r'.repeat(64) })
  expect(causes).toEqual(['jwt-key-mismatch'])
  expect(headline).toMatch(
    /\/me refuses the server's own token with 401 \("invalid token"\), and it verifies with the configured key: the route verifies with another key, issuer or audience\.$/,
  )
})

test('what a token says of itself is told exactly, and breaks no check', async () => {
  const iat = now()
  expect(await said({ iat, exp: '900' })).toEqual([
    'the access token has an "exp" that is no number of seconds (RFC 7519, section 2)',
  ])
  expect(await said({ iat, exp: iat + 900, nbf: iat + 300 })).toEqual([
    expect.stringMatching(/^the access token does not verify: it is not valid before \d+ s from now \("nbf"\)$/),
  ])
  for (const header of [{ alg: 'HS256', crit: ['b64x'], b64x: 1 }, { alg: 'none' }]) {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const token = `${part(header)}.${part({ iat, exp: iat + 900 })}.${header.alg === 'none' ? '' : 'AAAA'}`
    const url = await routes({ 'GET /': [200], 'POST /login': [200, { access_token: token }], 'GET /me': [200, {}] })
    const login = {
      path: '/login',
      body: { email: 'a@example.com', password: 'hunter2hunter2' },
      tryWrongPassword: false,
    }
    const config = { api: { url }, auth: { jwt: { secret }, login, protected: { path: '/me' } } }
    const { results, causes } = await examine(null, { config })
    expect(results.filter(({ status }) => status === 'crash')).toEqual([])
    expect(causes.map(({ id }) => id)).not.toContain('inconclusive')
    const told = results.flatMap(({ findings }) => findings.map(({ message }) => message)).join('\n')
    if (header.crit) expect(told).toContain('its header says that "b64x" must be understood')
  }
})
