import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialectOf, parseTarget } from '../../src/dialects/target.js'
import { shapes } from '../support/addresses.js'
import { dbdoctor } from '../support/cli.js'

const here = process.cwd()
const folder = mkdtempSync(join(tmpdir(), 'dbdoctor-target-'))
beforeAll(() => {
  for (const name of ['backend', 'prisma']) mkdirSync(join(folder, name))
  for (const name of ['plain', 'app.db', 'backend/app.db', 'prisma/dev.db', 'a b.db', 'what?.db'])
    writeFileSync(join(folder, name), '')
  process.chdir(folder)
})
afterAll(() => {
  process.chdir(here)
  rmSync(folder, { recursive: true })
})

describe('parseTarget', () => {
  test.each([
    ['postgres://h/db', 'postgres'],
    ['postgresql://h/db', 'postgres'],
    ['POSTGRES://h/db', 'postgres'],
    ['sqlite:any name', 'sqlite'],
    ['./app', 'sqlite'],
    ['/var/app', 'sqlite'],
    ['app.db', 'sqlite'],
    ['app.db3', 'sqlite'],
    ['app.sqlite', 'sqlite'],
    ['app.SQLITE3', 'sqlite'],
    ['plain', 'sqlite'],
  ])('%s is %s', (text, dialect) => expect(parseTarget(text).dialect).toBe(dialect))

  test.each([
    '',
    'foo',
    'localhost:5432/app',
    'localhost:5432',
    'mysql://u:hunter2@h/db',
    'http://h/',
    'host=h dbname=x',
    'sqlite:',
    'u:hunter2@h',
  ])('%j is refused, with both forms shown and nothing secret', (text) => {
    const refusal = expect.objectContaining({
      code: 'ERR_TARGET_INVALID',
      hint: expect.stringMatching(/postgres:\/\/.*sqlite:PATH/),
    })
    expect(() => parseTarget(text)).toThrow(refusal)
    expect(() => parseTarget(text)).toThrow(expect.not.stringContaining('hunter2'))
  })
})

describe('an address as frameworks write it', () => {
  test.each([
    ['"postgres://h/db"', 'postgres://h/db'],
    [" 'postgres://h/db' ", 'postgres://h/db'],
    ['postgresql+asyncpg://h/db', 'postgresql://h/db'],
    ['postgres+psycopg2://h/db', 'postgresql://h/db'],
    ['sqlite:///./backend/app.db', './backend/app.db'],
    ['sqlite:///app.db', 'app.db'],
    ['sqlite+aiosqlite:///backend/app.db', 'backend/app.db'],
    ['sqlite://backend/app.db', 'backend/app.db'],
    ['sqlite3:app.db', 'app.db'],
    ['sqlite:////no/such.db', '/no/such.db'],
    ['file:./app.db', './app.db'],
    ['file:app.db?mode=ro', 'app.db'],
    ['file:a%20b.db', 'a b.db'],
    ['file:///no/such.db', '/no/such.db'],
    ['file:./dev.db', 'prisma/dev.db'],
    ['jdbc:sqlite:backend/app.db', 'backend/app.db'],
    ['sqlite:app.db?cache=shared', 'app.db'],
    ['sqlite:what?.db', 'what?.db'],
  ])('%s is %s', (text, address) => expect(parseTarget(text).address).toBe(address))

  test('an absolute path behind three slashes is found', () => {
    const path = join(folder, 'app.db')
    expect(parseTarget(`sqlite://${path}`).address).toBe(path)
    expect(parseTarget(`file://${path}`).address).toBe(path)
  })

  test('what was understood is said, and nothing where it was plain', () => {
    expect(parseTarget('sqlite:///./backend/app.db').understood).toBe('sqlite: read as the file ./backend/app.db')
    expect(parseTarget('postgresql+asyncpg://u:hunter2@h/db').understood).toBe(
      'postgresql+asyncpg:// read as postgresql://',
    )
    for (const plain of ['app.db', 'sqlite:app.db', 'postgres://h/db', ' "app.db" '])
      expect(parseTarget(plain)).not.toHaveProperty('understood')
  })

  test.each([
    ['sqlite:///no/such.db', 'sqlite:no/such.db or sqlite:/no/such.db'],
    ['postgres+ssl://u:hunter2@h/db', 'sslmode=require'],
    [
      'jdbc:postgresql://h/db?user=u&password=hunter2',
      'postgres://user@host:5432/database, and the password in PGPASSWORD',
    ],
    ['postgres:/u:hunter2@h/db', 'two slashes'],
    ['DATABASE_URL=postgres://u:hunter2@h/db', 'leave out the name'],
    ['export DATABASE_URL="postgres://u:hunter2@h/db"', 'leave out the name'],
    ['psql postgres://u:hunter2@h/db', 'leave out psql'],
    ['host=h dbname=d user=u password=hunter2', 'its parts as postgres://'],
    ['Server=h;Database=d;Password=hunter2', 'its parts as postgres://'],
    ['//u:hunter2@h/db', 'postgres://user@host'],
    ['sqlite:postgres://u:hunter2@h/db.db', 'postgres://user@host'],
    [':memory:', 'sqlite:PATH'],
    ['sqlite::memory:', 'sqlite:PATH'],
    ['sqlite://', 'sqlite:PATH'],
  ])('%s is refused, and the way out is named: %s', (text, wayOut) => {
    const refusal = expect.objectContaining({ code: 'ERR_TARGET_INVALID', hint: expect.stringContaining(wayOut) })
    expect(() => parseTarget(text)).toThrow(refusal)
    expect(() => parseTarget(text)).toThrow(expect.not.stringContaining('hunter2'))
  })

  test('who named it is named', () => {
    expect(() => parseTarget('foo', { source: 'DATABASE_URL' })).toThrow(/^DATABASE_URL: "foo" is not a target$/)
  })
})

describe('a password', () => {
  test('is in no refusal, whatever the address looks like', () => {
    const password = fc.string({ maxLength: 20 }).map((noise) => `C4NARY${noise}`)
    fc.assert(
      fc.property(fc.constantFrom(...shapes), password, (shape, secret) => {
        try {
          const { dialect, address } = parseTarget(shape(secret))
          if (dialect === 'sqlite') expect(address).not.toContain('C4NARY')
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_TARGET_INVALID' })
          expect(`${(error as Error).message} ${(error as { hint?: string }).hint}`).not.toContain('C4NARY')
        }
      }),
    )
  })

  test.each(shapes.map((shape) => [shape('•••'), shape('C4NARY')] as const))(
    'is in no output of a run: %s',
    async (_, address) => {
      const cwd = mkdtempSync(join(folder, 'run-'))
      writeFileSync(join(cwd, 'named.config.json'), JSON.stringify({ database: { url: address } }))
      const formats = ['-f', 'pretty', '-f', 'markdown', '-f', 'json=report.json', '-f', 'html=report.html']
      const ways = [
        { args: [address] },
        { args: [], env: { DATABASE_URL: address } },
        { args: ['-c', 'named.config.json'] },
      ]
      for (const { args, env } of ways) {
        const { stdout, stderr, exitCode } = await dbdoctor(['check', ...args, '--depth', 'quick', ...formats], {
          cwd,
          ...(env && { env }),
        })
        const understood = exitCode === 1
        expect([1, 2]).toContain(exitCode)
        const files = understood
          ? ['report.json', 'report.html'].map((name) => readFileSync(join(cwd, name), 'utf8'))
          : []
        expect([stdout, stderr, ...files].join('\n')).not.toContain('C4NARY')
        expect(stderr === '').toBe(understood)
      }
    },
  )
})

describe('connection strings', () => {
  test.each([
    ['postgres://u:hunter2@h:99999/db', 'a port that is not a number from 0 to 65535'],
    ['postgres://u:hunter2@h:abc/db', 'a port that is not a number from 0 to 65535'],
    ['postgres://u:hun#ter2@h/db', 'cannot be parsed'],
    ['postgres://u:hunter2@a,b/db', 'several hosts'],
    ['postgres://u:hunter2@a:5432,b:5433/db?target_session_attrs=read-write', 'several hosts'],
    ['postgres://u:hunter2@/db?host=a,b&port=5432', 'several hosts'],
    ['postgres://u:hunter2@h/db?sslmode=maybe', 'an unknown sslmode'],
    ['postgres://u:hunter2@h/db?sslmode=verify-ca', 'without sslrootcert'],
    ['postgres://u:hunter2@h/db?sslmode=verify-full&sslrootcert=/no/such/file', 'a certificate file that is not there'],
  ])('%s is refused: %s', async (url, what) => {
    await expect(dialectOf(parseTarget(url), {})).rejects.toThrow(what)
    await expect(dialectOf(parseTarget(url), {})).rejects.toThrow(expect.not.stringMatching(/hunter2|hun#ter2/))
  })

  test('a comma in a password does not make two hosts', async () => {
    await expect(
      dialectOf(parseTarget('postgres://u:hun,ter2@h:5432/db?options=-c%20search_path=a,b'), {}),
    ).resolves.toBeDefined()
  })

  test('whatever is in a password, no refusal repeats it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 6 }), async (noise) => {
        const password = `s3cret${noise}`
        await dialectOf({ dialect: 'postgres', address: `postgres://u:${password}@h:5432/db` }, {}).catch(
          (error: Error & { hint?: string }) => {
            expect(`${error.message} ${error.hint}`).not.toContain('s3cret')
          },
        )
      }),
    )
  })
})
