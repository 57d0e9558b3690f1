/**
 * Drills dbdoctor on an application server that nobody here wrote: Directus, on a PostgreSQL of its own, installed in a temporary folder. Each
 * fault is made for real and mended again; a config with all parts must name its cause first, and so must a short one with `--depth quick`, as
 * far as it can know. Prints a line a drill. Minutes long: `npm run try:real`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import pg from 'pg'
import type { Report } from '../../src/report/report.js'
import { reportOf } from '../support/cli.js'
import { freePort, startPostgres } from '../support/postgres.js'

const directus = 'directus@10.13.4'
const admin = { email: 'admin@example.com', password: 'Directus-Admin-42!' }
const secret = 'a-secret-of-the-server-that-is-long-enough'

type Undo = () => unknown

interface Drill {
  readonly what: string
  /** The first cause that the whole config finds, and the one that the short config can know. */
  readonly cause: string
  readonly short?: string
  /** What the config is told, where it is that which is wrong. */
  readonly env?: Record<string, string>
  /** A text of the config, and what stands there by mistake. */
  readonly slip?: readonly [right: string, wrong: string]
  readonly change?: () => Promise<Undo | undefined>
}

/** Not in another mood than the one before: a drill begins where nothing is wrong. */
const again = () => postgres.restart(async () => {})

const folder = await mkdtemp(join(tmpdir(), 'dbdoctor-real-'))
await chmod(folder, 0o755)
const postgres = await startPostgres()
const port = await freePort()
const url = `http://127.0.0.1:${port}`
let server: ChildProcess | undefined

const whole = {
  database: {
    url: '${REAL_DATABASE}',
    users: { table: 'directus_users', passwordHash: 'password', active: { column: 'status', equals: 'active' } },
  },
  api: {
    url: '${REAL_API}',
    endpoints: [
      { path: '/server/ping', status: 200 },
      { path: '/server/health', type: 'json' },
    ],
  },
  auth: {
    jwt: { secret: '${REAL_SECRET}', issuer: 'directus', accessTokenLifetime: '15m' },
    login: {
      path: '/auth/login',
      body: { email: admin.email, password: '${REAL_PASSWORD}' },
      accessToken: '/data/access_token',
      refreshToken: '/data/refresh_token',
    },
    protected: { path: '/users/me', identity: { pointer: '/data/email', equals: admin.email } },
    refresh: { path: '/auth/refresh', body: { mode: 'json' }, rotates: true, reuse: 'refused' },
    logout: { path: '/auth/logout', body: { mode: 'json' } },
  },
  // It stalls each login for half a second, so that its time tells nothing.
  checks: { 'server/latency': { options: { auth: '1500ms' } } },
}

/** What somebody writes in a minute. */
const short = {
  database: { url: whole.database.url },
  api: { url: whole.api.url },
  auth: {
    login: { path: whole.auth.login.path, body: whole.auth.login.body, accessToken: '/data/access_token' },
    protected: { path: '/users/me' },
  },
  checks: whole.checks,
}

const drills: readonly Drill[] = [
  { what: 'nothing', cause: 'all-well' },
  { what: 'the server is killed', cause: 'api-server-not-running', change: withServer(null) },
  {
    what: 'the server is stopped (SIGSTOP)',
    cause: 'api-server-hanging',
    change: async () => {
      server?.kill('SIGSTOP')
      return () => server?.kill('SIGCONT')
    },
  },
  {
    what: 'another program is on its port',
    cause: 'wrong-service-on-port',
    change: async () => {
      await stop()
      const files = createServer((request, response) =>
        response
          .writeHead(request.method === 'POST' ? 501 : 404, { 'content-type': 'text/html', server: 'Files/1.0' })
          .end('<h1>Error response</h1>'),
      )
      await new Promise<void>((resolve) => files.listen(port, '127.0.0.1', resolve))
      return async () => {
        files.closeAllConnections()
        await new Promise((resolve) => files.close(resolve))
        await start()
      }
    },
  },
  {
    what: 'PostgreSQL is stopped',
    cause: 'database-not-running',
    change: async () => {
      await postgres.halt()
      return again
    },
  },
  {
    what: 'a transaction holds the table of the users',
    cause: 'blocked-by-a-lock',
    change: async () => {
      const holder = new pg.Client({ connectionString: postgres.url })
      await holder.connect()
      await holder.query('begin; lock table directus_users in access exclusive mode')
      return () => holder.end()
    },
  },
  {
    what: 'the database takes no writes',
    cause: 'database-read-only',
    change: async () => {
      await sql('alter database postgres set default_transaction_read_only = on')
      await start()
      return async () => {
        await sql('begin read write; alter database postgres reset default_transaction_read_only; commit')
        await start()
      }
    },
  },
  {
    what: 'the table of the users is gone',
    cause: 'schema-incomplete',
    short: 'api-server-erroring',
    change: bySql('alter table directus_users rename to gone_users', 'alter table gone_users rename to directus_users'),
  },
  {
    what: 'a table that the config does not name is gone',
    cause: 'api-server-erroring',
    change: bySql(
      'alter table directus_sessions rename to gone_sessions',
      'alter table gone_sessions rename to directus_sessions',
    ),
  },
  {
    what: 'the user is suspended',
    cause: 'probe-user-inactive',
    // This server does not say why.
    short: 'wrong-test-credentials',
    change: bySql("update directus_users set status = 'suspended'", "update directus_users set status = 'active'"),
  },
  {
    what: 'the user is gone',
    cause: 'probe-user-missing',
    short: 'wrong-test-credentials',
    change: bySql(
      "update directus_users set email = 'other@example.com'",
      `update directus_users set email = '${admin.email}'`,
    ),
  },
  { what: 'the password is another', cause: 'wrong-test-credentials', env: { REAL_PASSWORD: 'Directus-Admin-43!' } },
  {
    what: 'the key is another',
    cause: 'jwt-key-mismatch',
    short: 'all-well',
    env: { REAL_SECRET: [...secret].reverse().join('') },
  },
  {
    what: 'access tokens live for a day',
    cause: 'token-lifetime-wrong',
    short: 'all-well',
    change: withServer({ ACCESS_TOKEN_TTL: '1d' }),
  },
  {
    what: 'the server limits requests',
    cause: 'rate-limited',
    change: withServer({ RATE_LIMITER_ENABLED: 'true', RATE_LIMITER_POINTS: '1', RATE_LIMITER_DURATION: '60' }),
  },
  {
    what: 'the server has another database',
    cause: 'login-refuses-right-password',
    short: 'wrong-test-credentials',
    change: withServer({ DB_DATABASE: 'other' }),
  },
  { what: 'the login is elsewhere', cause: 'application-fault', slip: ['/auth/login', '/auth/signin'] },
  { what: 'the URL says https', cause: 'api-server-unreachable', env: { REAL_API: url.replace('http:', 'https:') } },
  {
    what: 'the password of the database is another',
    cause: 'wrong-database-password',
    env: { REAL_DATABASE: changed((address) => Object.assign(address, { password: 'wrong' })) },
  },
  {
    what: 'the name of the database is another',
    cause: 'wrong-database-name',
    env: { REAL_DATABASE: changed((address) => Object.assign(address, { pathname: '/nowhere' })) },
  },
  {
    what: 'nothing is left of the database and the server',
    cause: 'database-not-running',
    change: async () => {
      await stop()
      await postgres.halt()
      return async () => {
        await again()
        await start()
      }
    },
  },
  { what: 'nothing, once more', cause: 'all-well' },
]

let wrong = 0
try {
  await install()
  await sql('create database other')
  for (const name of ['other', 'postgres'])
    await execa('npx', ['directus', 'bootstrap'], {
      cwd: folder,
      env: {
        ...environment(),
        DB_DATABASE: name,
        ...(name === 'other' && { ADMIN_PASSWORD: 'Another-Admin-42!' }),
      },
    })
  await start()
  for (const { what, cause, short: known = cause, env = {}, slip: [text, mistake] = ['', ''], change } of drills) {
    await writeFile(join(folder, 'whole.json'), JSON.stringify(whole).replace(text, mistake))
    await writeFile(join(folder, 'short.json'), JSON.stringify(short).replace(text, mistake))
    const undo = await change?.()
    await told(what, cause, await look('whole.json', env))
    await told(`${what} (short config, quick)`, known, await look('short.json', env, '--depth', 'quick'))
    await undo?.()
  }
} finally {
  server?.kill('SIGKILL')
  await postgres.stop()
  await rm(folder, { recursive: true, force: true })
}
process.stdout.write(`${2 * drills.length - wrong} of ${2 * drills.length} as expected\n`)
process.exitCode = wrong > 0 ? 1 : 0

async function install(): Promise<void> {
  await writeFile(join(folder, 'package.json'), '{"private":true}')
  // Of its native packages only one comes without binaries and is needed: the others would take minutes to compile.
  await execa('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', directus], { cwd: folder })
  await execa('npm', ['rebuild', 'isolated-vm'], { cwd: folder })
}

function environment(): Record<string, string> {
  const { hostname, port: databasePort, username, password } = new URL(postgres.url)
  return {
    DB_CLIENT: 'pg',
    DB_HOST: hostname,
    DB_PORT: databasePort,
    DB_DATABASE: 'postgres',
    DB_USER: username,
    DB_PASSWORD: password,
    SECRET: secret,
    ADMIN_EMAIL: admin.email,
    ADMIN_PASSWORD: admin.password,
    HOST: '127.0.0.1',
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    TELEMETRY: 'false',
  }
}

async function answering(url: string): Promise<void> {
  for (let tries = 0; tries < 120; tries++) {
    if (
      await fetch(url).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return
    await sleep(500)
  }
  throw new Error(`${url} does not answer`)
}

async function start(more: Record<string, string> = {}): Promise<void> {
  await stop()
  server = spawn(process.execPath, [join(folder, 'node_modules/directus/cli.js'), 'start'], {
    cwd: folder,
    env: { ...process.env, ...environment(), ...more },
    stdio: 'ignore',
  })
  await answering(`${url}/server/ping`)
}

async function stop(): Promise<void> {
  const running = server
  server = undefined
  if (!running || running.exitCode !== null) return
  const ended = new Promise((resolve) => running.once('exit', resolve))
  running.kill('SIGKILL')
  await ended
}

/** The server with other settings; null for none at all. */
function withServer(more: Record<string, string> | null) {
  return async (): Promise<Undo> => {
    await (more === null ? stop() : start(more))
    return () => start()
  }
}

function bySql(fault: string, remedy: string) {
  return async (): Promise<Undo> => {
    await sql(fault)
    return () => sql(remedy)
  }
}

async function sql(statements: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  await client.query(statements)
  await client.end()
}

/** The database's address with something else in it. */
function changed(change: (address: URL) => unknown): string {
  const address = new URL(postgres.url)
  change(address)
  return address.href
}

async function look(
  config: string,
  env: Record<string, string>,
  ...more: string[]
): Promise<Report & { took: number }> {
  const began = performance.now()
  const report = await reportOf(['check', '-c', join(folder, config), ...more], {
    env: {
      REAL_PASSWORD: admin.password,
      REAL_SECRET: secret,
      REAL_DATABASE: postgres.url,
      REAL_API: url,
      ...env,
    },
  })
  return { ...report, took: performance.now() - began }
}

async function told(
  what: string,
  cause: string,
  { causes, exitCode, took, verdict }: Report & { took: number },
): Promise<void> {
  const ids = causes.map(({ id }) => id)
  const right = ids[0] === cause
  if (!right) wrong++
  const seconds = `${(took / 1000).toFixed(1)} s`
  process.stdout.write(
    `${right ? 'right' : `WRONG, ${cause} expected`}: ${what}: ${ids.join(', ')}; exit ${exitCode}, ${seconds}\n`,
  )
  if (!right) process.stdout.write(`  ${verdict.headline}\n`)
}
