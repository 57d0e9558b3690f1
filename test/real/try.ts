/**
 * Tries dbdoctor on an application server that nobody here wrote: Directus, on a PostgreSQL of its own, installed in a temporary folder.
 * Everything must be green, and red as soon as its password, its secret or its process is wrong. Minutes long: `npm run try:real`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { reportOf } from '../support/cli.js'
import { freePort, startPostgres } from '../support/postgres.js'

const directus = 'directus@10.13.4'
const admin = { email: 'admin@example.com', password: 'Directus-Admin-42!' }
const secret = 'a-secret-of-the-server-that-is-long-enough'

const folder = await mkdtemp(join(tmpdir(), 'dbdoctor-real-'))
await chmod(folder, 0o755)
const postgres = await startPostgres()
let server: ChildProcess | undefined
let failures = 0
try {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  await install()
  const env = environment(port)
  await execa('npx', ['directus', 'bootstrap'], { cwd: folder, env })
  server = spawn(process.execPath, [join(folder, 'node_modules/directus/cli.js'), 'start'], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: 'ignore',
  })
  await answering(`${url}/server/ping`)
  await writeFile(join(folder, 'dbdoctor.config.json'), JSON.stringify(configOf(url)))

  await expect('as it is', {}, 'healthy', null)
  await expect('wrong password', { REAL_PASSWORD: 'Directus-Admin-43!' }, 'unhealthy', 'wrong-test-credentials')
  await expect('wrong secret', { REAL_SECRET: [...secret].reverse().join('') }, 'unhealthy', 'jwt-key-mismatch')
  server.kill('SIGKILL')
  await new Promise((resolve) => server?.once('exit', resolve))
  await expect('killed', {}, 'unhealthy', 'api-server-not-running')
} finally {
  server?.kill('SIGKILL')
  await postgres.stop()
  await rm(folder, { recursive: true, force: true })
}
process.exitCode = failures > 0 ? 1 : 0

async function install(): Promise<void> {
  await writeFile(join(folder, 'package.json'), '{"private":true}')
  // Of its native packages only one comes without binaries and is needed: the others would take minutes to compile.
  await execa('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', directus], { cwd: folder })
  await execa('npm', ['rebuild', 'isolated-vm'], { cwd: folder })
}

function environment(port: number): Record<string, string> {
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

function configOf(url: string): object {
  return {
    database: {
      url: postgres.url,
      users: { table: 'directus_users', passwordHash: 'password', active: { column: 'status', equals: 'active' } },
    },
    api: {
      url,
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
}

async function expect(what: string, env: Record<string, string>, status: string, cause: string | null): Promise<void> {
  const report = await reportOf(['check', '-c', join(folder, 'dbdoctor.config.json')], {
    env: { REAL_PASSWORD: admin.password, REAL_SECRET: secret, ...env },
  })
  const causes = report.causes.map(({ id }) => id)
  const right = report.verdict.status === status && (cause === null || causes[0] === cause)
  if (!right) failures++
  const auth = report.results
    .filter(({ layer }) => layer === 'auth')
    .map(({ id, status }) => `${id.slice(5)} ${status}`)
  process.stdout.write(
    `${right ? 'as expected' : 'NOT EXPECTED'}: ${what}: ${report.verdict.status}, ${causes.join(', ')}\n  ${auth.join(', ')}\n`,
  )
}
