import { expect, test } from 'vitest'
import { passwordHash } from '../../../fixtures/demo/people.js'
import type { ConfigInput } from '../../../src/config/config.js'
import { routes, saidOf } from '../../support/auth.js'
import { examine, onEachDialect, testDatabase } from '../../support/databases.js'
import { demoApplication, httpServer } from '../../support/servers.js'

const password = 'Right-Password-42!'
type Login = NonNullable<NonNullable<ConfigInput['auth']>['login']>
type Answer = readonly [status: number, body?: unknown, headers?: Record<string, string>]

/** A server that gives one answer to the right password and another to a wrong one. */
async function said(right: Answer, { wrong = [401] as Answer, login = {} as Partial<Login>, auth = {} } = {}) {
  const url = await routes({
    'GET /': [200],
    'POST /login': (_, body) => (body.includes(password) ? right : wrong),
  })
  const body = { email: 'ada@example.com', password }
  const text = await saidOf('auth/login', {
    api: { url },
    auth: { login: { path: '/login', body, ...login }, ...auth },
  })
  return typeof text === 'string' ? text : text.map((sentence) => sentence.replace(`${url}/login`, 'URL'))
}

test('a login that gives a token, wherever it is, is silent', async () => {
  expect(await said([200, { access_token: 'abc' }])).toBe('pass')
  expect(await said([201, { data: { accessToken: 'abc' } }])).toBe('pass')
  expect(await said([200, { a: { b: ['abc'] } }], { login: { accessToken: '/a/b/0' } })).toBe('pass')
  const cookies = { 'set-cookie': 'sid=abc; HttpOnly; Path=/' }
  expect(await said([302, '', { ...cookies, location: '/' }], { login: { accessToken: { cookie: 'sid' } } })).toBe(
    'pass',
  )
  expect(await said([204, '', cookies], { login: { accessToken: { cookie: 'sid' } } })).toBe('pass')
})

test('a wrong password may be refused in any way that refuses', async () => {
  for (const wrong of [
    [400],
    [401],
    [403],
    [422],
    [200, { error: 'invalid_grant' }],
    [200, { error: 'invalid', token: null }],
    [302, '', { location: '/login' }],
  ] as Answer[])
    expect(await said([200, { token: 'abc' }], { wrong })).toBe('pass')
  expect(await said([200, { token: 'abc' }], { wrong: [404] })).toEqual([
    'URL answers a wrong password with 404, 400, 401, 403, 422 expected',
  ])
  expect(await said([200, { token: 'abc' }], { wrong: [404], auth: { refusals: [404] } })).toBe('pass')
})

test('a wrong password that is let in, and one that breaks the server', async () => {
  expect(await said([200, { token: 'abc' }], { wrong: [200, { token: 'abc' }] })).toEqual([
    'URL lets a wrong password in, with 200',
  ])
  for (const wrong of [[500], [500, { error: 'boom' }]] as Answer[])
    expect(await said([200, { token: 'abc' }], { wrong })).toEqual([
      'URL answers a wrong password with 500, 400, 401, 403, 422 expected',
    ])
})

test('why the right password gave no token', async () => {
  expect(await said([401])).toEqual(["URL refuses the probe user's password with 401"])
  expect(await said([500])).toEqual(['URL answers the configured password with 500: the server fails on its own side'])
  expect(await said([418])).toEqual([
    'URL answers the configured password with 418, which is neither a success nor a refusal',
  ])
  expect(await said([501, '<h1>Unsupported method</h1>', { 'content-type': 'text/html', server: 'Files/1' }])).toEqual([
    'URL takes no POST (501, not in JSON; Server: Files/1): another program may be on that port, or auth.login.path is another',
  ])
  for (const body of ['Method Not Allowed', { message: 'no' }])
    expect(await said([405, body, { allow: 'HEAD, GET' }])).toEqual([
      'URL takes no POST (405; it allows HEAD, GET): auth.login.path or auth.login.method is another',
    ])
  expect(await said([405, 'Not Allowed', { server: 'files' }])).toEqual([
    'URL takes no POST (405, not in JSON; Server: files): another program may be on that port, or auth.login.path is another',
  ])
  expect(await said([404])).toEqual(['URL answers the login with 404: the server knows no such path'])
  expect(await said([404, { message: 'User not found' }])).toEqual([
    'URL refuses the probe user\'s password with 404: it says "User not found"',
  ])
  expect(await said([501, { message: 'not built yet' }])).toEqual([
    'URL answers the configured password with 501: the server fails on its own side',
  ])
  expect(await said([200, { error: 'no', hint: 'secret-value' }])).toEqual([
    'URL answers with 200 and an error in its body: its JSON has /error, /hint',
  ])
  expect(await said([200, { user: { id: 1, name: 'Ada' } }])).toEqual([
    'URL gives no access token at any usual place: its JSON has /user/id, /user/name',
  ])
  expect(await said([200, { token: 'abc' }], { login: { accessToken: '/data/token' } })).toEqual([
    'URL gives no access token at /data/token: its JSON has /token',
  ])
  expect(await said([200, '<html>Sign in</html>', { 'content-type': 'text/html' }])).toEqual([
    "URL answers with text/html instead of JSON: another program or a proxy's page may be there",
  ])
  expect(await said([302, '', { location: 'https://sso.example.com/?x=1' }])).toEqual([
    'URL gives no token, and redirects to https://sso.example.com/',
  ])
  expect(await said([200, { token: 'abc' }], { login: { refreshToken: '/refresh' } })).toEqual([
    'URL gives no refresh token at /refresh: its JSON has /token',
  ])
})

test('a token that no header can carry is refused, and not echoed', async () => {
  expect(await said([200, { token: 'abc\ndef' }], { login: { accessToken: '/token' } })).toEqual([
    'URL gives a token that no header can carry: there is a blank, a line break or another sign among its 7 characters',
  ])
  for (const login of [{ accessToken: '/token' }, {}])
    expect(await said([200, { token: 'a'.repeat(20_000) }], { login })).toEqual([
      'URL gives a token of 20000 characters, which is too long for a header',
    ])
  expect(await said([200, { token: 'a'.repeat(5_000_000) }])).toEqual(['POST URL answers with more than 1048576 bytes'])
})

test('too many attempts are no answer, and when to come again is said', async () => {
  expect(await said([429])).toEqual(['the server limits sign-ins (429): authentication was not examined'])
  const url = await routes({ 'GET /': [200], 'POST /login': () => [429, {}, { 'retry-after': '60' }] })
  const login = { path: '/login', body: { email: 'ada@example.com', password } }
  const report = await examine(null, { config: { api: { url }, auth: { login } } })
  expect(report.verdict).toMatchObject({
    status: 'inconclusive',
    headline: 'The server limits sign-ins (429, try again in 60 s): authentication was not examined.',
  })
  expect(report.causes.map(({ id }) => id)).toEqual(['rate-limited'])
})

test('the server says why, and is believed', async () => {
  expect(await said([401, { message: 'Invalid email or password' }])).toEqual([
    'URL refuses the probe user\'s password with 401: it says "Invalid email or password"',
  ])
  expect(await said([403, { error: 'password_expired' }])).toEqual([
    'URL does not let the probe user in, with 403: it says "password_expired"',
  ])
  expect(await said([400, { errors: [{ message: '"email" is required' }] }])).toEqual([
    'URL does not let the probe user in, with 400: it says ""email" is required"',
  ])
  expect(await said([200, { mfa_required: true }])).toEqual([
    'URL takes the password and asks for a second factor (/mfa_required)',
  ])
  expect(await said([401, { otp_required: true }])).toEqual([
    'URL takes the password and asks for a second factor (/otp_required)',
  ])
  // What is as long as a page is no reason.
  expect(await said([401, { message: 'x'.repeat(500) }])).toEqual(["URL refuses the probe user's password with 401"])
  const url = await routes({ 'GET /': [200], 'POST /login': () => [403, { error: 'password_expired' }] })
  const login = { path: '/login', body: { email: 'ada@example.com', password } }
  const report = await examine(null, { config: { api: { url }, auth: { login } } })
  expect(report.causes.map(({ id }) => id)).toEqual(['sign-in-denied'])
})

test('JSON, forms and HTTP Basic are spoken', async () => {
  const seen: string[] = []
  const url = await httpServer((request, response, body) => {
    if (request.url === '/login')
      seen.push(`${request.headers['content-type']} ${request.headers.authorization} ${body}`)
    response.end('{"token":"abc"}')
  })
  for (const type of ['json', 'form', 'basic'] as const) {
    const login = { path: '/login', type, body: { username: 'ada', password }, tryWrongPassword: false }
    expect(await saidOf('auth/login', { api: { url }, auth: { login } })).toBe('pass')
  }
  expect(seen).toEqual([
    `application/json undefined {"username":"ada","password":"${password}"}`,
    `application/x-www-form-urlencoded undefined ${new URLSearchParams({ username: 'ada', password })}`,
    `undefined Basic ${Buffer.from(`ada:${password}`).toString('base64')} `,
  ])
})

/** A server that suspends a user after so many wrong passwords, and what it was sent. */
async function suspending(after: number) {
  const seen: string[] = []
  let failures = 0
  const url = await httpServer((request, response, body) => {
    if (request.url !== '/login') {
      response.end('{}')
      return
    }
    const sent = JSON.parse(body).password
    seen.push(sent)
    const letIn = failures < after && sent === password
    failures = letIn ? 0 : failures + 1
    response.writeHead(letIn ? 200 : 401).end(letIn ? '{"token":"abc"}' : '{}')
  })
  const login = { path: '/login', body: { email: 'ada@example.com', password } }
  const config: ConfigInput = {
    api: { url },
    auth: { login, protected: { path: '/me' }, forbidden: [{ path: '/admin' }] },
  }
  return { seen, config, login }
}

test('a wrong password is sent once a run, when the right one has let in, which is sent again after it', async () => {
  const { seen, config } = await suspending(2)
  await examine(null, { config })
  expect([seen[0], seen[2]]).toEqual([password, password])
  expect(seen).toHaveLength(3)
  // As long and of the same kinds of characters, and told to nobody beforehand.
  expect(seen[1]).toMatch(/^[A-Z][a-z]{4}-[A-Z][a-z]{7}-\d\d!$/)
  expect(seen[1]).not.toBe(password)
})

test('a password that does not let in is sent once', async () => {
  const { seen, config, login } = await suspending(2)
  const wrong = { ...login, body: { ...login.body, password: 'Wrong-Password-42!' } }
  await examine(null, { config: { ...config, auth: { ...config.auth, login: wrong } } })
  expect(seen).toEqual(['Wrong-Password-42!'])
})

test('a server that locks at the first failure is told for it', async () => {
  const { config } = await suspending(1)
  const report = await examine(null, { config: { ...config, auth: { login: config.auth?.login } } })
  expect(report.causes[0]).toMatchObject({
    id: 'sign-in-denied',
    headline: expect.stringMatching(
      /^After one wrong password, .*\/login refuses the right one with 401: the server locks/,
    ),
  })
})

onEachDialect((dialect) => {
  const users = async (columns: string, values: string) => {
    const hash = await passwordHash({ id: 1, password })
    const { target } = await testDatabase(
      dialect,
      `create table users (id integer primary key, email text, password_hash text${columns});
       insert into users values (1, 'ada@example.com', '${hash}'${values})`,
    )
    return target
  }

  test('a password that the database knows to be wrong is not sent, and one that fits is', async () => {
    const { seen, config, login } = await suspending(3)
    const target = await users('', '')
    const wrong = { ...login, body: { ...login.body, password: 'Wrong-Password-42!' } }
    const ill = { ...config, database: { users: {} }, auth: { ...config.auth, login: wrong } }
    const report = await examine(target, { config: ill })
    expect(seen).toEqual([])
    expect(report.causes[0]?.id).toBe('wrong-test-credentials')
    expect(report.results.find(({ id }) => id === 'auth/login')?.skip?.reason).toBe('unsafe')
    await examine(target, { config: { ...config, database: { users: {} } } })
    expect(seen).toHaveLength(3)
  })

  test('a table that counts failures lets no wrong password be tried, unless the config asks for it', async () => {
    const { seen, config, login } = await suspending(3)
    const target = await users(', failed_login_attempts integer', ', 0')
    const counting = { ...config, database: { users: {} } }
    const report = await examine(target, { config: counting })
    expect(seen).toEqual([password])
    expect(report.results.find(({ id }) => id === 'auth/login')?.saw).toMatch(/; sent right$/)
    const asking = { ...counting, auth: { ...config.auth, login: { ...login, tryWrongPassword: true } } }
    await examine(target, { config: asking })
    expect(seen).toHaveLength(4)
  })

  test('a server that lets in whom this database does not know looks at another one', async () => {
    const other = 'Other-42!'
    const url = await routes({
      'GET /': [200],
      'POST /login': (_, body) => (body.includes(other) ? [200, { token: 'abc' }] : [401]),
    })
    const login = { path: '/login', body: { email: 'ada@example.com', password: other }, tryWrongPassword: true }
    const config = { api: { url }, database: { users: {} }, auth: { login } }
    const report = await examine(await users('', ''), { config })
    expect(report.causes.map(({ id }) => id)).toEqual(['server-on-another-database'])
  })
})

test('the demo lets its user in', async () => {
  const { config } = await demoApplication()
  expect(await saidOf('auth/login', { ...config, database: {} })).toBe('pass')
})
