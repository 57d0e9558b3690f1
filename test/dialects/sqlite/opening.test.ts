import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, readFile, rename, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import BetterSqlite from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import type { Report } from '../../../src/report/report.js'
import { dbdoctor, reportOf } from '../../support/cli.js'
import { afterwards, examine, testFolder } from '../../support/databases.js'
import { application, as, owner, type Person, scene, stranger, until, write } from './scene.js'

const schema = `
  create table authors (id integer primary key, name text);
  with recursive n (i) as (select 1 union all select i + 1 from n where i < 2000) insert into authors select i, 'Ada ' || i from n;`

/** What the first check says of the file, address and sentence. */
const opens = ({ results }: Report) =>
  results.find(({ id }) => id === 'connection/opens')?.findings.map(({ address, message }) => `${address}: ${message}`)

interface Fault {
  /** Makes the file what it should not be; the file is sound before, and examined afterwards. */
  readonly make: (file: string) => unknown
  readonly says: (file: string) => string | RegExp
  readonly person?: Person
}

/** Noise that is the same in every run. */
function noise(bytes: number): Uint8Array {
  let state = 1
  return Buffer.alloc(bytes).map(() => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state >>> 24
  })
}

const patch = (at: number, bytes: Buffer) => async (file: string) => {
  const content = await readFile(file)
  bytes.copy(content, at)
  await writeFile(file, content)
}

const faults: Record<string, Fault> = {
  'a directory': {
    make: (file) => execFileSync('sh', ['-c', 'rm "$0" && mkdir "$0"', file]),
    says: (file) => `not-a-file: ${file} is not a file: it is a directory`,
  },
  'a FIFO': {
    make: (file) => execFileSync('sh', ['-c', 'rm "$0" && mkfifo "$0"', file]),
    says: (file) => `not-a-file: ${file} is not a file: it is a FIFO`,
  },
  'zero bytes': {
    make: (file) => truncate(file),
    says: (file) => `empty: ${file} is empty: it holds no database, not even one without tables`,
  },
  text: {
    make: (file) => writeFile(file, 'create table authors (id);\n'),
    says: (file) => `not-a-database: ${file} is not a SQLite database: it holds text`,
  },
  'a file of SQLite 2': {
    make: (file) => writeFile(file, `** This file contains an SQLite 2.1 database **\0${'\0'.repeat(2000)}`),
    says: (file) => `not-a-database: ${file} is not a SQLite database: it was written by SQLite 2`,
  },
  'some other program’s file': {
    make: (file) => writeFile(file, Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46]), Buffer.alloc(5000)])),
    says: (file) => `not-a-database: ${file} is not a SQLite database: its header is not that of SQLite 3`,
  },
  noise: {
    make: (file) => writeFile(file, noise(8192)),
    says: (file) => `encrypted: ${file} looks encrypted: it holds whole pages of what looks like noise`,
  },
  'an impossible page size': {
    make: patch(16, Buffer.from([0x03, 0xe7])),
    says: (file) => `damaged: ${file} is damaged: the header gives an impossible page size, 999`,
  },
  'an unknown format version': {
    make: patch(18, Buffer.from([9, 9])),
    says: (file) => `damaged: ${file} is damaged: the header gives an unknown format version, 9`,
  },
  'a header whose first bytes were overwritten': {
    make: patch(0, Buffer.alloc(16, 1)),
    says: (file) => `damaged: ${file} is damaged: its first bytes were overwritten`,
  },
  'a schema format of the future': {
    make: patch(44, Buffer.from([0, 0, 0, 9])),
    says: (file) => `damaged: ${file} is damaged: unsupported file format`,
  },
  'half of the file': {
    make: async (file) => truncate(file, (await stat(file)).size / 2),
    says: (file) =>
      `truncated: ${file} was cut short: database disk image is malformed; its header counts 10 pages, the file holds 5`,
  },
  'a schema that is no SQL': {
    make: (file) =>
      write(
        file,
        `pragma writable_schema = on; update sqlite_schema set sql = 'create table authors (' where name = 'authors'`,
      ),
    says: (file) => `damaged: ${file} is damaged: malformed database schema (authors) - incomplete input`,
  },
  'a file that somebody has locked': {
    make: (file) => application(file, `db.exec('begin exclusive')`),
    says: (file) =>
      new RegExp(
        `^connection/opens#locked: another process holds a lock on ${file}: database is locked; tried for \\d.* s; process \\d+ \\(node\\) holds the lock$`,
      ),
  },
  'a file that one may not read': {
    make: (file) => chmod(file, 0),
    says: (file) => `unreadable: ${file} cannot be read: permission denied`,
    person: stranger,
  },
  'a link to nothing': {
    make: (file) => execFileSync('sh', ['-c', 'rm "$0" && ln -s nowhere.db "$0"', file]),
    says: (file) => `missing: there is no file at ${file}: it is a link to nowhere.db, and nothing is there`,
  },
}

test.concurrent.each([owner, stranger])('a sound file opens for $name', async (person) => {
  const { file, temporary } = await scene()
  await write(file, schema)
  const report = await reportOf(['check', file], as(person, temporary))
  expect([opens(report), report.exitCode, report.verdict.database]).toEqual([[], 0, 'intact'])
})

test.concurrent.each(Object.entries(faults))('%s is told for what it is', async (_, { make, says, person = owner }) => {
  const { file, temporary } = await scene()
  await write(file, schema)
  await make(file)
  const report = await reportOf(['check', file], as(person, temporary))
  const told = says(file)
  expect(opens(report)).toEqual([typeof told === 'string' ? `connection/opens#${told}` : expect.stringMatching(told)])
  expect(report.exitCode).toBe(1)
  expect(report.verdict.database).toBe('unreachable')
})

test.concurrent('a file that is not there is missing, and is not made', async () => {
  const { folder, file, temporary } = await scene()
  const report = await reportOf(['check', file], as(owner, temporary))
  expect(opens(report)).toEqual([`connection/opens#missing: there is no file at ${file}`])
  expect(report.exitCode).toBe(1)
  expect(await readdir(folder)).toEqual([])
})

test.concurrent('a path that goes through a file is missing', async () => {
  const { file, temporary } = await scene()
  await write(file, schema)
  const report = await reportOf(['check', `${file}/app.db`], as(owner, temporary))
  expect(opens(report)).toEqual([
    `connection/opens#missing: there is no file at ${file}/app.db: there is no folder ${file}`,
  ])
})

test.concurrent('a socket is not a file', async () => {
  const { file, temporary } = await scene()
  const server = createServer().listen(file)
  await new Promise((resolve) => server.once('listening', resolve))
  afterwards(() => new Promise((resolve) => server.close(resolve)))
  const report = await reportOf(['check', file], as(owner, temporary))
  expect(opens(report)).toEqual([`connection/opens#not-a-file: ${file} is not a file: it is a socket`])
})

test.concurrent.each(['/dev/null', '/dev/zero'])('%s is a device, not an empty database', async (device) => {
  const { temporary } = await scene()
  const report = await reportOf(['check', device], as(owner, temporary))
  expect(opens(report)).toEqual([`connection/opens#not-a-file: ${device} is not a file: it is a device`])
  expect(report.exitCode).toBe(1)
})

test.concurrent('a lock that is let go within the time that a statement waits is no lock', async () => {
  const { file, temporary } = await scene()
  await write(file, schema)
  const holder = await application(file, `db.exec('begin exclusive'); setTimeout(() => db.exec('commit'), 700)`)
  const report = await reportOf(['check', file], as(owner, temporary))
  expect([opens(report), report.exitCode]).toEqual([[], 0])
  await holder.kill()
})

describe('a path', () => {
  const names = [
    'what?mode=rw.db',
    'a#b.db',
    '100%25.db',
    'with space.db',
    'line\nbreak.db',
    '🐘 ü.db',
    '-x.db',
    'quote\'s "both".db',
    'back\\slash.db',
    'file:x.db',
  ]

  test.concurrent.each(names)('like %j finds its file, and nothing else is made', async (name) => {
    const { folder, file, temporary } = await scene()
    await write(file, schema)
    await rename(file, join(folder, name))
    const options = { ...as(owner, temporary), cwd: folder }
    const { facts, exitCode, target } = await reportOf(['check', `sqlite:${name}`], options)
    expect([facts['schema.tables'], exitCode, target?.name]).toEqual([1, 0, name])
    expect(await readdir(folder)).toEqual([name])
  })

  test.concurrent('with a leading dash is no option after --', async () => {
    const { folder, file, temporary } = await scene()
    await write(file, schema)
    await copyFile(file, join(folder, '-x.db'))
    const { exitCode } = await dbdoctor(['check', '--', '-x.db'], { ...as(owner, temporary), cwd: folder })
    expect(exitCode).toBe(0)
  })

  test.concurrent('of a link leads to the file and to its side files', async () => {
    const { folder, file, temporary } = await scene()
    await write(file, `pragma journal_mode = wal; ${schema}`)
    await application(file, `db.exec('create table notes (id)')`)
    await mkdir(join(folder, 'links'))
    const link = join(folder, 'links', 'link.db')
    await symlink(file, link)
    for (const path of [file, link]) {
      const { facts, target } = await reportOf(['check', path], as(owner, temporary))
      expect([facts['schema.tables'], target?.name]).toEqual([2, path === file ? 'app.db' : 'link.db'])
    }
    expect(await readdir(join(folder, 'links'))).toEqual(['link.db'])
  })

  test.concurrent('up from a linked folder leads where the system says, not where the text seems to', async () => {
    const { folder, file, temporary } = await scene()
    await write(file, schema)
    await mkdir(join(folder, 'a'))
    await mkdir(join(folder, 'a', 'b'))
    await chmod(join(folder, 'a'), 0o777)
    await write(join(folder, 'a', 'app.db'), `${schema} create table notes (id)`)
    await symlink(join(folder, 'a', 'b'), join(folder, 'link'))
    const { facts } = await reportOf(['check', `${folder}/link/../app.db`], as(owner, temporary))
    expect(facts['schema.tables']).toBe(2)
  })
})

test.each<[string, string | Buffer, string, RegExp]>([
  [
    'a pointer of Git LFS',
    'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n',
    'it is a pointer of Git LFS: the file itself was not fetched',
    /^git lfs pull$/,
  ],
  ['gzip', gzipSync('x'), 'it is compressed with gzip', /^gunzip -k < /],
  ['zip', Buffer.from('504b03041400', 'hex'), 'it is a zip archive', /^unzip -l /],
  ['pg_dump', Buffer.from('PGDMP\x01\x0e'), "it is a dump in pg_dump's custom format", /^pg_restore -l /],
  [
    'DuckDB',
    Buffer.concat([Buffer.alloc(8, 1), Buffer.from('DUCK'), Buffer.alloc(100)]),
    'it is a DuckDB database',
    /^duckdb /,
  ],
  [
    'a dump of SQLite',
    'PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE a(b);\nCOMMIT;\n',
    'it is an SQL script',
    /^sqlite3 new\.db < /,
  ],
  [
    'HTML',
    '<!DOCTYPE html>\n<html><title>Sign in</title>',
    'it is an HTML page: a download may have failed',
    /^head -5 /,
  ],
  ['JSON', '{"message": "Not Found"}', 'it is a JSON document', /^head -c 400 /],
])('%s is called by its name, with the command that makes something of it', async (_, content, what, command) => {
  const file = join(await testFolder(), 'app.db')
  await writeFile(file, content)
  const report = await examine(file)
  expect(report.causes[0]).toMatchObject({ id: 'not-a-database', headline: expect.stringContaining(what) })
  expect(report.causes[0]?.next[0]).toMatch(command)
})

test('a file that the application made elsewhere is told from the one that was meant', async () => {
  const folder = await testFolder()
  for (const name of ['web', 'data', 'node_modules/data']) await mkdir(join(folder, name), { recursive: true })
  const meant = join(folder, 'data', 'app.db')
  const make = (path: string, statements: string) => new BetterSqlite(path).exec(statements).close()
  make(meant, schema)
  make(join(folder, 'node_modules/data', 'app.db'), schema)
  for (const spoil of [
    () => writeFile(join(folder, 'web', 'app.db'), ''),
    () => make(join(folder, 'web', 'app.db'), 'vacuum'),
  ]) {
    await spoil()
    const { causes } = await examine(join(folder, 'web', 'app.db'))
    const steps = causes[0]?.next.filter((step) => step.includes('is that the one that was meant?')) ?? []
    expect(steps).toEqual([expect.stringMatching(/data\/app\.db has \d+ tables?: is that/)])
  }
  const missing = await examine(join(folder, 'web', 'other.db'))
  expect(JSON.stringify(missing.causes)).not.toContain('is that the one')
})

test('a writer that is stopped is said, though readers go on; one that works is not', async () => {
  const { file } = await scene()
  await write(file, schema)
  const writer = await application(file, `db.exec('begin immediate'); console.log('pid ' + process.pid)`)
  const warned = async () =>
    (await examine(file)).results.flatMap(({ findings }) =>
      findings.filter(({ address }) => address.startsWith('connection/opens')),
    )
  expect(await warned()).toEqual([])
  const pid = Number(/pid (\d+)/.exec(writer.output())?.[1])
  process.kill(pid, 'SIGSTOP')
  await until(() => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')), 'a stopped process')
  expect(await warned()).toMatchObject([
    {
      address: 'connection/opens#writer-stopped',
      severity: 'warning',
      message: `process ${pid} (node, stopped) has the write lock: nobody else can write until it goes on, or ends`,
    },
  ])
  process.kill(pid, 'SIGCONT')
})
