import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { dbdoctor, reportOf } from '../support/cli.js'
import { testDatabase, testFolder } from '../support/databases.js'

/** A folder with a SQLite application in it. */
async function scene(
  statements = 'create table users (id integer primary key, email text); create index i on users (email);',
) {
  const folder = await testFolder()
  const database = new BetterSqlite(join(folder, 'app.db'))
  database.exec(statements)
  const file = (name = 'dbdoctor.snapshot.json') => readFileSync(join(folder, name), 'utf8')
  return {
    folder,
    file,
    execute: (more: string) => database.exec(more),
    write: (name: string, content: unknown) =>
      writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content)),
    run: (...args: string[]) => dbdoctor(args, { cwd: folder }),
    report: (...args: string[]) => reportOf(['check', ...args], { cwd: folder }),
  }
}

const driftOf = ({ results }: Awaited<ReturnType<typeof reportOf>>) => results.find(({ id }) => id === 'schema/drift')

describe('dbdoctor snapshot', () => {
  test('writes one thing a line, always the same, and check holds the schema against it', async () => {
    const { run, report, file, execute } = await scene()
    const made = await run('snapshot', 'app.db')
    expect([made.exitCode, made.stdout]).toEqual([0, ''])
    expect(made.stderr).toMatch(/\/dbdoctor\.snapshot\.json: 5 definitions, of 1 table and what else there is$/)
    const first = file()
    expect(first.split('\n')).toEqual([
      '{',
      '  "kind": "dbdoctor-snapshot",',
      '  "schemaVersion": 1,',
      '  "dialect": "sqlite",',
      '  "objects": [',
      '    {"schema":"main","kind":"table","name":"users","definition":"ordinary"},',
      '    {"schema":"main","table":"users","kind":"column","name":"email","definition":"text"},',
      '    {"schema":"main","table":"users","kind":"column","name":"id","definition":"integer"},',
      '    {"schema":"main","table":"users","kind":"constraint","name":"primary key","definition":"primary key (id)"},',
      '    {"schema":"main","table":"users","kind":"index","name":"i","definition":"create index i on users(email)"}',
      '  ]',
      '}',
      '',
    ])
    await run('snapshot', 'app.db')
    expect(file()).toBe(first)
    expect(await report('app.db')).toMatchObject({ exitCode: 0, verdict: { database: 'intact' } })

    execute('drop index i')
    const drifted = await report('app.db')
    expect([drifted.exitCode, driftOf(drifted)?.findings[0]?.message]).toEqual([1, 'index "i" of "users" is missing'])
    expect(drifted.causes[0]?.headline).toContain('index "i" of "users" is missing')
  })

  test('goes where the config says, seen from the config, or where --output says', async () => {
    const { run, report, write, file } = await scene()
    write('dbdoctor.config.json', { database: { url: 'sqlite:app.db', expect: { snapshot: './schema.json' } } })
    expect((await run('snapshot')).exitCode).toBe(0)
    expect((await run('snapshot', '-o', 'other.json')).exitCode).toBe(0)
    expect(file('other.json')).toBe(file('schema.json'))
    expect(driftOf(await report())?.status).toBe('pass')
  })

  test('keeps to the schemas of the config', async () => {
    const { target } = await testDatabase(
      'postgres',
      'create table t (x int); create schema audit; create table audit.log (x int);',
    )
    const { run, write, file } = await scene()
    write('dbdoctor.config.json', { database: { url: target, schemas: ['audit'] } })
    expect((await run('snapshot')).exitCode).toBe(0)
    expect(JSON.parse(file())).toMatchObject({ schemas: ['audit'], objects: [{ name: 'log' }, { name: 'x' }] })
  })

  test('writes nothing where it can not write all', async () => {
    const { target } = await testDatabase('postgres', 'create table t (x int default 7);')
    const { run, folder } = await scene()
    const refused = async (...args: string[]) => {
      const { exitCode, stderr } = await run('snapshot', ...args)
      expect([exitCode, stderr.split('\n').length]).toEqual([2, 2])
      expect(readdirSync(folder)).toEqual(['app.db'])
      return stderr
    }
    expect(await refused('./gone.db')).toMatch(
      /nothing was written: the database at \.\/gone\.db cannot be opened: no such file/,
    )
    expect(await refused()).toMatch(/there is nothing to examine/)
    expect(await refused('app.db', '-o', 'no/such/folder.json')).toMatch(/folder\.json cannot be written: ENOENT/)
    const holder = new pg.Client({ connectionString: target })
    await holder.connect()
    try {
      await holder.query('begin; lock table t in access exclusive mode')
      expect(await refused(target)).toMatch(
        /nothing was written: what each column is cannot be read: canceling statement due to lock timeout/,
      )
    } finally {
      await holder.end()
    }
  })
})

describe('a snapshot that can not be used is exit 2', () => {
  const head = { kind: 'dbdoctor-snapshot', schemaVersion: 1, dialect: 'sqlite', objects: [] }

  test.each([
    ['is not JSON', '{', /snapshot\.json is not JSON\n {2}correct database\.expect\.snapshot, or write the file anew/],
    ['is none', { objects: 7 }, /snapshot\.json is not a snapshot: kind: /],
    ['has a fault', { ...head, objects: [{ kind: 'tabel' }] }, /is not a snapshot: objects\[0\]\.schema: /],
    [
      'is of a later version',
      { ...head, schemaVersion: 2 },
      /is a snapshot of version 2, and this dbdoctor knows version 1\n {2}examine with .* newer one/,
    ],
    [
      'is of another engine',
      { ...head, dialect: 'postgres' },
      /the snapshot is of a postgres database, and this one is sqlite\n/,
    ],
  ])('one that %s', async (_, content, message) => {
    const { run, write } = await scene()
    write('dbdoctor.snapshot.json', content)
    const { exitCode, stdout, stderr } = await run('check', 'app.db')
    expect([exitCode, stdout, stderr.split('\n').length]).toEqual([2, '', 2])
    expect(stderr).toMatch(message)
    expect((await run('check', 'app.db', '--skip', 'schema/drift')).exitCode).toBe(0)
  })

  test('one that the config names and is not there', async () => {
    const { run, write } = await scene()
    write('dbdoctor.config.json', { database: { url: 'sqlite:app.db', expect: { snapshot: 'gone.json' } } })
    const { exitCode, stderr } = await run('check')
    expect([exitCode, stderr]).toEqual([
      2,
      expect.stringMatching(/the snapshot \/.*gone\.json cannot be read: ENOENT\n/),
    ])
  })
})
