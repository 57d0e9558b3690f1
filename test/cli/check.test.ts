import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { query } from '../../fixtures/postgres/server.js'
import { dbdoctor, executable, reportOf } from '../support/cli.js'
import { hung, testDatabase, testFolder } from '../support/databases.js'

const healthy = async () =>
  (await testDatabase('sqlite', 'create table users (id integer primary key); insert into users values (1);')).target
const ill = async () =>
  (
    await testDatabase(
      'sqlite',
      'create table a (id integer primary key); create table b (a_id integer references a (id)); insert into b values (7);',
    )
  ).target

describe('exit codes', () => {
  test('0 for a healthy database, without any config', async () => {
    const { exitCode, stdout, stderr } = await dbdoctor(['check', await healthy()])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout.replace(/\s+/g, ' ')).toMatch(
      /HEALTHY 17 checks ran · .* No database crash: 1 table, 0 indexes, 0 foreign keys, 0 orphaned rows\. $/,
    )
  })

  test('1 for an ill one, and --fail-on never makes it 0', async () => {
    const target = await ill()
    expect((await dbdoctor(['check', target])).exitCode).toBe(1)
    expect((await dbdoctor(['check', target, '--fail-on', 'never'])).exitCode).toBe(0)
  })

  test('warnings are 0, and --fail-on warn makes them 1', async () => {
    const { target } = await testDatabase(
      'sqlite',
      'create table users (id integer primary key); create table notes (user_id integer); insert into users values (1); insert into notes values (1), (7);',
    )
    expect((await dbdoctor(['check', target])).exitCode).toBe(0)
    expect((await dbdoctor(['check', target, '--fail-on', 'warn'])).exitCode).toBe(1)
  })

  test('3 where what was asked could not be answered, and --fail-on never leaves it', async () => {
    const role = `blind_${process.pid}`
    const { target, execute } = await testDatabase(
      'postgres',
      `create table t (id int); create role ${role} login password 'blind-blind';`,
    )
    const url = Object.assign(new URL(target), { username: role, password: 'blind-blind' }).href
    const { exitCode, stdout } = await dbdoctor(['check', url])
    expect(exitCode).toBe(3)
    expect(stdout).toContain('not examined: t (no-permission: permission denied for table t)')
    expect((await dbdoctor(['check', url, '--fail-on', 'never'])).exitCode).toBe(3)
    await execute(`drop role ${role}`)
  })

  test('what stands on a check that was left out still has its database, and is blocked without one', async () => {
    const { verdict, results } = await reportOf(['check', await healthy(), '--skip', 'connection/opens'])
    expect(verdict).toMatchObject({ status: 'healthy', database: 'unverified' })
    expect(results.filter(({ status }) => status === 'crash')).toEqual([])
    const gone = await reportOf(['check', '/nowhere/gone.db', '--skip', 'connection/opens'])
    expect(gone).toMatchObject({ exitCode: 3, verdict: { status: 'inconclusive', database: 'unverified' } })
    expect(gone.results[1]?.skip).toEqual({
      reason: 'blocked',
      detail: 'the database could not be opened: there is no folder /nowhere',
    })
  })

  test('the report says its own', async () => {
    expect(await reportOf(['check', await ill()])).toMatchObject({ exitCode: 1, schemaVersion: 1, complete: true })
  })
})

describe('bad input is exit 2, two lines and no stack', () => {
  test.each([
    [['check', 'foo'], /^dbdoctor: "foo" is not a target\n {2}write postgres:\/\//],
    [['check', ''], /an empty string is not a target/],
    [['check', 'localhost:5432/app'], /"localhost:5432\/app" is not a target/],
    [['check', 'mysql://root:hunter2@h/db'], /a mysql:\/\/ address is not a target/],
    [['check', 'postgres://u:hunter2@h:99999/db'], /a port that is not a number/],
    [['check', 'postgres://u:hunter2@h:port/db'], /a port that is not a number/],
    [['check'], /there is nothing to examine\n {2}name a target/],
    [['check', 'x.db', '--config', 'nope.yaml'], /there is no config file nope\.yaml/],
    [
      ['check', 'x.db', '--only', 'integrity/foriegn-keys'],
      /no check "integrity\/foriegn-keys"\n {2}did you mean integrity\/foreign-keys\?/,
    ],
    [['check', 'x.db', '--skip', '*/*'], /no check is left to run/],
    [
      ['check', 'x.db', '--only', 'integrity/foreign-keys', '--depth', 'quick', '--skip', 'connection'],
      /no check is left to run/,
    ],
    [
      ['check', 'x.db', '--format', 'docx'],
      /there is no format "docx"\n {2}write pretty or markdown or brief or html or json/,
    ],
    [['check', 'x.db', '--format', 'jsn=report'], /there is no format "jsn"\n {2}did you mean json\?/],
    [['check', 'x.db', '-f', 'json', '-f', 'pretty'], /two formats go to standard output/],
    [['explain', 'schema/tabels'], /did you mean schema\/tables\?/],
    [['demo', 'apocalypse'], /there is no scenario "apocalypse"\n {2}"dbdoctor demo --list" shows all scenarios/],
    [['demo', 'orphan'], /there is no scenario "orphan"\n {2}did you mean orphans\?/],
  ])('%j', async (args, message) => {
    const { exitCode, stdout, stderr } = await dbdoctor(args)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr.split('\n')).toHaveLength(2)
    expect(stderr).not.toMatch(/hunter2|at .*\.js/)
  })

  test.each([
    [['check', 'x.db', '--depth', 'abyss'], /Allowed choices are quick, standard, deep/],
    [['check', 'x.db', '--deadline', '10'], /Write a time with its unit/],
    [['check', 'x.db', '--concurrency', '0'], /Write a whole number from 1/],
    [['check', 'x.db', '--only', ','], /Name one or more checks/],
    [['check', 'x.db', '--fail-on', 'monday'], /Allowed choices are fail, warn, never/],
    [['check', 'x.db', '--fromat', 'json'], /unknown option '--fromat'\n\(Did you mean --format\?\)/],
    [['check', 'a.db', 'b.db'], /too many arguments/],
    [['chekc'], /unknown command 'chekc'\n\(Did you mean check\?\)/],
    [[], /Usage: dbdoctor/],
  ])('%j, in the words of the command line', async (args, message) => {
    const { exitCode, stdout, stderr } = await dbdoctor(args)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/at .*\.js/)
  })

  test.each([
    [
      'dbdoctor.config.json',
      '{ "database": { "expect": { "tables": "many" } } }',
      /dbdoctor\.config\.json is not a valid config: database\.expect\.tables/,
    ],
    ['dbdoctor.config.json', '{ "database": ', /dbdoctor\.config\.json cannot be parsed/],
    ['dbdoctor.config.yaml', 'database: [', /dbdoctor\.config\.yaml cannot be loaded/],
    ['dbdoctor.config.ts', 'export default {', /dbdoctor\.config\.ts cannot be (loaded|parsed)/],
    ['dbdoctor.config.json', '{ "plugins": ["./nope.js"] }', /the plugin \.\/nope\.js cannot be loaded/],
    ['dbdoctor.config.json', '{ "checks": { "schema/tabels": "off" } }', /did you mean schema\/tables/],
    [
      'dbdoctor.config.json',
      '{ "checks": { "connection/latency": { "options": { "connect": "soon" } } } }',
      /checks\["connection\/latency"\]\.options\.connect: write a time with its unit/,
    ],
    [
      'dbdoctor.config.json',
      '{ "checks": { "connection/latency": { "options": { "conect": "1s" } } } }',
      /checks\["connection\/latency"\]\.options: unknown setting "conect" \(did you mean "connect"\?\)/,
    ],
    [
      'dbdoctor.config.yaml',
      'database:\n  expct: {}',
      /database: unknown setting "expct" \(did you mean "expect"\?\)\n {2}docs\/config\.md lists/,
    ],
  ])('%s with %s', async (name, content, message) => {
    const cwd = await testFolder()
    writeFileSync(join(cwd, name), content)
    const { exitCode, stderr } = await dbdoctor(['check', 'x.db'], { cwd })
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/at .*\.js:/)
    expect(exitCode).toBe(2)
  })
})

test('a mistake that turns up while other checks look ends them, and the process', async () => {
  const { target } = await testDatabase(
    'postgres',
    'create table users (id int primary key); create table big as select g as id from generate_series(1, 300000) g',
  )
  const cwd = await testFolder()
  const assertions = [{ name: 'slow', sql: 'select a.id from big a, big b where a.id + b.id < 0', expect: 'empty' }]
  writeFileSync(
    join(cwd, 'dbdoctor.config.json'),
    JSON.stringify({ database: { users: { table: 'user' }, assertions } }),
  )
  const { exitCode, stdout, stderr } = await dbdoctor(['check', target], { cwd, timeout: hung })
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 2,
    stdout: '',
    stderr:
      'dbdoctor: database.users.table: there is no table "user"\n  did you mean "users"? correct it in the config',
  })
  const left =
    "select count(*)::int as n from pg_stat_activity where datname = current_database() and application_name = 'dbdoctor'"
  await expect.poll(async () => (await query(target, left)).n, { timeout: hung }).toBe(0)
})

describe('config', () => {
  test.each([
    ['dbdoctor.config.json', '{ "database": { "url": "sqlite:${FILE}", "expect": { "tables": 2 } } }'],
    ['dbdoctor.config.yml', 'database:\n  url: sqlite:${FILE}\n  expect: { tables: 2 }\n'],
    [
      'dbdoctor.config.ts',
      "import { defineConfig, env } from 'dbdoctor'\nconst tables: number = 2\nexport default defineConfig({ database: { url: env('FILE'), expect: { tables } } })",
    ],
    [
      'dbdoctor.config.mjs',
      "export default async () => ({ database: { url: 'sqlite:' + process.env.FILE, expect: { tables: 2 } } })",
    ],
  ])('%s is found upward, and filled from the environment', async (name, content) => {
    const folder = await testFolder()
    const cwd = join(folder, 'deep', 'down')
    mkdirSync(cwd, { recursive: true })
    writeFileSync(join(folder, name), content)
    const file = (await healthy()).slice('sqlite:'.length)
    const { stdout, stderr, exitCode } = await dbdoctor(['check'], { cwd, env: { FILE: file } })
    expect(stderr).toBe('')
    expect(stdout).toContain('there is 1 table, 2 expected')
    expect(exitCode).toBe(1)
  })

  test('a target on the command line replaces the url, and only it; then its variable may be unset', async () => {
    const cwd = await testFolder()
    writeFileSync(
      join(cwd, 'dbdoctor.config.json'),
      '{ "database": { "url": "${UNSET_FOR_SURE}", "expect": { "tables": 1 } } }',
    )
    expect((await dbdoctor(['check', await healthy()], { cwd })).stdout).toContain('1 of 1 table')
    const { exitCode, stderr } = await dbdoctor(['check'], { cwd })
    expect(stderr).toMatch(/^dbdoctor: the environment variable UNSET_FOR_SURE is not set\n/)
    expect(exitCode).toBe(2)
  })

  test('a plugin of the user’s own runs like a built-in check', async () => {
    const cwd = await testFolder()
    writeFileSync(
      join(cwd, 'mine.ts'),
      `import { defineCheck, definePlugin, sql } from 'dbdoctor'
      const check = defineCheck({ id: 'integrity/answer', title: 'The answer is 42', severity: 'error', after: ['connection/opens'],
        docs: { why: 'it is known', fix: 'ask again' }, messages: { wrong: ({ value }: { value: number }) => 'the answer is ' + value },
        async run({ db, report }) {
          const answer = await db.read(async (kysely) => (await sql<{ value: number }>\`select 41 as value\`.execute(kysely)).rows)
          if (answer.outcome === 'answered' && answer.value[0]) report('wrong', { value: answer.value[0].value })
        } })
      export default definePlugin({ name: 'mine', checks: [check] })`,
    )
    writeFileSync(join(cwd, 'dbdoctor.config.json'), '{ "plugins": ["./mine.ts"] }')
    const { stdout, exitCode } = await dbdoctor(['check', await healthy()], { cwd })
    expect(stdout).toContain('✘ The answer is 42\n      the answer is 41\n        integrity/answer#wrong\n')
    expect(exitCode).toBe(1)
  })

  test('DATABASE_URL is the last resort, and --env-file may hold it', async () => {
    const cwd = await testFolder()
    const target = await healthy()
    expect((await dbdoctor(['check'], { cwd, env: { DATABASE_URL: target } })).exitCode).toBe(0)
    writeFileSync(join(cwd, 'ci.env'), `ONLY_IN_FILE=${target}\n`)
    writeFileSync(join(cwd, 'dbdoctor.config.json'), '{ "database": { "url": "${ONLY_IN_FILE}" } }')
    expect((await dbdoctor(['check', '--env-file', 'ci.env'], { cwd })).exitCode).toBe(0)
  })
})

test('an environment file that cannot be read is bad usage', async () => {
  const { exitCode, stdout } = await dbdoctor(['check', 'x.db', '--env-file', 'nope.env'])
  // Node 20 reads --env-file itself, wherever it stands on the command line, and ends with 9.
  expect([2, 9]).toContain(exitCode)
  expect(stdout).toBe('')
})

describe('output', () => {
  test('json on standard output is one document, and nothing else', async () => {
    const { stdout, stderr } = await dbdoctor(['check', await ill(), '-f', 'json'])
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: { status: 'unhealthy', database: 'damaged' },
      counts: { fail: 1 },
    })
  })

  test('several formats at once, files beside standard output', async () => {
    const file = join(await testFolder(), 'report.json')
    const { stdout } = await dbdoctor(['check', await ill(), '-f', 'pretty', '-f', `json=${file}`])
    expect(stdout).toContain('UNHEALTHY')
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ exitCode: 1 })
  })

  test('a report that cannot be written is never a success', async () => {
    const full = await dbdoctor(['check', await healthy(), '-f', 'json=/dev/full'])
    expect(full.exitCode).toBe(2)
    expect(full.stderr).toMatch(/^dbdoctor: the report could not be written to \/dev\/full: ENOSPC\n/)
    const child = spawn(process.execPath, [executable, 'check', await healthy()], {
      stdio: ['ignore', openSync('/dev/full', 'w'), 'ignore'],
    })
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(2)
  })

  test('a reader that goes away is never a success', async () => {
    const child = spawn(process.execPath, [executable, 'check', await healthy(), '-f', 'json'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    child.stdout.destroy()
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(2)
  })

  test('a missing file is not created', async () => {
    const file = join(await testFolder(), 'gone.db')
    expect((await dbdoctor(['check', file])).exitCode).toBe(1)
    expect(existsSync(file)).toBe(false)
  })

  test('colour follows the flag, FORCE_COLOR, NO_COLOR, and only then the terminal', async () => {
    const target = await healthy()
    const sequence = '\u001b['
    const colored = async (args: string[], env: Record<string, string>) =>
      (await dbdoctor(['check', target, ...args], { env })).stdout.includes(sequence)
    expect(await colored([], {})).toBe(false)
    expect(await colored(['--color'], { NO_COLOR: '1' })).toBe(true)
    expect(await colored([], { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(true)
    expect(await colored(['--no-color'], { FORCE_COLOR: '1' })).toBe(false)
  })

  test('--quiet says nothing of what is well', async () => {
    const { stdout } = await dbdoctor(['check', await healthy(), '--quiet'])
    expect(stdout.trim()).toMatch(/^HEALTHY /)
  })

  test('the password is in no output, whatever goes wrong', async () => {
    const canary = 'canary-5f3a9c'
    const url = Object.assign(new URL(inject('postgres')), { password: canary }).href
    for (const args of [[], ['-f', 'json'], ['--verbose']]) {
      const { stdout, stderr, exitCode } = await dbdoctor(['check', url, ...args])
      expect(stdout + stderr).not.toContain(canary)
      expect(exitCode).toBe(1)
    }
  })
})

describe('other commands', () => {
  test('--version and --help', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(await dbdoctor(['--version'])).toEqual({ stdout: version, stderr: '', exitCode: 0 })
    const help = await dbdoctor(['check', '--help'])
    expect(help.exitCode).toBe(0)
    expect(help.stdout).toContain('dbdoctor check ./app.db')
  })

  test('list has a line a check, within 80 columns', async () => {
    const { stdout, exitCode } = await dbdoctor(['list'])
    expect(exitCode).toBe(0)
    expect(stdout).toContain('integrity/foreign-keys ')
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  test('explain says what a check costs, and with a target the statements that it sends there', async () => {
    const { stdout } = await dbdoctor(['explain', 'integrity/foreign-keys', await ill()])
    expect(stdout).toMatch(/^Plans\n {2}\w+ \(\w+\).*: .*(each key looked up|both indexes read|keys sorted)/m)
    expect(stdout).toMatch(/Costs\n {2}scan: rows of tables\n {2}lock: ACCESS SHARE on PostgreSQL\n/)
    expect(stdout).toMatch(/\nStatements\n[\s\S]*\n {2}select c\."rowid" as "v0" .* left join /)
    expect((await dbdoctor(['explain', 'integrity/writes'])).stdout).toContain('lock: ROW EXCLUSIVE on PostgreSQL')
    // Nobody is signed in or registered to be told of.
    expect((await dbdoctor(['explain', 'auth/registration', await ill()])).stdout).toMatch(
      /Statements\n {2}none: it asks nothing in SQL$/,
    )
    const unopened = await dbdoctor(['explain', 'schema/tables', '/nowhere/gone.db'])
    expect(unopened.stdout).toMatch(/\nStatements\n {2}none: by connection\/opens/)
    const postgres = await testDatabase('postgres', 'create table t (id int primary key)')
    expect((await dbdoctor(['explain', 'schema/tables', postgres.target])).stdout).toMatch(
      /\nStatements\n[\s\S]* from pg_class c /,
    )
  })

  test('explain says why, how to mend it, and what it may report', async () => {
    const { stdout } = await dbdoctor(['explain', 'connection/latency'])
    for (const part of ['Why\n', 'Fix\n', 'connection/latency#slow-query (warning)', 'query = "50ms"'])
      expect(stdout).toContain(part)
  })
})
