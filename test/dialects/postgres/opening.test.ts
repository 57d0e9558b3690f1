import { createServer, type Socket } from 'node:net'
import { describe, expect, inject, test } from 'vitest'
import { dbdoctor, reportOf } from '../../support/cli.js'
import { afterwards, asSuperuser, examine, hung, testDatabase } from '../../support/databases.js'
import { startPostgres } from '../../support/postgres.js'

const opened = async (target: string, ...args: string[]) => {
  const {
    results,
    exitCode,
    target: info,
    raw,
  } = await reportOf(['check', target, '--only', 'connection/opens', ...args])
  const [result] = results
  return {
    exitCode,
    info,
    raw,
    address: result?.findings[0]?.address.replace('connection/opens#', ''),
    status: result?.status,
  }
}

const changed = (
  url: string,
  change: Partial<Record<'username' | 'password' | 'pathname' | 'search' | 'host', string>>,
) => Object.assign(new URL(url), change).href

async function listening(onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  afterwards(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  return `postgres://u:canary-9d1@127.0.0.1:${typeof address === 'object' && address?.port}/db`
}

describe('a database that opens', () => {
  test('says which server it really is', async () => {
    const { target } = await testDatabase('postgres')
    const url = new URL(target)
    const { info, exitCode } = await opened(target)
    expect(exitCode).toBe(0)
    expect(info).toEqual({
      dialect: 'postgres',
      name: url.pathname.slice(1),
      version: expect.stringMatching(/^\d+\.\d+$/),
      host: '127.0.0.1',
      port: Number(url.port),
      database: url.pathname.slice(1),
      role: 'postgres',
      filled: [],
      primary: true,
      pooler: false,
    })
  })

  test.each(['disable', 'allow', 'prefer'])('sslmode=%s does without TLS where the server has none', async (mode) => {
    expect((await opened(changed(inject('postgres'), { search: `?sslmode=${mode}` }))).status).toBe('pass')
  })
})

/** The whole report of a run that looks at the connection alone. */
const told = async (target: string) => ({ report: await examine(target, { only: ['connection/opens'] }) })

describe('one that does not', () => {
  test.each(['require', 'verify-full'])('sslmode=%s against a server without TLS', async (mode) => {
    expect(await opened(changed(inject('postgres'), { search: `?sslmode=${mode}` }))).toMatchObject({
      address: 'no-tls',
      exitCode: 1,
    })
  })

  test('a host that does not resolve', async () => {
    expect(await opened('postgres://u@no-such-host.invalid/db')).toMatchObject({ address: 'unresolved', exitCode: 1 })
  })

  test('no socket in a folder', async () => {
    expect(await opened('postgres:///db?host=/nowhere')).toMatchObject({ address: 'no-socket', exitCode: 1 })
  })

  test('a role that is unknown, has another password, or may not log in', async () => {
    const role = `nologin_${process.pid}`
    await asSuperuser(inject('postgres'), `create role ${role} nologin password 'x'`)
    afterwards(() => asSuperuser(inject('postgres'), `drop role ${role}`))
    for (const [change, expected] of [
      [{ username: 'nobody-here' }, 'password-rejected'],
      [{ password: 'canary-9d1' }, 'password-rejected'],
      [{ username: role, password: 'x' }, 'no-login'],
    ] as const) {
      const { address, exitCode, raw } = await opened(changed(inject('postgres'), change))
      expect({ address, exitCode }).toEqual({ address: expected, exitCode: 1 })
      expect(raw).not.toContain('canary-9d1')
    }
  })

  test('no such database, and one that takes no connections', async () => {
    const { target } = await testDatabase('postgres')
    const name = new URL(target).pathname.slice(1)
    expect(await opened(changed(target, { pathname: '/nowhere' }))).toMatchObject({
      address: 'no-such-database',
      exitCode: 1,
    })
    await asSuperuser(inject('postgres'), `alter database ${name} allow_connections false`)
    expect(await opened(target)).toMatchObject({ address: 'database-closed', exitCode: 1 })
  })

  test('a role, or a database, that has reached its own limit is not a full server', async () => {
    const { target } = await testDatabase('postgres')
    const name = new URL(target).pathname.slice(1)
    const role = `limited_${process.pid}`
    await asSuperuser(inject('postgres'), `create role ${role} login password 'only-for-tests' connection limit 0`)
    afterwards(() => asSuperuser(inject('postgres'), `drop role ${role}`))
    const limited = changed(target, { username: role, password: 'only-for-tests' })
    const { report } = await told(limited)
    expect(report.causes[0]).toMatchObject({
      id: 'too-many-connections',
      headline: expect.stringContaining(`the role ${role} may open no more connections`),
    })
    await asSuperuser(
      inject('postgres'),
      `alter role ${role} connection limit -1; alter database ${name} connection limit 0`,
    )
    expect((await told(limited)).report.causes[0]?.headline).toContain(
      `the database ${name} at ${new URL(target).host} takes no more connections`,
    )
  })

  test('a role without a host is understood where a parameter names one', async () => {
    const url = new URL(inject('postgres'))
    const address = `postgresql://${url.username}:${url.password}@/postgres?host=${url.hostname}&port=${url.port}`
    expect((await told(address)).report.results[0]?.status).toBe('pass')
  })

  test.each([
    ['XX000', 'Tenant or user not found', 'unknown-to-pooler', /does not know this project or role/],
    ['XX000', 'MaxClientsInSessionMode: max clients reached', 'pooler-full', /is up, and full/],
    ['08P01', 'query_wait_timeout', 'pool-full', /its pool is full/],
  ])('a pooler that says %s %s', async (code, words, outcome, sentence) => {
    const fields = Buffer.from(`SFATAL\0C${code}\0M${words}\0\0`)
    const head = Buffer.from([0x45, 0, 0, 0, 0])
    head.writeInt32BE(fields.length + 4, 1)
    const url = await listening((socket) => void socket.once('data', () => socket.end(Buffer.concat([head, fields]))))
    const { report } = await told(changed(url, { search: '?sslmode=disable' }))
    const [finding] = report.results.find(({ id }) => id === 'connection/opens')?.findings ?? []
    expect(finding).toMatchObject({ address: `connection/opens#${outcome}`, message: expect.stringMatching(sentence) })
  })

  test('a server that is full is not one that crashed', async () => {
    const server = await startPostgres(['max_connections=4', 'superuser_reserved_connections=0'])
    afterwards(() => server.stop())
    const { default: pg } = await import('pg')
    const clients = Array.from({ length: 4 }, () => new pg.Client({ connectionString: server.url }))
    for (const client of clients) await client.connect()
    expect(await opened(server.url)).toMatchObject({ address: 'too-many-connections', exitCode: 1 })
    for (const client of clients) await client.end()
  })

  test.each([
    ['hangs up', (socket: Socket) => void socket.end(), 'closed'],
    ['resets', (socket: Socket) => void socket.resetAndDestroy(), 'reset'],
    ['says nothing', () => {}, 'silent'],
    ['speaks SSH', (socket: Socket) => void socket.write('SSH-2.0-OpenSSH_9.2\r\n'), 'wrong-service'],
    ['speaks HTTP', (socket: Socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), 'wrong-service'],
    [
      'speaks MySQL',
      (socket: Socket) => void socket.write(Buffer.from('4a0000000a382e302e33300008000000', 'hex')),
      'wrong-service',
    ],
  ])('something that %s', async (_, onConnection, address) => {
    const began = performance.now()
    const answer = await opened(await listening(onConnection), '--deadline', '3s')
    expect(answer).toMatchObject({ address, exitCode: 1 })
    expect(answer.raw).not.toContain('canary-9d1')
    expect(performance.now() - began).toBeLessThan(hung)
  })

  /** A server that answers with these words, whoever comes. */
  const refusing = async (words: string) => {
    const fields = Buffer.from(`SFATAL\0CXX000\0M${words}\0\0`)
    const head = Buffer.from([0x45, 0, 0, 0, 0])
    head.writeInt32BE(fields.length + 4, 1)
    const url = await listening((socket) => void socket.once('data', () => socket.end(Buffer.concat([head, fields]))))
    return (password: string) => changed(url, { password, search: '?sslmode=disable' })
  }

  test('a password that the server repeats is not in the report, however it was given', async () => {
    const as = await refusing('no entry for u with s3same open and s3same%20open')
    const given: [string[], Record<string, string>][] = [
      [[as('s3same open')], {}],
      [[], { DATABASE_URL: as('s3same open') }],
      [[as('')], { PGPASSWORD: 's3same open' }],
    ]
    for (const [target, env] of given) {
      for (const format of ['json', 'pretty']) {
        const { stdout, stderr, exitCode } = await dbdoctor(['check', ...target, '-f', format, '--verbose'], { env })
        expect(exitCode).toBe(1)
        expect(stdout).toContain('no entry for u with ••• and •••')
        expect(`${stdout}${stderr}`).not.toContain('s3same')
      }
    }
  })

  test('a password that is a word of the report, or of what is said openly, leaves it readable', async () => {
    const as = await refusing('the password of postgres at db')
    for (const password of ['password', 'postgres', 'db', 'connection']) {
      const { raw, address } = await opened(as(password))
      expect(raw).not.toContain('•••')
      expect(raw).toContain('the password of postgres at db')
      expect(address).toBe('other')
    }
  })

  test('a password is needed, and none is given', async () => {
    const url = new URL(inject('postgres'))
    const { stdout, exitCode } = await dbdoctor(['check', `postgres://postgres@${url.host}/postgres`], {
      env: { PGPASSWORD: undefined, HOME: '/nonexistent' },
    })
    expect(stdout).toContain('connection/opens#no-password')
    expect(exitCode).toBe(1)
  })
})
