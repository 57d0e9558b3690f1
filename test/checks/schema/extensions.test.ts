import { describe, expect, test } from 'vitest'
import { asSuperuser, examine, examineOne, said, testDatabase } from '../../support/databases.js'

const extensions = (target: string, depth: 'quick' | 'standard' | 'deep' = 'standard') =>
  examineOne('schema/extensions', target, { depth })

const tables = `create extension citext; create extension hstore;
  create table p (email citext primary key, attrs hstore not null check (attrs ? 'a')); insert into p values ('ada', 'a=>1'), ('bob', 'a=>2');
  create table c (id int primary key, p_email citext references p, u citext unique); insert into c values (1, 'ADA', 'x'); create index on c (p_email);
  create view v as select attrs -> 'a' as a from p; create materialized view mv as select * from p;`

/** A database whose server was exchanged for one that has not got these. */
const elsewhere = (...names: string[]) =>
  names
    .map(
      (name) => `update pg_proc set probin = '$libdir/${name}_gone' where probin = '$libdir/${name}';
        update pg_extension set extname = '${name}_gone' where extname = '${name}';`,
    )
    .join(' ')

describe.each(['quick', 'standard', 'deep'] as const)('extensions that are on the server (%s)', (depth) => {
  test('are silent', async () => {
    const { target } = await testDatabase(
      'postgres',
      `${tables} create schema "Odd"; create extension ltree schema "Odd"`,
    )
    const result = await extensions(target, depth)
    expect([said(result), result.coverage]).toEqual(['pass', { examined: 4, of: 4, unit: 'extension', missing: [] }])
  })
})

test('an extension whose library is not on this server is the cause, and nothing is damaged', async () => {
  const { target } = await testDatabase('postgres', `${tables} create extension amcheck`)
  await asSuperuser(target, elsewhere('citext', 'hstore'))
  const version = async () => (await extensions(target)).findings.map(({ evidence }) => evidence.version)
  const [citext, hstore] = await version()
  const says = (name: string, of: unknown) =>
    `extension "${name}_gone" ${of} is installed in the database, and its library cannot be loaded on this server: could not access file "${name}_gone": No such file or directory`
  const words = (await extensions(target, 'quick')).findings.map(({ message }) => message.replace('$libdir/', ''))
  expect(words).toEqual([says('citext', citext), says('hstore', hstore)])
  const { verdict, causes, results } = await examine(target, { depth: 'deep' })
  expect([verdict.status, causes.map(({ id }) => id)]).toEqual(['unhealthy', ['extension-missing']])
  expect(results.filter(({ status }) => status === 'fail').map(({ id }) => id)).toEqual(['schema/extensions'])
  // What could not be looked at for want of it is said, and is no fault of its own.
  const gaps = results.flatMap(({ id, coverage }) => (coverage?.missing ?? []).map(({ object }) => `${id}: ${object}`))
  expect(gaps).toEqual(
    expect.arrayContaining([
      'storage/pages: p',
      'schema/views: v',
      'schema/views: mv',
      'integrity/foreign-keys: c (p_email)',
    ]),
  )
})

test('one that only cannot be created here, because the server does not offer it, is a note', async () => {
  const { target } = await testDatabase('postgres', tables)
  await asSuperuser(target, "update pg_extension set extname = 'renamed' where extname = 'hstore'")
  const result = await extensions(target)
  expect([result.status, said(result)]).toEqual([
    'pass',
    [
      expect.stringMatching(
        /^extension "renamed" [\d.]+ is installed in the database, and this server does not offer it: a dump of it cannot be restored here$/,
      ),
    ],
  ])
  expect((await examine(target)).verdict.status).toBe('healthy')
})

test('a library is loaded without need only where everything is asked for', async () => {
  const { target } = await testDatabase('postgres', tables)
  await asSuperuser(target, "update pg_proc set probin = '$libdir/gone' where probin = '$libdir/hstore'")
  expect(said(await extensions(target))).toBe('pass')
  expect((await extensions(target, 'deep')).findings.map(({ evidence }) => evidence.extension)).toEqual(['hstore'])
})
