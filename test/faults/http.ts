import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { SignJWT } from 'jose'
import { expect } from 'vitest'
import type { ConfigInput } from '../../src/config/config.js'
import { routes } from '../support/auth.js'
import { testFolder } from '../support/databases.js'
import { deadAddress, demoApplication, httpServer, socketServer } from '../support/servers.js'
import { canaries, type Fault, type Look } from './room.js'

const user = { email: 'ada@example.com', password: canaries.password }
const login = { path: '/login', body: user, tryWrongPassword: false }
const key = new TextEncoder().encode(canaries.key)

async function file(statements = 'create table users (id integer primary key)'): Promise<string> {
  const path = join(await testFolder(), 'app.db')
  const database = new BetterSqlite(path)
  database.exec(statements)
  database.close()
  return path
}

async function looked(config: ConfigInput, look: Omit<Look, 'target' | 'config'>): Promise<Look> {
  return { target: `sqlite:${await file()}`, config, ...look }
}

const intact = /^No database crash: 1 table/

/** A server that gives this token, and takes only what `accepts` takes. */
async function signing(token: string | Promise<string>, jwt: object = {}): Promise<ConfigInput> {
  const given = await token
  const url = await routes({
    'GET /': [200],
    'POST /login': [200, { access_token: given }],
    'GET /me': ({ authorization }) => (authorization === `Bearer ${given}` ? [200, { id: 1 }] : [401]),
  })
  return {
    api: { url },
    auth: { login, jwt: { secret: canaries.key, algorithm: 'HS256', ...jwt }, protected: { path: '/me' } },
  }
}

const token = (change: (token: SignJWT) => SignJWT, by: Uint8Array = key) =>
  change(new SignJWT({ sub: '1' }).setProtectedHeader({ alg: 'HS256' }).setIssuedAt()).sign(by)
const soon = (one: SignJWT) => one.setExpirationTime('15m')
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

const api: readonly Fault[] = [
  {
    id: 'H',
    fault: 'an API server and its authentication, and nothing is wrong',
    make: async () => looked(await signing(token(soon)), { exit: 0, says: intact }),
  },
  {
    id: '47',
    fault: 'nothing listens at the API server’s address',
    make: async () =>
      looked(
        { api: { url: await deadAddress() } },
        { exit: 1, cause: 'api-server-not-running', says: /^No database crash: .*Nothing listens at http/ },
      ),
  },
  {
    id: '48a',
    fault: 'the API answers 500',
    make: async () =>
      looked(
        { api: { url: await routes({ 'GET /': [500] }) } },
        { exit: 1, cause: 'api-server-erroring', says: /answers with 500/ },
      ),
  },
  {
    id: '48b',
    fault: 'the API answers 503, and when to come again',
    make: async () =>
      looked(
        { api: { url: await routes({ 'GET /health': [503, {}, { 'retry-after': '30' }] }), endpoints: ['/health'] } },
        { exit: 1, cause: 'api-server-erroring', says: /503, try again in 30 s/ },
      ),
  },
  {
    id: '49',
    fault: 'a service of others that asks to sign in',
    make: async () =>
      looked(
        {
          api: {
            url: await routes({
              'GET /': [200],
              'GET /sso': [302, '', { location: 'https://login.microsoftonline.com/x' }],
            }),
          },
          external: [{ name: 'Microsoft', path: '/sso', expect: 'redirect', to: 'login.microsoftonline.com' }],
        },
        {
          exit: 0,
          says: intact,
          after: (report) =>
            expect(report?.results.find(({ id }) => id === 'external/services')?.status).toBe('expected'),
        },
      ),
  },
  {
    id: '50',
    fault: 'the API accepts and never answers',
    make: async () =>
      looked(
        { api: { url: await socketServer(() => {}), timeout: '2s' } },
        { exit: 1, cause: 'api-server-hanging', says: /did not answer within 2/, deadline: 10 },
      ),
  },
  {
    id: '51',
    fault: 'a body that is cut by a reset',
    make: async () =>
      looked(
        {
          api: {
            url: await socketServer((socket) =>
              socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf', () => socket.resetAndDestroy()),
            ),
          },
        },
        { exit: 1, cause: 'api-server-unreachable', says: /broke off|reset/ },
      ),
  },
  {
    id: '52',
    fault: 'a body of a gigabyte',
    make: async () =>
      looked(
        {
          api: {
            endpoints: ['/'],
            url: await httpServer((_, response) => {
              const chunk = Buffer.alloc(1_000_000, 'x')
              let sent = 0
              const more = () => {
                while (sent++ < 1000 && response.write(chunk));
                if (sent < 1000) response.once('drain', more)
                else response.end()
              }
              more()
            }),
          },
        },
        { exit: 0, says: intact },
      ),
  },
  {
    id: '53',
    fault: 'a page where JSON is expected',
    make: async () =>
      looked(
        {
          api: {
            url: await routes({ 'GET /health': [200, '<html>', { 'content-type': 'text/html' }] }),
            endpoints: [{ path: '/health', type: 'json' }],
          },
        },
        { exit: 1, cause: 'application-fault', says: /answers with text\/html, json expected/ },
      ),
  },
]

const tokens: readonly Fault[] = [
  {
    id: '54a',
    fault: 'a token of another key',
    make: async () =>
      looked(await signing(token(soon, new TextEncoder().encode('x'.repeat(40)))), {
        exit: 1,
        cause: 'jwt-key-mismatch',
        says: /another key/,
      }),
  },
  {
    id: '54b',
    fault: 'a token without a signature',
    make: async () =>
      looked(await signing(`${part({ alg: 'none' })}.${part({ sub: '1', exp: 4e9 })}.`), { exit: 1, says: /none/ }),
  },
  {
    id: '54c',
    fault: 'a token that has expired',
    make: async () =>
      looked(await signing(token((one) => one.setIssuedAt(1e9).setExpirationTime(1e9 + 60))), {
        exit: 1,
        says: /expired|clock/,
      }),
  },
  {
    id: '54d',
    fault: 'a token that is not valid yet',
    make: async () =>
      looked(await signing(token((one) => soon(one).setNotBefore('1h'))), {
        exit: 1,
        says: /not valid (yet|before)|nbf/,
      }),
  },
  {
    id: '54e',
    fault: 'a token for another audience',
    make: async () =>
      looked(
        await signing(
          token((one) => soon(one).setAudience('others')),
          { audience: 'us' },
        ),
        { exit: 1, says: /audience|aud/ },
      ),
  },
  {
    id: '54f',
    fault: 'a key of eight bytes',
    make: async () =>
      looked(await signing(token(soon, new TextEncoder().encode('8 bytes!')), { secret: '8 bytes!' }), {
        exit: 0,
        cause: 'jwt-key-weak',
        says: /8 bytes/,
      }),
  },
  {
    id: '54g',
    fault: 'a token with an extension that nobody knows',
    make: async () =>
      looked(await signing(`${part({ alg: 'HS256', crit: ['odd'], odd: 1 })}.${part({ sub: '1', exp: 4e9 })}.c2ln`), {
        exit: 1,
        says: /odd|crit/,
      }),
  },
]

const hostile = [
  ['a\u001b[31mRED', 'an escape sequence'],
  ['x|y', 'a bar'],
  ['<script>alert(1)</script>', 'a script'],
  ['::error::x', 'a command of a pipeline'],
  ['=1+1', 'a formula'],
  [']]>', 'the end of a CDATA section'],
  ['line\r\nbreak', 'a line break'],
  ['\u202egnp.exe', 'a bidi override'],
] as const

const names: readonly Fault[] = hostile.map(([name, what], at) => ({
  id: `55${'abcdefgh'[at]}`,
  fault: `a table whose name holds ${what}`,
  async make() {
    const quoted = `"${name.replaceAll('"', '""')}"`
    const path = await file(
      `pragma foreign_keys = off; create table p (id integer primary key); create table ${quoted} (id integer primary key, pid references p (id)); insert into ${quoted} values (1, 7)`,
    )
    const folder = await testFolder()
    const formats = ['pretty', 'markdown', 'junit', 'sarif', 'github', 'html', 'prometheus', 'gitlab']
    return {
      target: `sqlite:${path}`,
      args: formats.flatMap((format) => ['-f', `${format}=${join(folder, format)}`]),
      exit: 1,
      cause: 'rows-orphaned',
      says: /1 row of .* points at a row of p/s,
      after: (report) => {
        const found = report?.results
          .flatMap(({ findings }) => findings)
          .find(({ address }) => address === 'integrity/foreign-keys#dangling')
        expect(found?.evidence.table).toBe(name)
        for (const format of formats) {
          const text = readFileSync(join(folder, format), 'utf8')
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
          expect(text, format).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u202e]/)
          if (format !== 'github') expect(text, format).not.toMatch(/^::/m)
          if (format === 'html') expect(text, format).not.toContain('<script>alert')
        }
      },
    }
  },
}))

const demo: Fault = {
  id: '60',
  fault: 'the demo, and all that is said of it: no secret is among it',
  async make() {
    const { config } = await demoApplication()
    const { jwt, login: signIn } = config.auth
    const secrets = [jwt.secret, signIn.body.password]
    const folder = await testFolder()
    const formats = ['pretty', 'markdown', 'brief', 'junit', 'sarif', 'github', 'html', 'prometheus', 'gitlab']
    return {
      config,
      exit: 0,
      says: /^No database crash/,
      args: ['--verbose', ...formats.flatMap((format) => ['-f', `${format}=${join(folder, format)}`])],
      after: (report) => {
        const said = [JSON.stringify(report), ...formats.map((format) => readFileSync(join(folder, format), 'utf8'))]
        for (const secret of secrets) for (const text of said) expect(text).not.toContain(secret)
      },
    }
  },
}

export const http: readonly Fault[] = [...api, ...tokens, ...names, demo]
