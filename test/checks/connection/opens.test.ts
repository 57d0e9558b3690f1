import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { routes } from '../../support/auth.js'
import {
  afterwards,
  asSuperuser,
  examine,
  examineOne,
  hung,
  onEachDialect,
  said,
  testDatabase,
  testFolder,
} from '../../support/databases.js'
import { freePort } from '../../support/postgres.js'

const opens = async (target: string) => said(await examineOne('connection/opens', target))

onEachDialect((dialect) => {
  test('a database that is there opens, and says what it is', async () => {
    const { target } = await testDatabase(dialect)
    const examined = await examine(target, { only: ['connection/opens'] })
    expect(said(examined.results[0] ?? expect.fail())).toBe('pass')
    expect(examined.target).toMatchObject({ dialect, version: expect.stringMatching(/^\d+\.\d+/) })
  })
})

test('a file that is not there is a finding, and everything else is blocked', async () => {
  const file = join(await testFolder(), 'gone.db')
  const { results: all, verdict } = await examine(file)
  const results = all.filter(({ skip }) => skip?.reason !== 'not-configured' && skip?.reason !== 'not-applicable')
  expect(results.length).toBeGreaterThan(5)
  expect(results.map(({ id, status, skip }) => `${id} ${skip ? `${skip.reason} ${skip.detail}` : status}`)).toEqual([
    'connection/opens fail',
    ...results.slice(1).map(({ id }) => `${id} blocked by connection/opens`),
  ])
  expect(results[0]?.findings[0]?.message).toBe(`there is no file at ${file}`)
  expect(verdict).toEqual({
    status: 'unhealthy',
    database: 'unreachable',
    headline: `The database could not be opened: there is no file at ${file}.`,
  })
})

test('a PostgreSQL that takes no writes by its settings says where they are; one whose role only reads is in order', async () => {
  const { target } = await testDatabase('postgres', 'create table users (id int primary key)')
  const database = new URL(target).pathname.slice(1)
  const url = await routes({ 'GET /': [200], 'POST /login': [500] })
  const config = {
    api: { url },
    auth: { login: { path: '/login', body: { email: 'ada@example.com', password: 'p' } } },
  }
  const causes = async () => (await examine(target, { config })).causes
  expect((await causes()).map(({ id }) => id)).toEqual(['api-server-erroring'])
  await asSuperuser(target, `alter database "${database}" set default_transaction_read_only = on`)
  const sentence = 'the database takes no writes: default_transaction_read_only is on in the settings of this database'
  expect(await opens(target)).toEqual([sentence])
  expect(await causes()).toMatchObject([
    { id: 'database-read-only', headline: `T${sentence.slice(1)}.`, explains: ['auth/login#erroring'] },
  ])
  await asSuperuser(
    target,
    `begin read write; alter database "${database}" reset default_transaction_read_only; commit`,
  )

  // What somebody asks for himself, or gives to a role that only reads, is no fault.
  const careful = new URL(target)
  careful.searchParams.set('options', '-c default_transaction_read_only=on')
  expect(await opens(careful.href)).toBe('pass')
})

test('a schema that search_path names and that is not there is said; what may be missing is not', async () => {
  const { target } = await testDatabase('postgres', 'create schema "A b"; create schema app')
  const path = (named: string) => {
    const url = new URL(target)
    url.searchParams.set('options', `-c search_path=${named.replaceAll(' ', '\\ ')}`)
    return opens(url.href)
  }
  for (const sound of ['app', '"A b", APP', '"$user", public', 'pg_temp, information_schema, pg_catalog'])
    expect(await path(sound)).toBe('pass')
  expect(await path('ap, app, "a b", "it""s"')).toEqual([
    'search_path names "ap", "a b", "it"s", and there is no such schema: tables are found elsewhere, or by their full name alone',
  ])
})

test('a file that holds something else says what', async () => {
  const folder = await testFolder()
  const holding = (name: string, content: string | Buffer) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  expect(await opens(holding('text.db', 'id,name\n1,Ada\n'))).toEqual([
    expect.stringMatching(/is not a SQLite database: it holds text$/),
  ])
  expect(await opens(holding('empty.db', ''))).toEqual([expect.stringMatching(/is empty: it holds no database/)])
  expect(await opens(folder)).toEqual([`${folder} is not a file: it is a directory`])
})

test('nothing listens, a wrong password, no such database: three different answers', async () => {
  const url = new URL(inject('postgres'))
  const at = (change: (copy: URL) => void) => {
    const copy = new URL(url)
    change(copy)
    return copy.href
  }
  const port = await freePort()
  expect(await opens(at((copy) => Object.assign(copy, { hostname: '127.0.0.1', port })))).toEqual([
    `nothing listens at 127.0.0.1:${port}`,
  ])
  expect(await opens(at((copy) => Object.assign(copy, { password: 'hunter2' })))).toEqual([
    `${url.host} refused the login: password authentication failed for user "postgres"; a wrong password, an unknown role and an expired one look the same from outside`,
  ])
  expect(await opens(at((copy) => Object.assign(copy, { pathname: '/nowhere' })))).toEqual([
    `the server at ${url.host} is up, but database "nowhere" does not exist`,
  ])
})

test('what listens and never answers is told within the deadline', async () => {
  const place = await listening(createServer(() => {}))
  const began = performance.now()
  const result = await examineOne('connection/opens', `postgres://u@${place}/db`, { deadline: 2_000 })
  expect(said(result)).toEqual([`${place} accepts connections and says nothing`])
  expect(performance.now() - began).toBeLessThan(hung)
})

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  afterwards(() => server.close())
  const address = server.address()
  return `127.0.0.1:${typeof address === 'object' && address?.port}`
}
