import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { createPostgresDemo } from '../../fixtures/demo/build.js'
import { routes } from '../support/auth.js'
import { dbdoctor, executable } from '../support/cli.js'
import { onEachDialect, testDatabase, testFolder } from '../support/databases.js'
import { deadAddress, demoApplication, httpServer } from '../support/servers.js'

/** Twelve notes of one user, and a table without rows. */
const application = `
  create table users (id integer primary key, email text, password_hash text);
  create table notes (id integer primary key, user_id integer);
  create index notes_user on notes (user_id);
  create table drafts (id integer primary key, user_id integer);
  insert into users values (1, 'ada@example.com', 'x');
  ${Array.from({ length: 12 }, (_, at) => `insert into notes values (${at + 1}, 1);`).join('\n')}`

onEachDialect((dialect) => {
  /** SQLite needs no index for a key of integers. */
  const keys = { sqlite: 0, postgres: 1 }[dialect]

  test('writes what it found, and a check right after it is green', async () => {
    const cwd = await testFolder()
    const { target } = await testDatabase(dialect, application)
    const env = { DATABASE_URL: target }
    const { exitCode, stdout, stderr } = await dbdoctor(['init'], { cwd, env })
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' })
    const indexes = 1 + 3 * keys
    expect(stderr).toMatch(/^dbdoctor\.config\.ts is written\n {2}\S+: 3 tables, \d index(es)?, 0 foreign keys\n/)
    expect(stderr).toContain('relationships without a foreign key: 1 certain, 1 to decide about\nnext: dbdoctor check')
    expect(readFileSync(join(cwd, 'dbdoctor.config.ts'), 'utf8')).toContain(`
    url: env('DATABASE_URL'),
    expect: {
      tables: 3,
      indexes: ${indexes},
      // Empty, these would mean a restore without its data.
      rows: { users: { min: 1 } },
    },`)
    const checked = await dbdoctor(['check'], { cwd, env })
    expect(checked).toMatchObject({ exitCode: 0, stderr: '' })
    expect(checked.stdout).toContain('HEALTHY')
    // What it expects is expected for real.
    const { target: other } = await testDatabase(dialect, application.replace(/insert into users .*/, ''))
    const told = await dbdoctor(['check'], { cwd, env: { DATABASE_URL: other } })
    expect(told.stdout).toContain('"users" holds 0 rows, at least 1 expected')
  })

  test('tables without rows are expected, and their rows are not', async () => {
    const cwd = await testFolder()
    const { target } = await testDatabase(dialect, 'create table users (id integer primary key, name text)')
    const env = { DATABASE_URL: target }
    await dbdoctor(['init', '-f', 'json'], { cwd, env })
    const { database } = JSON.parse(readFileSync(join(cwd, 'dbdoctor.config.json'), 'utf8'))
    expect(database).toEqual({ url: '${DATABASE_URL}', expect: { tables: 1, ...(keys && { indexes: 1 }) } })
    expect((await dbdoctor(['check'], { cwd, env })).exitCode).toBe(0)
  })

  test('a database without tables is told of, and nothing is expected of it', async () => {
    const cwd = await testFolder()
    const { target } = await testDatabase(dialect)
    const { exitCode, stderr } = await dbdoctor(['init', '-f', 'yaml'], { cwd, env: { DATABASE_URL: target } })
    expect(exitCode).toBe(0)
    expect(stderr).toContain('the database has no tables, so that nothing is expected of it yet')
    expect(readFileSync(join(cwd, 'dbdoctor.config.yaml'), 'utf8')).not.toContain('expect:')
  })

  test('--names lists names, hostile ones too, and a check right after it is green', async () => {
    const cwd = await testFolder()
    const { target } = await testDatabase(
      dialect,
      `create table "it's" (id integer); create table "\${HOME}" (id integer);
       create table "*/ x" (id integer); create table "a
b" (id integer); create index "# i" on "it's" (id)`,
    )
    for (const format of ['ts', 'json', 'yaml']) {
      const file = `${format}.${format}`
      await dbdoctor(['init', target, '--names', '-o', file], { cwd })
      const { exitCode, stderr } = await dbdoctor(['check', target, '-c', file, '--skip', 'schema/index-design'], {
        cwd,
      })
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    }
    expect(readFileSync(join(cwd, 'ts.ts'), 'utf8')).toContain(`'it\\'s'`)
    // In JSON, the name of a variable cannot be a table's.
    expect(JSON.parse(readFileSync(join(cwd, 'json.json'), 'utf8')).database.expect).toEqual({
      tables: 4,
      indexes: ['# i'],
    })
  })

  test('the tool that migrates is named', async () => {
    const cwd = await testFolder()
    const { target } = await testDatabase(
      dialect,
      "create table alembic_version (version_num varchar(32) primary key); insert into alembic_version values ('ab12')",
    )
    const { stderr } = await dbdoctor(['init', target], { cwd })
    expect(stderr).toContain('migrations: Alembic at ab12\n')
    expect(readFileSync(join(cwd, 'dbdoctor.config.ts'), 'utf8')).toContain('// Migrated by Alembic at ab12: ')
  })

  test('--depth quick looks at no row, and is certain of nothing', async () => {
    const cwd = await testFolder()
    const { target } = await testDatabase(dialect, application)
    const { stderr } = await dbdoctor(['init', target, '--depth', 'quick'], { cwd })
    expect(stderr).toContain('0 certain, 2 to decide about')
    expect(readFileSync(join(cwd, 'dbdoctor.config.ts'), 'utf8')).toContain('no row was looked at')
  })
})

describe('the demo application', () => {
  test('on SQLite, with its server: a path, its health, and green', async () => {
    const { target, url } = await demoApplication()
    const cwd = dirname(target.slice('sqlite:'.length))
    const { exitCode, stderr } = await dbdoctor(['init', './demo.db', '--api', url], { cwd })
    expect(exitCode).toBe(0)
    expect(stderr).toContain('demo.db: 38 tables, 77 indexes, 52 foreign keys')
    const text = readFileSync(join(cwd, 'dbdoctor.config.ts'), 'utf8')
    expect(text).toContain("url: 'sqlite:./demo.db',")
    expect(text).toContain(
      "'analytics_events.user_id -> users.id', // it is named after that table and its key; all 1,200 values are there",
    )
    expect(text).toContain("endpoints: [{ path: '/health', type: 'json' }],")
    // Found upward, the path still starts from the config.
    mkdirSync(join(cwd, 'deep'))
    const { stdout, ...checked } = await dbdoctor(['check'], { cwd: join(cwd, 'deep') })
    expect(checked).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toContain('38 of 38 tables')
  })

  test('on PostgreSQL, and the password is nowhere', async () => {
    const cwd = await testFolder()
    const { target, execute } = await testDatabase('postgres')
    await createPostgresDemo(target)
    const role = `init_${process.pid}`
    await execute(`create role ${role} login superuser password 'hunter22-hunter22'`)
    const address = Object.assign(new URL(target), { username: role, password: 'hunter22-hunter22' }).href
    try {
      const { exitCode, stderr } = await dbdoctor(['init', address], { cwd })
      expect(exitCode).toBe(0)
      expect(stderr).toContain('next: set DATABASE_URL to that address, then dbdoctor check')
      const text = readFileSync(join(cwd, 'dbdoctor.config.ts'), 'utf8')
      expect(text + stderr).not.toContain('hunter22')
      expect(text).toContain('tables: 38,\n      indexes: 77,')
      expect(await dbdoctor(['check'], { cwd, env: { DATABASE_URL: address } })).toMatchObject({
        exitCode: 0,
        stderr: '',
      })
    } finally {
      await execute(`drop role ${role}`)
    }
  })
})

describe('an API that describes itself', () => {
  const post = (schema: object, type = 'application/json') => ({
    post: { requestBody: { content: { [type]: { schema } } } },
  })
  const credentials = { properties: { username: {}, password: {} } }

  test('its health routes are endpoints, and its login waits for a user', async () => {
    const cwd = await testFolder()
    const url = await routes({
      'GET /docs/openapi.json': [
        200,
        {
          openapi: '3.1.0',
          servers: [{ url: 'https://api.example.com/api/v1' }],
          components: { schemas: { Login: credentials } },
          paths: {
            '/health': { get: {} },
            '/ready': { get: {} },
            '/health/{part}': { get: {} },
            '/orders/status': { get: {} },
            '/auth/logout': post(credentials),
            '/auth/login': post({ $ref: '#/components/schemas/Login' }, 'application/x-www-form-urlencoded'),
          },
        },
      ],
      'GET /api/v1/health': [200, { status: 'ok' }],
      'GET /api/v1/ready': [503],
      'GET /api/v1/orders/status': [200, {}],
    })
    const { exitCode, stderr } = await dbdoctor(['init', '--api', url, '-f', 'yaml'], { cwd })
    expect(exitCode).toBe(0)
    expect(stderr).toContain(
      `${url} describes itself at /docs/openapi.json\n  health: /api/v1/health\n  login: /api/v1/auth/login`,
    )
    const text = readFileSync(join(cwd, 'dbdoctor.config.yaml'), 'utf8')
    expect(text).toContain('endpoints: [{ path: "/api/v1/health", type: "json" }]')
    expect(text).toContain(`# auth:
#   login:
#     path: "/api/v1/auth/login"
#     type: "form"
#     body: { username: "test@example.com", password: "\${TEST_PASSWORD}" }
`)
    // Uncommented, it is a login.
    writeFileSync(join(cwd, 'dbdoctor.config.yaml'), text.replace(/^# (?=auth| )/gm, ''))
    const { stdout } = await dbdoctor(['check', '--only', 'auth/login'], { cwd, env: { TEST_PASSWORD: 'hunter22' } })
    expect(stdout).toContain(`${url}/api/v1/auth/login answers the login with`)
  })

  test('in Swagger 2 too, behind a prefix', async () => {
    const cwd = await testFolder()
    const url = await routes({
      'GET /api/swagger.json': [
        200,
        {
          swagger: '2.0',
          basePath: '/api',
          paths: {
            '/ping': { get: { parameters: [{ name: 'verbose', in: 'query' }] } },
            '/session': {
              post: { parameters: [{ in: 'body', schema: { allOf: [{ properties: { login: {}, pass: {} } }] } }] },
            },
          },
        },
      ],
      'GET /api/ping': [200, 'pong', { 'content-type': 'text/plain' }],
      'GET /api/': [200],
    })
    await dbdoctor(['init', '--api', `${url}/api`], { cwd })
    const text = readFileSync(join(cwd, 'dbdoctor.config.ts'), 'utf8')
    expect(text).toContain(`    url: '${url}/api',\n    endpoints: ['/ping'],\n`)
    expect(text).toContain(
      "  //   login: { path: '/session', body: { login: 'test@example.com', pass: env('TEST_PASSWORD') } },\n",
    )
    expect((await dbdoctor(['check'], { cwd })).exitCode).toBe(0)
  })

  test.each([
    [
      'a document of nonsense',
      { openapi: 3, paths: { '/health': null, 7: [], '/login': { post: 'x' }, '//evil/health': { get: {} } } },
    ],
    ['no document', null],
  ])('%s is no mistake', async (_, document) => {
    const cwd = await testFolder()
    const url = await routes({ 'GET /': [200], ...(document && { 'GET /openapi.json': [200, document] }) })
    const { exitCode } = await dbdoctor(['init', '--api', url, '-f', 'json'], { cwd })
    expect(exitCode).toBe(0)
    expect(JSON.parse(readFileSync(join(cwd, 'dbdoctor.config.json'), 'utf8')).api).toEqual({ url })
  })
})

describe('what cannot be', () => {
  test('a config that is there is not touched, in whatever format, without --force', async () => {
    const cwd = await testFolder()
    const { target } = await testDatabase('sqlite', application)
    const file = join(cwd, 'dbdoctor.config.json')
    writeFileSync(file, '{}')
    for (const args of [['-f', 'json'], ['-o', 'dbdoctor.config.json'], []]) {
      const { exitCode, stdout, stderr } = await dbdoctor(['init', target, ...args], { cwd })
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
      expect(stderr).toBe(
        'dbdoctor: there is a config already: dbdoctor.config.json\n  name another file with --output, or replace what is there with --force',
      )
    }
    expect(readFileSync(file, 'utf8')).toBe('{}')
    expect(existsSync(join(cwd, 'dbdoctor.config.ts'))).toBe(false)
    expect((await dbdoctor(['init', target, '-f', 'json', '--force'], { cwd })).exitCode).toBe(0)
    expect(JSON.parse(readFileSync(file, 'utf8')).database.expect.tables).toBe(3)
  })

  test('what is not the usual name is named in the next command', async () => {
    const cwd = await testFolder()
    const { target } = await testDatabase('sqlite', application)
    const { stderr } = await dbdoctor(['init', target, '-o', 'my doctor.yml'], { cwd })
    expect(stderr).toContain("next: dbdoctor check --config 'my doctor.yml'")
  })

  test.each([
    [['init'], /there is nothing to look at/],
    [['init', 'x.db', '-o', 'config.toml'], /config\.toml has no ending of a config/],
    [['init', 'x.db', '-o', 'config.json', '-f', 'yaml'], /config\.json is no yaml file/],
    [['init', '--api', 'http://ada:hunter22@localhost'], /api\.url has credentials in it/],
    [['init', 'x.db', '--env-file=nope.env'], /nope\.env/],
  ])('%j is a mistake', async (args, message) => {
    const { exitCode, stdout, stderr } = await dbdoctor(args, { cwd: await testFolder() })
    expect([2, 9]).toContain(exitCode)
    expect(stdout).toBe('')
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('hunter22')
  })

  test('what cannot be reached is said as a check says it, and nothing is written', async () => {
    const cwd = await testFolder()
    const nowhere = new URL(await deadAddress())
    const refused = await dbdoctor(['init', `postgres://ada:hunter22@${nowhere.host}/app`], { cwd })
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' })
    expect(refused.stderr).toMatch(new RegExp(`^dbdoctor: nothing listens at ${nowhere.host}\n {2}pg_isready`))
    expect(refused.stderr).toMatch(/no config is written$/)
    expect(refused.stderr).not.toContain('hunter22')

    const wrong = Object.assign(new URL(inject('postgres')), { pathname: '/not_there' }).href
    expect((await dbdoctor(['init', wrong], { cwd })).stderr).toContain(
      'is up, but database "not_there" does not exist',
    )
    expect((await dbdoctor(['init', './gone.db'], { cwd })).stderr).toContain('there is no file at ./gone.db')
    const { target } = await testDatabase('sqlite', application)
    const api = await dbdoctor(['init', target, '--api', nowhere.href], { cwd })
    expect(api).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`nothing listens at ${nowhere.origin}`) })
    for (const name of ['ts', 'json', 'yaml']) expect(existsSync(join(cwd, `dbdoctor.config.${name}`))).toBe(false)
  })

  test('whoever interrupts it finds nothing written', async () => {
    const cwd = await testFolder()
    // Never answers, and is the moment at which somebody loses patience.
    const url = await httpServer(() => child.kill('SIGINT'))
    const child = spawn(process.execPath, [executable, 'init', '--api', url], { cwd, stdio: 'ignore' })
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(130)
    expect(existsSync(join(cwd, 'dbdoctor.config.ts'))).toBe(false)
  })

  test('without the right to read rows, none are expected', async () => {
    const role = `blind_init_${process.pid}`
    const { target, execute } = await testDatabase(
      'postgres',
      `create table users (id int); insert into users values (1); create role ${role} login password 'blind-blind';`,
    )
    const cwd = await testFolder()
    const address = Object.assign(new URL(target), { username: role, password: 'blind-blind' }).href
    expect((await dbdoctor(['init', address, '-f', 'json'], { cwd })).exitCode).toBe(0)
    await execute(`drop role ${role}`)
    expect(JSON.parse(readFileSync(join(cwd, 'dbdoctor.config.json'), 'utf8')).database.expect).toEqual({ tables: 1 })
  })
})
