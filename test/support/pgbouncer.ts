import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { query } from '../../fixtures/postgres/server.js'
import { until } from '../dialects/sqlite/scene.js'
import { afterwards } from './databases.js'
import { freePort } from './postgres.js'

/** What pgbouncer needs beside what every Debian has. */
const packages = ['pgbouncer', 'libevent-2.1-7', 'libc-ares2']

/** A pgbouncer of the system's, or, on Debian, one that is unpacked into a folder of its own; null where there is none to be had. */
function program(folder: string): { path: string; libraries: string } | null {
  for (const path of ['/usr/sbin/pgbouncer', '/usr/local/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer'])
    if (existsSync(path)) return { path, libraries: '' }
  try {
    mkdirSync(join(folder, 'packages'))
    const cwd = join(folder, 'packages')
    execFileSync('apt-get', ['download', ...packages], { cwd, stdio: 'ignore', timeout: 60_000 })
    for (const name of readdirSync(cwd)) execFileSync('dpkg', ['-x', name, folder], { cwd, stdio: 'ignore' })
    const machine = readdirSync(join(folder, 'usr/lib')).find((name) => name.includes('linux-gnu')) ?? ''
    return { path: join(folder, 'usr/sbin/pgbouncer'), libraries: join(folder, 'usr/lib', machine) }
  } catch {
    return null
  }
}

/** The address of a pooler in transaction mode before a server, with so many connections to it; null, and a word on it, where there is no PgBouncer. */
export async function pooled(url: string, size: number): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'dbdoctor-test-'))
  afterwards(() => rm(folder, { recursive: true, force: true }))
  chmodSync(folder, 0o755)
  const found = program(folder)
  if (!found) {
    console.warn('PgBouncer is neither installed nor to be had here: what stands behind a pooler was not tried')
    return null
  }
  const server = new URL(url)
  const port = await freePort()
  const config = join(folder, 'pgbouncer.ini')
  writeFileSync(
    config,
    `[databases]
* = host=${server.hostname} port=${server.port} user=${server.username} password=${server.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
auth_type = any
pool_mode = transaction
default_pool_size = ${size}
unix_socket_dir =
`,
  )
  // It refuses to run as root.
  const ids = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
  const pooler = spawn(found.path, ['-q', config], {
    ...ids,
    env: { ...process.env, LD_LIBRARY_PATH: found.libraries },
    stdio: 'ignore',
  })
  const ended = once(pooler, 'exit')
  afterwards(async () => {
    pooler.kill('SIGKILL')
    await ended
  })
  const address = new URL(url)
  address.host = `127.0.0.1:${port}`
  await until(
    () =>
      query(address.href, 'select 1').then(
        () => true,
        () => false,
      ),
    'a pooler',
  )
  return address.href
}
