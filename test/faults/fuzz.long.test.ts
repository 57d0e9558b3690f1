/**
 * Random damage, and what nobody would write: dbdoctor never breaks, and never calls sound what SQLite itself reports. `FUZZ_RUNS` says how
 * many files (10,000 take an hour), `FUZZ_SEED` begins where a run that failed began; each test prints its seed.
 */
import { copyFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/config.js'
import { DbdoctorError } from '../../src/contracts/errors.js'
import { exitCodeOf } from '../../src/report/exit-code.js'
import { dbdoctor, reportOf } from '../support/cli.js'
import { examine, testFolder } from '../support/databases.js'
import { httpServer } from '../support/servers.js'
import { zooOf } from '../zoo/zoo.js'

const runs = Number(process.env.FUZZ_RUNS ?? 300)
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
const settings = (numRuns: number) => ({ numRuns, seed, endOnFailure: true })
process.stdout.write(`fuzzing: seed ${seed}, ${runs} files\n`)

interface Harm {
  /** Where, as a part of the file's size. */
  readonly at: number
  readonly kind: 'flip' | 'cut' | 'noise' | 'zero'
  readonly size: number
  readonly byte: number
}

const part = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const harms = fc.array(
  fc.record<Harm>({
    at: part,
    kind: fc.constantFrom('flip', 'flip', 'flip', 'cut', 'noise', 'zero'),
    size: fc.integer({ min: 1, max: 6000 }),
    byte: fc.integer({ min: 0, max: 255 }),
  }),
  { minLength: 1, maxLength: 4 },
)

function harm(path: string, { at, kind, size, byte }: Harm): void {
  const length = statSync(path).size
  const start = Math.floor(at * length)
  if (kind === 'cut') {
    truncateSync(path, start)
    return
  }
  const content = readFileSync(path)
  if (kind === 'flip') content[start] = (content[start] ?? 0) ^ (1 << (byte % 8))
  else
    for (let i = start; i < Math.min(length, start + size); i++)
      content[i] = kind === 'zero' ? 0 : (i * 131 + byte) % 256
  writeFileSync(path, content)
}

/** What SQLite itself says of a file: null where it is sound. */
function oracle(path: string): string | null {
  try {
    const database = new BetterSqlite(path, { readonly: true, fileMustExist: true })
    try {
      const lines = database.pragma('integrity_check(1)', { simple: true })
      return lines === 'ok' ? null : String(lines)
    } finally {
      database.close()
    }
  } catch (error) {
    // A file of no bytes is a database without tables to SQLite.
    return statSync(path).size === 0 ? 'empty' : String(error)
  }
}

/** Sound files of several makings, by name. */
async function sources(): Promise<readonly string[]> {
  const folder = await testFolder()
  const made: [name: string, statements: string][] = [
    ['zoo.db', zooOf('sqlite')],
    [
      'small.db',
      "pragma page_size = 512; create table p (id integer primary key, v text unique); insert into p values (1, 'a'), (2, 'b')",
    ],
    [
      'wide.db',
      `pragma page_size = 1024; pragma auto_vacuum = full; create table p (id integer primary key, t text); create index p_t on p (t);
       create table c (id integer primary key, p_id integer references p (id), b blob);
       with recursive n (i) as (select 1 union all select i + 1 from n where i < 400) insert into p select i, hex(i * 7919) from n;
       with recursive n (i) as (select 1 union all select i + 1 from n where i < 800) insert into c select i, 1 + i % 400, zeroblob(i % 3000) from n`,
    ],
  ]
  return made.map(([name, statements]) => {
    const path = join(folder, name)
    const database = new BetterSqlite(path)
    database.exec(statements)
    database.close()
    return path
  })
}

/** Files with their damage, each a copy. */
async function damaged() {
  const sound = await sources()
  const folder = await testFolder()
  let made = 0
  return fc.tuple(fc.constantFrom(...sound), harms).map(([source, all]) => {
    const path = join(folder, `${++made % 50}.db`)
    copyFileSync(source, path)
    for (const one of all) harm(path, one)
    return path
  })
}

test('damaged files, examined in depth', async () => {
  await fc.assert(
    fc.asyncProperty(await damaged(), async (path) => {
      const said = oracle(path)
      const report = await examine(`sqlite:${path}`, { depth: 'deep' })
      const broken = report.results.filter(({ status }) => status === 'crash')
      expect(broken.map(({ id, error }) => ({ id, error }))).toEqual([])
      if (said !== null) expect([exitCodeOf(report, 'fail', null), said]).not.toEqual([0, said])
    }),
    settings(runs),
  )
}, 7_200_000)

test('damaged files, through the command line', async () => {
  await fc.assert(
    fc.asyncProperty(await damaged(), async (path) => {
      const said = oracle(path)
      const report = await reportOf(['check', path, '--depth', 'deep'])
      expect(report.counts.crash).toBe(0)
      if (said !== null) expect([report.exitCode, said]).not.toEqual([0, said])
    }),
    settings(Math.ceil(runs / 10)),
  )
}, 7_200_000)

test('answers that no server would give', async () => {
  let answer = { status: 200, headers: {} as Record<string, string>, body: '' }
  const url = await httpServer((_, response) => {
    try {
      response.writeHead(answer.status, answer.headers)
    } catch {
      response.statusCode = 200
    }
    response.end(answer.body)
  })
  const value = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom('', '{', 'null', '[]', '{"access_token":"a.b.c"}', '{"token":{}}'),
  )
  const names = fc.constantFrom(
    'content-type',
    'location',
    'retry-after',
    'set-cookie',
    'date',
    'content-encoding',
    'www-authenticate',
  )
  const answers = fc.record({
    status: fc.oneof(fc.integer({ min: 200, max: 599 }), fc.constantFrom(200, 201, 302, 401, 429, 500, 503)),
    headers: fc.dictionary(
      names,
      fc.oneof(fc.string({ maxLength: 40 }), fc.constantFrom('application/json', '/x', 'gzip')),
    ),
    body: value,
  })
  const login = { path: '/login', body: { email: 'a@example.com', password: 'fuzzing-password' } }
  const config = {
    api: { url, endpoints: ['/', '/health'], timeout: '2s' },
    auth: {
      login,
      protected: { path: '/me' },
      refresh: { path: '/refresh' },
      logout: { path: '/logout' },
      jwt: { secret: 'k'.repeat(40) },
    },
  }
  await fc.assert(
    fc.asyncProperty(answers, async (one) => {
      answer = one
      const report = await examine(null, { config })
      expect(report.results.filter(({ status }) => status === 'crash').map(({ id, error }) => ({ id, error }))).toEqual(
        [],
      )
      expect(JSON.stringify(report)).not.toContain('fuzzing-password')
    }),
    settings(Math.min(2000, runs)),
  )
}, 7_200_000)

test('configs that nobody would write', () => {
  const keys = fc.constantFrom(
    'database',
    'api',
    'auth',
    'url',
    'expect',
    'tables',
    'rows',
    'login',
    'checks',
    'ignore',
    'external',
    'plugins',
    'jwt',
    'path',
  )
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      fc.jsonValue(),
      fc.dictionary(keys, tie('tree')),
      fc.array(tie('tree'), { maxLength: 3 }),
    ),
  }))
  fc.assert(
    fc.property(fc.dictionary(keys, tree), (input) => {
      try {
        parseConfig(input, 'fuzz.json')
      } catch (error) {
        expect(error).toBeInstanceOf(DbdoctorError)
      }
    }),
    settings(Math.max(1000, runs)),
  )
})

test('reports that were saved and changed', async () => {
  const [sound = ''] = await sources()
  const { raw } = await reportOf(['check', sound])
  const folder = await testFolder()
  const changes = fc.array(fc.tuple(part, fc.constantFrom('', '"', '{', '}', 'null', '0', '\\u0000', 'é')), {
    minLength: 1,
    maxLength: 5,
  })
  await fc.assert(
    fc.asyncProperty(changes, fc.constantFrom('pretty', 'html', 'junit', 'sarif'), async (all, format) => {
      let text = raw
      for (const [at, put] of all) {
        const place = Math.floor(at * text.length)
        text = text.slice(0, place) + put + text.slice(place + 1)
      }
      const file = join(folder, 'report.json')
      writeFileSync(file, text)
      const { exitCode, stderr } = await dbdoctor(['report', file, '-f', format])
      expect(stderr).not.toMatch(/\n\s+at .*\.[cm]?js:\d/)
      if (exitCode === 2) expect(stderr.trim().split('\n')).toHaveLength(2)
    }),
    settings(Math.ceil(Math.min(runs, 300) / 5)),
  )
}, 3_600_000)
