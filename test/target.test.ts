import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialectOf, parseTarget } from '../src/target.js'

const here = process.cwd()
const folder = mkdtempSync(join(tmpdir(), 'dbdoctor-target-'))
beforeAll(() => {
  writeFileSync(join(folder, 'plain'), '')
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

describe('connection strings', () => {
  test.each([
    ['postgres://u:hunter2@h:99999/db', 'a port that is not a number from 0 to 65535'],
    ['postgres://u:hunter2@h:abc/db', 'a port that is not a number from 0 to 65535'],
    ['postgres://u:hun#ter2@h/db', 'cannot be parsed'],
    ['postgres://u:hunter2@a,b/db', 'several hosts'],
    ['postgres://u:hunter2@h/db?sslmode=maybe', 'an unknown sslmode'],
    ['postgres://u:hunter2@h/db?sslmode=verify-ca', 'without sslrootcert'],
    ['postgres://u:hunter2@h/db?sslmode=verify-full&sslrootcert=/no/such/file', 'a certificate file that is not there'],
  ])('%s is refused: %s', async (url, what) => {
    await expect(dialectOf(parseTarget(url), {})).rejects.toThrow(what)
    await expect(dialectOf(parseTarget(url), {})).rejects.toThrow(expect.not.stringMatching(/hunter2|hun#ter2/))
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
