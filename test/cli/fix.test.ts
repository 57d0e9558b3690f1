import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { expect, test } from 'vitest'
import demoScenarios from '../../fixtures/demo/index.js'
import { ownerOf } from '../../fixtures/postgres/binaries.js'
import type { Plan } from '../../src/repair/step.js'
import type { Report } from '../../src/report/report.js'
import { dbdoctor, reportOf } from '../support/cli.js'
import { afterwards, onEachDialect, testDatabase, testFolder } from '../support/databases.js'
import { findBinaries, startPostgres } from '../support/postgres.js'
import { demoApplication } from '../support/servers.js'

const demo = (scenario: string, ...more: string[]) => ['demo', scenario, '--fix', '--no-progress', ...more]

test('demo server-down --fix starts the server, mends the test user, and ends healthy', async () => {
  const folder = await testFolder()
  const file = join(folder, 'report.json')
  const { stdout, exitCode } = await dbdoctor(demo('server-down', '-f', 'markdown', '-f', `json=${file}`))
  expect(exitCode).toBe(0)
  const applied = stdout.slice(stdout.indexOf('## Fixes applied'), stdout.indexOf('## System performance'))
  expect(applied).toContain('### 1. Start the API server ✅')
  expect(applied).toMatch(/- Before: nothing listens at http:\/\/127\.0\.0\.1:\d+ .*server\/reachable#refused/)
  expect(applied).toMatch(/- After: The API server answers: 200 in /)
  expect(applied).toContain('### 2. Create the probe user, or set its password ✅')
  expect(applied).toContain('- After: The database knows the probe user: scrypt, password matches')
  expect(applied).not.toContain('Fixes suggested')
  expect(stdout).toMatch(
    /1\. \*\*No database crash\*\*: 38 of 38 tables.*\n2\. \*\*Nothing listens at .*\*\*: mended \(start the API server\)/,
  )
  expect(stdout).toContain('- ✅ the configured password of test@example.com does not match the stored hash (scrypt)')
  expect(stdout).not.toContain('TestPassword123')
})

test('demo orphans --fix puts the rows aside, and ends healthy', async () => {
  const report = await reportOf(demo('orphans'))
  expect([report.exitCode, report.verdict.status, report.verdict.database]).toEqual([0, 'healthy', 'intact'])
  expect(report.fixes?.map(({ class: kind, outcome, rows }) => [kind, outcome, rows])).toEqual([
    ['data', 'applied', 59],
    ['data', 'applied', 2],
  ])
})

test('what cannot be mended is left, and said', async () => {
  const report = await reportOf(demo('jwt-key-mismatch'))
  expect([report.exitCode, report.fixes]).toEqual([1, []])
})

test('a plan has formats of its own, and steps that exist', async () => {
  const html = await dbdoctor(['fix', 'app.db', '-f', 'html'])
  expect([html.exitCode, html.stderr]).toEqual([
    2,
    'dbdoctor: a plan has no format "html"\n  write pretty or json or sql, or NAME=FILE; the others are for the report after --apply',
  ])
  const steps = await dbdoctor(['fix', 'app.db', '--steps', '1,x'])
  expect([steps.exitCode, steps.stderr]).toEqual([2, expect.stringContaining('Write numbers of steps')])
  const classes = await dbdoctor(['fix', 'app.db', '--class', 'all'])
  expect([classes.exitCode, classes.stderr]).toEqual([
    2,
    expect.stringContaining('Write one or more of safe, data, service.'),
  ])
})

test('what does not open has no step in the database', async () => {
  const { stdout, exitCode } = await dbdoctor(['fix', join(await testFolder(), 'gone.db'), '--no-progress'])
  expect(exitCode).toBe(0)
  expect(stdout).toContain('There is nothing that dbdoctor can mend.')
  expect(stdout).toMatch(/Left to you\n +connection\/opens#missing +there is no file at /)
})

test('planning changes no byte, not even beside a hot journal; rolled back, it can be put back', async () => {
  const { target, hash } = await broken('writer-killed')
  const before = await hash()
  const args = ['fix', target, '--no-progress', '--only', 'connection']
  const plan: Plan = JSON.parse((await dbdoctor([...args, '-f', 'json'])).stdout)
  expect(plan.steps.map(({ what }) => what)).toEqual([
    'copy the file and its hot journal aside, and roll the journal back',
  ])
  expect(await hash()).toBe(before)
  const journal = join(await testFolder(), 'journal')
  const report = await reportOf([...args, '--apply', plan.id, '--journal', journal, '--yes'])
  expect(report.fixes).toEqual([
    expect.objectContaining({
      outcome: 'applied',
      before: expect.stringContaining('its journal is hot'),
      after: 'The database has not crashed and recovered lately',
    }),
  ])
  expect(await hash()).not.toBe(before)
  await dbdoctor(['fix', target, '--undo', journal])
  expect(await hash()).toBe(before)
})

test('of a damaged file what can be read is saved into a new one, and nothing in it is changed', async () => {
  const { target, hash } = await broken('file-truncated')
  const before = await hash()
  const args = ['fix', target, '--no-progress']
  for (const shell of [process.env.PATH, '/nowhere']) {
    const env = { PATH: shell }
    const plan: Plan = JSON.parse((await dbdoctor([...args, '-f', 'json'], { env })).stdout)
    expect(plan.steps.map(({ file }) => file?.action)).toEqual(['recover'])
    const journal = join(await testFolder(), 'journal')
    const report = await reportOf([...args, '--apply', plan.id, '--journal', journal, '--yes'], { env })
    expect(report.exitCode).toBe(1)
    const [fix] = report.fixes ?? []
    expect(fix?.after).toMatch(
      shell === '/nowhere'
        ? /^\d+ tables with [\d,]+ rows saved, table by table, around what cannot be read/
        : /^\d+ tables with [\d,]+ rows saved, /,
    )
    const file = plan.steps[0]?.file?.to ?? ''
    expect(
      (await reportOf(['check', file, '--only', 'storage'])).results.find(({ id }) => id === 'storage/pages'),
    ).toMatchObject({ status: 'pass' })
    await dbdoctor(['fix', target, '--undo', journal])
    expect(existsSync(file)).toBe(false)
  }
  expect(await hash()).toBe(before)
})

test('rows around a page that cannot be read are saved, and counted', async () => {
  const path = join(await testFolder(), 'app.db')
  const database = new BetterSqlite(path)
  database.exec(`create table notes (id integer primary key, body text); create index by_body on notes (body);
    create table tags (name text primary key) without rowid; insert into tags values ('a'), ('b');
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 5000) insert into notes select i * 3, 'note ' || i from n`)
  const page = database
    .prepare("select pageno from dbstat where name = 'notes' and pagetype = 'leaf' order by pageno limit 1 offset 9")
    .pluck()
    .get()
  database.close()
  const bytes = await readFile(path)
  bytes.fill(0xa5, (Number(page) - 1) * 4096, Number(page) * 4096)
  await writeFile(path, bytes)
  const env = { PATH: '/nowhere' }
  const plan: Plan = JSON.parse((await dbdoctor(['fix', path, '--no-progress', '-f', 'json'], { env })).stdout)
  expect(plan.steps.map(({ file }) => file?.action)).toEqual(['recover'])
  const journal = join(await testFolder(), 'journal')
  const report = await reportOf(['fix', path, '--apply', plan.id, '--journal', journal, '--yes'], { env })
  const [, rows] =
    /2 tables with ([\d,]+) rows saved, table by table.*: notes \d+, tags 2$/.exec(`${report.fixes?.[0]?.after}`) ?? []
  const saved = Number(rows?.replace(',', ''))
  expect(saved).toBeGreaterThan(4500)
  expect(saved).toBeLessThan(5002)
})

/** The file of a scenario, after whoever works with it has gone. */
async function broken(scenario: string): Promise<{ target: string; hash: () => Promise<string> }> {
  const folder = await testFolder()
  const { stop, config } = (await demoScenarios.scenarios.find(({ name }) => name === scenario)?.start(folder)) ?? {}
  await stop?.()
  const target = String(config?.database?.url)
  const path = target.replace(/^sqlite:/, '')
  const hash = async () => {
    const files = [path, `${path}-journal`].filter((file) => existsSync(file))
    const parts = await Promise.all(files.map((file) => readFile(file)))
    return createHash('sha256').update(Buffer.concat(parts)).digest('hex')
  }
  return { target, hash }
}

test('a probe user who is not there is registered with the API, where nothing else is said', async () => {
  const { config } = await demoApplication()
  const login = { ...config.auth.login, body: { email: 'new@example.com', password: 'Brand-New-42!' } }
  const auth = { login, jwt: config.auth.jwt, register: { path: config.auth.register.path } }
  const folder = await testFolder()
  const path = join(folder, 'dbdoctor.config.json')
  const { database, api } = config
  await writeFile(path, JSON.stringify({ database: { url: database.url, users: {} }, api, auth }))
  const args = ['fix', '-c', path, '--no-progress', '--skip', 'connection/latency,server/latency']
  const plan: Plan = JSON.parse((await dbdoctor([...args, '-f', 'json'])).stdout)
  expect(plan.steps.map(({ what, statements }) => [what, ...statements])).toEqual([
    [
      'register the probe user with the API',
      `POST ${api.url}/api/v1/auth/register, with the user and the password of auth.login`,
    ],
  ])
  const { stdout } = await dbdoctor([
    ...args,
    '--apply',
    plan.id,
    '--yes',
    '--journal',
    join(folder, 'journal'),
    '-f',
    'json',
  ])
  const report: Report = JSON.parse(stdout)
  expect(report.fixes).toEqual([
    expect.objectContaining({
      outcome: 'applied',
      after: 'The database knows the probe user: scrypt, password matches',
    }),
  ])
  expect(stdout).not.toContain('Brand-New-42!')
  expect(await readFile(join(folder, 'journal'), 'utf8')).not.toContain('Brand-New-42!')
})

test('a database server that is stopped is started by the command of the config, and by nothing else', async () => {
  const server = await startPostgres()
  await server.halt()
  const folder = await testFolder()
  const { ids, prefix } = await ownerOf(findBinaries())
  const arguments_ = [
    ...[...prefix, join(findBinaries(), 'postgres'), '-D', join(server.folder, 'data')],
    ...['-c', `port=${server.port}`, '-c', `unix_socket_directories=${server.folder}`, '-c', 'fsync=off'],
  ]
  const program = `const { spawn } = require('node:child_process')
    const [command, ...args] = ${JSON.stringify(arguments_)}
    const child = spawn(command, args, { ...${JSON.stringify(ids)}, detached: true, stdio: 'ignore' })
    require('node:fs').writeFileSync(${JSON.stringify(join(folder, 'pid'))}, String(child.pid))
    child.unref()`
  const path = join(folder, 'dbdoctor.config.json')
  const args = ['fix', '-c', path, '--no-progress', '--only', 'connection/opens']
  await writeFile(path, JSON.stringify({ database: { url: server.url } }))
  const { stdout } = await dbdoctor(args)
  expect(stdout).toContain('database.start of the config would say how it is started, and is not there')
  await writeFile(path, JSON.stringify({ database: { url: server.url, start: [process.execPath, '-e', program] } }))
  const plan: Plan = JSON.parse((await dbdoctor([...args, '-f', 'json'])).stdout)
  expect(plan.steps.map(({ what }) => what)).toEqual(['start the database server'])
  const report = await reportOf([...args, '--apply', plan.id, '--yes', '--journal', join(folder, 'journal')])
  afterwards(async () => process.kill(Number(await readFile(join(folder, 'pid'), 'utf8')), 'SIGINT'))
  expect([report.exitCode, report.fixes?.map(({ outcome }) => outcome)]).toEqual([0, ['applied']])
})

onEachDialect((dialect) => {
  test('what the snapshot has is made again', async () => {
    const database = await testDatabase(
      dialect,
      `create table users (id integer primary key, email text);
      create table posts (id integer primary key, user_id integer${dialect === 'sqlite' ? ' references users' : ''});
      create index by_email on users (email);
      ${dialect === 'sqlite' ? '' : 'alter table posts add constraint posts_user foreign key (user_id) references users'}`,
    )
    const folder = await testFolder()
    const snapshot = join(folder, 'dbdoctor.snapshot.json')
    await dbdoctor(['snapshot', database.target, '-o', snapshot])
    await database.execute(
      `drop index by_email; ${dialect === 'sqlite' ? '' : 'alter table posts drop constraint posts_user'}`,
    )
    const path = join(folder, 'dbdoctor.config.json')
    await writeFile(
      path,
      JSON.stringify({ database: { url: database.target, expect: { snapshot: './dbdoctor.snapshot.json' } } }),
    )
    const args = ['fix', '-c', path, '--no-progress', '--only', 'schema/drift']
    const plan: Plan = JSON.parse((await dbdoctor([...args, '-f', 'json'])).stdout)
    const journal = join(folder, 'journal')
    const report = await reportOf([...args, '--apply', plan.id, '--yes', '--journal', journal])
    expect(report.fixes?.map(({ what, outcome }) => [what, outcome])).toEqual([
      ['create index "by_email", as the snapshot has it', 'applied'],
      ...(dialect === 'sqlite' ? [] : [['add foreign key "posts_user" to "posts", as the snapshot has it', 'applied']]),
    ])
    expect(report.exitCode).toBe(0)
    await dbdoctor([...args, '--undo', journal])
    expect((await reportOf(['check', '-c', path, '--only', 'schema/drift'])).exitCode).toBe(1)
  })
})

test('what the snapshot promises of rows is made once rows are mended, and what fails on others comes last', async () => {
  const database = await testDatabase(
    'postgres',
    `create table users (id serial primary key); insert into users select generate_series(1, 50);
    create table posts (id int primary key, user_id int constraint posts_user references users, slug text constraint slugs unique);
    create index on posts (user_id); create unique index by_slug on posts (lower(slug));
    insert into posts select i, 1 + i % 50, 's' || i from generate_series(1, 500) i`,
  )
  const folder = await testFolder()
  const path = join(folder, 'dbdoctor.config.json')
  const expected = { snapshot: './dbdoctor.snapshot.json' }
  await writeFile(path, JSON.stringify({ database: { url: database.target, expect: expected } }))
  await dbdoctor(['snapshot', database.target, '-o', join(folder, 'dbdoctor.snapshot.json')])
  await database.execute(`alter table posts drop constraint posts_user, drop constraint slugs; drop index by_slug;
    delete from users where id = 3; update posts set slug = 'S1' where id = 4`)
  const args = ['fix', '-c', path, '--no-progress']
  const plan: Plan = JSON.parse((await dbdoctor([...args, '-f', 'json'])).stdout)
  const report = await reportOf([...args, '--apply', plan.id, '--yes', '--journal', join(folder, 'journal')])
  expect(report.fixes?.map(({ what, outcome }) => [what, outcome])).toEqual([
    ['put aside 10 rows of posts without a parent, in "dbdoctor_quarantine_posts_user_id"', 'applied'],
    ['set sequence "users_id_seq" forward', 'applied'],
    ['add foreign key "posts_user" to "posts", as the snapshot has it', 'applied'],
    ['create index "by_slug", as the snapshot has it', 'failed'],
  ])
})
