import { execFileSync } from 'node:child_process'
import { appendFile, chmod, copyFile, open, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { expect, inject } from 'vitest'
import { server as scenarios } from '../../fixtures/demo/scenarios/server.js'
import { query } from '../../fixtures/postgres/server.js'
import type { ConfigInput } from '../../src/config/config.js'
import { baseBackup, restore } from '../support/backups.js'
import { afterwards, asSuperuser, testDatabase, testFolder } from '../support/databases.js'
import { freePort, type PostgresServer, startPostgres } from '../support/postgres.js'
import { canaries, type Fault, type Look } from './room.js'

const good = `create table p (id int primary key, name text not null, email text unique);
  create table c (id int primary key, pid int references p, v text);
  create index c_pid on c (pid); create index c_v on c (v);
  insert into p select i, 'name ' || i, 'a' || i || '@example.com' from generate_series(1, 500) i;
  insert into c select i, 1 + i % 500, repeat(md5(i::text), 4) from generate_series(1, 5000) i`

const sound = { exit: 0, cause: 'all-well', says: /^No database crash: 2 tables, 5 indexes/ }
/** What is measured on a busy machine says nothing of it. */
const patience: ConfigInput = {
  checks: { 'connection/latency': { options: { connect: '1m', query: '1m' } } },
}

let databases = 0

async function own(...settings: string[]): Promise<PostgresServer> {
  const server = await startPostgres(settings)
  afterwards(() => server.stop())
  return server
}

/** A database of its own that holds the good one, and more. */
async function database(more = '', server?: PostgresServer): Promise<string> {
  if (!server) {
    const { target } = await testDatabase('postgres', good)
    await asSuperuser(target, 'vacuum analyze')
    if (more) await asSuperuser(target, more)
    return target
  }
  const name = `f${++databases}`
  await asSuperuser(server.url, `create database ${name}`)
  const target = Object.assign(new URL(server.url), { pathname: `/${name}` }).href
  await asSuperuser(target, good)
  await asSuperuser(target, 'vacuum analyze')
  if (more) await asSuperuser(target, more)
  return target
}

const changed = (
  url: string,
  change: Partial<Record<'hostname' | 'port' | 'username' | 'password' | 'pathname' | 'search', string>>,
) => Object.assign(new URL(url), change).href

const look = (target: string, rest: Omit<Look, 'target'>): Look => ({ target, config: patience, ...rest })

/** A listener that does this with each client. */
async function listener(greet: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    greet(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  afterwards(() => server.close())
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

/** What the demo's scenario does to a server. */
async function happening(name: string, server: PostgresServer): Promise<void> {
  const ending = await scenarios.find((one) => one.name === name)?.server?.happens?.(server)
  if (ending) afterwards(async () => void (await ending()))
}

/** A query of the config that lasts until somebody ends it, and says so of itself. */
const lasting: ConfigInput = {
  ...patience,
  database: {
    assertions: [
      { name: 'lasting', sql: 'select a.id from c a, c b, c d where a.id + b.id + d.id < 0', expect: 'empty' },
    ],
  },
}

/** Waits until the lasting query runs, and says which process runs it. */
async function processOf(target: string): Promise<number> {
  for (let attempt = 0; attempt < 400; attempt++) {
    const { pid } = await query(
      target,
      "select max(pid) as pid from pg_stat_activity where query like '%a.id + b.id + d.id%' and state = 'active' and pid <> pg_backend_pid()",
    )
    if (typeof pid === 'number') return pid
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the lasting query never ran')
}

/** The file of a relation, with the server stopped; what is done to it is undone by nobody. */
async function damaged(relation: string, harm: (path: string) => Promise<unknown>, more = ''): Promise<string> {
  const server = await own()
  const target = await database(more, server)
  const { path } = await query(target, `select pg_relation_filepath('${relation}') as path`)
  await asSuperuser(target, 'checkpoint')
  await server.restart(async (data) => void (await harm(join(data, String(path)))))
  return target
}

async function overwrite(path: string, at: number, bytes: Buffer): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(bytes, 0, bytes.length, at)
  await file.close()
}

const noise = Buffer.from(Array.from({ length: 8192 }, (_, i) => (i * 7919 + 13) % 251))

async function selfSigned(): Promise<PostgresServer> {
  const server = await own()
  await server.restart(async (data) => {
    const [key, certificate] = [join(data, 'server.key'), join(data, 'server.crt')]
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=elsewhere',
        '-keyout',
        key,
        '-out',
        certificate,
      ],
      { stdio: 'ignore' },
    )
    const { uid, gid } = await stat(data)
    await chmod(key, 0o600)
    execFileSync('chown', [`${uid}:${gid}`, key, certificate])
    await appendFile(join(data, 'postgresql.conf'), '\nssl = on\n')
  })
  return server
}

/** A role of its own, which may read everything but for what is taken from it then. */
async function reader(target: string, name: string, more: string): Promise<string> {
  await asSuperuser(
    target,
    `create role ${name} login password '${canaries.password}'; grant select on all tables in schema public to ${name}; ${more}`,
  )
  return changed(target, { username: name, password: canaries.password })
}

const connection: readonly Fault[] = [
  {
    id: '1',
    fault: 'a port on which nothing listens',
    make: async () =>
      look(`postgres://u:${canaries.password}@127.0.0.1:${await freePort()}/app`, {
        exit: 1,
        cause: 'database-not-running',
        says: /nothing listens at/,
      }),
  },
  {
    id: '2',
    fault: 'a folder without a socket',
    make: async () =>
      look(`postgresql:///app?host=${await testFolder()}`, { exit: 1, cause: 'database-not-running', says: /socket/ }),
  },
  {
    id: '3',
    fault: 'a host that does not resolve',
    make: async () =>
      look(`postgres://u:${canaries.password}@x.invalid/app`, {
        exit: 1,
        cause: 'database-unreachable',
        says: /resolve/,
      }),
  },
  {
    id: '4a',
    fault: 'port 99999',
    make: async () => look(`postgres://u:${canaries.password}@localhost:99999/app`, { exit: 2, says: /99999|port/ }),
  },
  {
    id: '4b',
    fault: 'port abc',
    make: async () =>
      look(`postgres://u:${canaries.password}@localhost:abc/app`, { exit: 2, says: /port|connection string/ }),
  },
  {
    id: '5',
    fault: 'a listener that never answers',
    make: async () =>
      look(`postgres://u:${canaries.password}@127.0.0.1:${await listener(() => {})}/app`, {
        exit: 1,
        cause: 'database-hanging',
        says: /accepts connections and says nothing/,
        deadline: 4,
      }),
  },
  {
    id: '6',
    fault: 'an SSH server on the port',
    make: async () =>
      look(
        `postgres://u:${canaries.password}@127.0.0.1:${await listener((socket) => socket.end('SSH-2.0-OpenSSH_9.2p1\r\n'))}/app`,
        { exit: 1, cause: 'wrong-service-on-port', says: /SSH/ },
      ),
  },
  {
    id: '7',
    fault: 'a wrong password',
    make: async () =>
      look(changed(inject('postgres'), { password: canaries.password }), {
        exit: 1,
        cause: 'wrong-database-password',
        says: /refused the login/,
      }),
  },
  {
    id: '8',
    fault: 'no password',
    make: async () =>
      look(changed(inject('postgres'), { password: '' }), {
        exit: 1,
        cause: 'wrong-database-password',
        says: /password/,
        env: { HOME: await testFolder() },
      }),
  },
  {
    id: '9',
    fault: 'no such database',
    make: async () =>
      look(changed(inject('postgres'), { pathname: '/nowhere' }), {
        exit: 1,
        cause: 'wrong-database-name',
        says: /"nowhere" does not exist/,
      }),
  },
  {
    id: '10',
    fault: 'no connection left',
    async make() {
      const server = await own('max_connections=6', 'superuser_reserved_connections=0')
      const target = await reader(await database('', server), 'plain', '')
      await happening('too-many-connections', server)
      return look(target, { exit: 1, cause: 'too-many-connections', says: /is up, and full/ })
    },
  },
  ...(
    [
      ['11', 'starting-up', 'database-starting', /start/],
      ['12', 'shutting-down', 'database-stopping', /shutting down|stopping/],
    ] as const
  ).map(
    ([id, name, cause, says]): Fault => ({
      id,
      fault: `a server that is ${name.replace('-', ' ')}`,
      async make() {
        const server = await own()
        const target = await database('', server)
        if (id === '12') {
          const held = new pg.Client({ connectionString: target })
          held.on('error', () => {})
          await held.connect()
          afterwards(() => void held.end())
        }
        await happening(name, server)
        return look(target, { exit: 1, cause, says })
      },
    }),
  ),
  {
    id: '13',
    fault: 'pg_hba.conf rejects',
    async make() {
      const server = await own()
      const target = await database('', server)
      await asSuperuser(target, `create role barred login password '${canaries.password}'`)
      const { path } = await query(target, "select current_setting('hba_file') as path")
      await copyFile(String(path), `${path}.before`)
      await writeFile(String(path), `host all barred all reject\nhost all all all scram-sha-256\n`)
      await asSuperuser(target, 'select pg_reload_conf()')
      return look(changed(target, { username: 'barred', password: canaries.password }), {
        exit: 1,
        cause: 'database-access-denied',
        says: /pg_hba|rejects|not admitted|does not admit/,
      })
    },
  },
  {
    id: '14',
    fault: 'a certificate that nobody vouches for',
    async make() {
      const target = await database('', await selfSigned())
      return look(changed(target, { search: '?sslmode=verify-full' }), {
        exit: 1,
        cause: 'database-access-denied',
        says: /certificate/,
      })
    },
  },
  {
    id: '14a',
    fault: 'the same certificate, where none is asked for',
    async make() {
      return look(changed(await database('', await selfSigned()), { search: '?sslmode=require' }), sound)
    },
  },
]

const running: readonly Fault[] = [
  { id: 'P', fault: 'PostgreSQL, and nothing is wrong', make: async () => look(await database(), sound) },
  {
    id: '15',
    fault: 'a table that is locked during the run',
    async make() {
      const target = await database()
      const holder = new pg.Client({ connectionString: target })
      await holder.connect()
      afterwards(() => holder.end())
      await holder.query('begin; lock table c in access exclusive mode')
      return look(target, { exit: 3, cause: 'blocked-by-a-lock', says: /"c" is locked by process \d+/ })
    },
  },
  {
    id: '16',
    fault: 'the tool’s own process of the server is ended',
    async make() {
      const target = await database()
      return look(target, {
        config: lasting,
        exit: 3,
        says: /./,
        async during() {
          const pid = await processOf(target)
          await asSuperuser(target, `select pg_terminate_backend(${pid})`)
          const again = await processOf(target).catch(() => null)
          if (again !== null) await asSuperuser(target, `select pg_terminate_backend(${again})`)
        },
        deadline: 12,
        after: (report) => expect(report?.verdict.database).not.toBe('damaged'),
      })
    },
  },
  {
    id: '17',
    fault: 'another process of the server is killed meanwhile',
    async make() {
      const server = await own()
      const target = await database('', server)
      return look(target, {
        config: lasting,
        exit: 3,
        says: /crash|went away|sound now|could not/,
        deadline: 12,
        async during() {
          await processOf(target)
          const bystander = new pg.Client({ connectionString: target })
          bystander.on('error', () => {})
          await bystander.connect()
          const { rows } = await bystander.query('select pg_backend_pid() as pid')
          process.kill(rows[0].pid, 'SIGKILL')
        },
        after: (report) => expect(report?.causes.map(({ id }) => id)).toContain('database-crashed-and-recovered'),
      })
    },
  },
  {
    id: '18',
    fault: 'the tool’s own process of the server stands still',
    async make() {
      const target = await database('', await own())
      return look(target, {
        config: lasting,
        exit: 3,
        says: /./,
        deadline: 6,
        async during() {
          const pid = await processOf(target)
          process.kill(pid, 'SIGSTOP')
          afterwards(() => {
            process.kill(pid, 'SIGCONT')
          })
        },
      })
    },
  },
  {
    id: '19',
    fault: 'a role that may not read one table',
    make: async () =>
      look(await reader(await database('', await own()), 'short_sighted', 'revoke select on c from short_sighted'), {
        exit: 3,
        cause: 'inconclusive',
        says: /1 table not examined: c/,
      }),
  },
  {
    id: '20',
    fault: 'row-level security hides parents',
    make: async () =>
      look(
        await reader(
          await database('', await own()),
          'under_policy',
          'alter table p enable row level security; create policy odd on p using (id % 2 = 1)',
        ),
        {
          exit: 3,
          cause: 'inconclusive',
          says: /row-level security|policy/,
          after: (report) => expect(report?.facts['integrity.orphanedRows'] ?? 0).toBe(0),
        },
      ),
  },
  {
    id: '21',
    fault: 'a standby, with an unlogged table',
    async make() {
      const primary = await own()
      const target = await database('create unlogged table u (id int primary key)', primary)
      const from = new URL(primary.url)
      const standby = await own()
      await restore(standby, await baseBackup(primary), async (data) => {
        await writeFile(join(data, 'standby.signal'), '')
        await writeFile(
          join(data, 'postgresql.auto.conf'),
          `primary_conninfo = 'host=${from.hostname} port=${from.port} user=${from.username} password=${from.password}'\n`,
        )
      })
      return look(changed(target, { port: String(standby.port) }), {
        exit: 0,
        says: /^No database crash/,
        after: (report) => expect(report?.target?.primary).toBe(false),
      })
    },
  },
]

const damage: readonly Fault[] = [
  {
    id: '22',
    fault: 'noise over a block of a table',
    make: async () =>
      look(await damaged('c', (path) => overwrite(path, 2 * 8192, noise)), {
        exit: 1,
        cause: 'file-corrupt',
        says: /"c"/,
      }),
  },
  {
    id: '22a',
    fault: 'a zeroed block of a table',
    make: async () =>
      look(await damaged('c', (path) => overwrite(path, 2 * 8192, Buffer.alloc(8192))), {
        exit: 1,
        cause: 'file-corrupt',
        says: /"c"/,
      }),
  },
  {
    id: '23',
    fault: 'the file of a table is gone',
    make: async () => look(await damaged('c', (path) => rm(path)), { exit: 1, cause: 'file-corrupt', says: /"c"/ }),
  },
  {
    id: '24',
    fault: 'the file of an index is gone',
    make: async () =>
      look(await damaged('c_v', (path) => rm(path)), { exit: 1, cause: 'index-corrupt', says: /"c_v"/ }),
  },
  {
    id: '25',
    fault: 'a zeroed block of an index',
    make: async () =>
      look(await damaged('c_v', (path) => overwrite(path, 3 * 8192, Buffer.alloc(8192)), 'create extension amcheck'), {
        exit: 1,
        cause: 'index-corrupt',
        says: /"c_v"/,
        args: ['--depth', 'deep'],
      }),
  },
  {
    id: '26',
    fault: 'a flipped bit under checksums',
    async make() {
      const server = await startPostgres([], ['--data-checksums'])
      afterwards(() => server.stop())
      const target = await database('', server)
      const { path } = await query(target, "select pg_relation_filepath('c') as path")
      await asSuperuser(target, 'checkpoint')
      await server.restart(async (data) => {
        const file = await open(join(data, String(path)), 'r+')
        const { buffer } = await file.read(Buffer.alloc(1), 0, 1, 2 * 8192 + 5000)
        await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, 2 * 8192 + 5000)
        await file.close()
      })
      return look(target, { exit: 1, cause: 'file-corrupt', says: /"c"|checksum/ })
    },
  },
  {
    id: '27',
    fault: 'an index whose concurrent build failed',
    async make() {
      const target = await database("insert into c values (9001, 1, 'twice'), (9002, 2, 'twice')")
      await asSuperuser(target, 'create unique index concurrently c_once on c (v)').catch(() => {})
      return look(target, { exit: 1, cause: 'index-invalid', says: /"c_once"/ })
    },
  },
  {
    id: '28',
    fault: 'parents deleted past the triggers',
    make: async () =>
      look(await database('set session_replication_role = replica; delete from p where id in (7, 8)'), {
        exit: 1,
        cause: 'rows-orphaned',
        says: /20 rows of c point at rows of p/,
      }),
  },
  {
    id: '29',
    fault: 'a foreign key that is not valid, and a bad row',
    make: async () =>
      look(
        await database(
          'create table o (id int primary key, pid int); insert into o values (1, 99999); alter table o add foreign key (pid) references p not valid',
        ),
        {
          exit: 1,
          cause: 'rows-orphaned',
          says: /1 row of o points/,
        },
      ),
  },
  {
    id: '30',
    fault: 'a collation of another version',
    make: async () =>
      look(
        await database(
          "create table w (t text collate \"en-x-icu\" primary key); insert into w values ('a'), ('b'); update pg_collation set collversion = '1.2' where collname = 'en-x-icu'",
        ),
        {
          exit: 0,
          cause: 'collation-changed',
          says: /en-x-icu/,
        },
      ),
  },
]

export const postgres: readonly Fault[] = [...connection, ...running, ...damage]
