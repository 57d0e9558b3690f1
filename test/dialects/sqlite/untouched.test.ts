import { chmod, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { reportOf } from '../../support/cli.js'
import {
  application,
  as,
  childrenOf,
  configFile,
  endless,
  people,
  runs,
  scene,
  start,
  stateOf,
  stranger,
  until,
  write,
} from './scene.js'

const schema = `
  create table authors (id integer primary key, name text);
  create table notes (id integer primary key, author_id integer references authors (id), body text);
  insert into authors values (1, 'Ada');
  with recursive n (i) as (select 1 union all select i + 1 from n where i < 500)
    insert into notes select i, 1, 'old ' || printf('%.100c', 'x') from n;`

/** Rows that are on disk before they are committed: the cache is too small for them. */
const underway = `db.pragma('cache_size = 5'); db.exec("begin; update notes set body = replace(body, 'old', 'new')")`
const isIndex = (name: string) => name.endsWith('app.db-shm')
const addOrphan = `db.exec('pragma foreign_keys = off; insert into notes values (501, 7, null)')`

interface State {
  /** Brings the file into the state. */
  readonly make: (file: string, folder: string) => Promise<unknown>
  /** What it looks like on disk: the test is worth something only then. */
  readonly sides: readonly string[]
  readonly notes: number
  readonly orphans: number
}

const states: Record<string, State> = {
  'rollback mode': { make: (file) => write(file, schema), sides: [], notes: 500, orphans: 0 },
  'rollback mode, with a journal that was kept': {
    make: (file) => write(file, `pragma journal_mode = persist; ${schema}`),
    sides: ['-journal'],
    notes: 500,
    orphans: 0,
  },
  'rollback mode, in the middle of a transaction': {
    async make(file) {
      await write(file, schema)
      await application(file, `db.exec('begin; delete from notes where id > 250')`)
    },
    sides: ['-journal'],
    notes: 500,
    orphans: 0,
  },
  'rollback mode, with the hot journal of a killed writer': {
    async make(file) {
      await write(file, schema)
      await (await application(file, `${underway}; db.exec('delete from notes where id > 250')`)).kill()
      expect((await readFile(file)).includes('new xxx'), 'half of the transaction is in the file').toBe(true)
      expect((await readFile(`${file}-journal`)).toString('hex', 0, 8)).toBe('d9d505f920a163d7')
    },
    sides: ['-journal'],
    notes: 500,
    orphans: 0,
  },
  'rollback mode, with a log that holds nothing of it': {
    async make(file) {
      await write(file, schema)
      await writeFile(`${file}-wal`, 'x'.repeat(5000))
    },
    sides: ['-wal'],
    notes: 500,
    orphans: 0,
  },
  'WAL mode, closed': {
    make: (file) => write(file, `pragma journal_mode = wal; ${schema}`),
    sides: [],
    notes: 500,
    orphans: 0,
  },
  'WAL mode, a writer with frames committed and not': {
    async make(file) {
      await write(file, `pragma journal_mode = wal; ${schema}`)
      await application(file, `${addOrphan}; ${underway}; db.exec('delete from notes where id > 250')`)
      expect((await readFile(`${file}-wal`)).includes('new xxx'), 'uncommitted frames are in the log').toBe(true)
    },
    sides: ['-shm', '-wal'],
    notes: 501,
    orphans: 1,
  },
  'WAL mode, an application that has only read': {
    async make(file) {
      await write(file, `pragma journal_mode = wal; ${schema}`)
      await application(file, `db.exec('select count(*) from notes')`)
      expect(await readFile(`${file}-wal`)).toHaveLength(0)
    },
    sides: ['-shm', '-wal'],
    notes: 500,
    orphans: 0,
  },
  'WAL mode, left behind by a killed writer': {
    async make(file) {
      await write(file, `pragma journal_mode = wal; ${schema}`)
      await (await application(file, `${addOrphan}; ${underway}`)).kill()
    },
    sides: ['-shm', '-wal'],
    notes: 501,
    orphans: 1,
  },
  'WAL mode, a log without its index': {
    async make(file) {
      await write(file, `pragma journal_mode = wal; ${schema}`)
      await (await application(file, `${addOrphan}; ${underway}`)).kill()
      await rm(`${file}-shm`)
    },
    sides: ['-wal'],
    notes: 501,
    orphans: 1,
  },
  'WAL mode, a writer that keeps its index to itself': {
    async make(file) {
      await write(file, `pragma journal_mode = wal; ${schema}`)
      await application(file, `db.pragma('locking_mode = exclusive'); ${addOrphan}`)
    },
    sides: ['-wal'],
    notes: 501,
    orphans: 1,
  },
  'WAL mode, closed, in a folder that nobody may write to': {
    async make(file, folder) {
      await write(file, `pragma journal_mode = wal; ${schema}`)
      await chmod(file, 0o444)
      await chmod(folder, 0o555)
    },
    sides: [],
    notes: 500,
    orphans: 0,
  },
  'WAL mode, left behind, in a folder that nobody may write to': {
    async make(file, folder) {
      await write(file, `pragma journal_mode = wal; ${schema}`)
      await (await application(file, addOrphan)).kill()
      for (const side of ['', '-shm', '-wal']) await chmod(file + side, 0o444)
      await chmod(folder, 0o555)
    },
    sides: ['-shm', '-wal'],
    notes: 501,
    orphans: 1,
  },
}

describe.concurrent.each(Object.entries(states))('%s', (_, { make, sides, notes, orphans }) => {
  test('is read right by everybody, and not a byte is changed', async () => {
    const { folder, file, temporary } = await scene()
    await make(file, folder)
    const config = await configFile({ database: { expect: { rows: { notes } } } })
    const before = await stateOf(folder)
    expect(Object.keys(before).slice(1)).toEqual([file, ...sides.map((side) => file + side)])

    for (const person of people) {
      const report = await reportOf(['check', file, '--config', config], as(person, temporary))
      const seen = { rows: report.facts['rows.notes'], orphans: report.facts['integrity.orphanedRows'] }
      expect(seen, `${person.name}: ${report.verdict.headline}`).toEqual({ rows: notes, orphans })
      expect(report.exitCode, person.name).toBe(orphans === 0 ? 0 : 1)
      expect(await stateOf(folder), person.name).toEqual(before)
      expect(await readdir(temporary), person.name).toEqual([])
    }
  })
})

test.concurrent.each(['delete', 'wal'])('after a third user ran it, the application can write (%s)', async (mode) => {
  const { file, temporary } = await scene()
  await write(file, `pragma journal_mode = ${mode}; ${schema}`)
  const { exitCode } = await reportOf(['check', file], as(stranger, temporary))
  expect(exitCode).toBe(0)
  await write(file, 'insert into notes values (501, 1, null)')
})

describe.concurrent('a private copy', () => {
  const interrupted = async () => {
    const { folder, file, temporary } = await scene()
    await write(file, `pragma journal_mode = wal; ${endless}`)
    await (await application(file, `db.exec('insert into parents values (2)')`)).kill()
    await rm(`${file}-shm`)
    const before = await stateOf(folder)
    const run = start([file, '--only', 'integrity/foreign-keys'], temporary)
    await until(async () => (await readdir(temporary, { recursive: true })).some(isIndex), 'an open copy')
    // What comes before the scan takes a few milliseconds.
    await sleep(300)
    const children = childrenOf(run.pid)
    expect(children).toHaveLength(1)
    return { before, folder, temporary, run, children }
  }

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('is gone when %s ends the run', async (signal, exitCode) => {
    const { before, folder, temporary, run, children } = await interrupted()
    process.kill(run.pid, signal)
    expect(await run.ended).toMatchObject({ code: exitCode })
    expect(await readdir(temporary)).toEqual([])
    expect(children.filter(runs)).toEqual([])
    expect(await stateOf(folder)).toEqual(before)
  })

  test('is gone when the run is killed, even in the middle of a statement', async () => {
    const { before, folder, temporary, run, children } = await interrupted()
    process.kill(run.pid, 'SIGKILL')
    await run.ended
    await until(async () => (await readdir(temporary)).length === 0, 'an empty folder')
    await until(() => !children.some(runs), 'the end of the child')
    expect(await stateOf(folder)).toEqual(before)
  })

  test('is not made where there is no place for it, and nobody calls that a crash', async () => {
    const { file } = await scene()
    await write(file, `pragma journal_mode = wal; ${schema}`)
    await (await application(file, addOrphan)).kill()
    await rm(`${file}-shm`)
    const report = await reportOf(['check', file], as(stranger, '/nowhere'))
    const [opens] = report.results
    expect(opens).toMatchObject({ id: 'connection/opens', status: 'skip', skip: { reason: 'unsafe' } })
    expect(opens?.skip?.detail).toContain('/nowhere')
    expect(report.exitCode).toBe(3)
  })
})

test.concurrent('a journal that is cut short is not hot, and is left as it is', async () => {
  const { folder, file, temporary } = await scene()
  await write(file, schema)
  await writeFile(`${file}-journal`, Buffer.alloc(600))
  const before = await stateOf(folder)
  const { exitCode } = await reportOf(['check', file], as(stranger, temporary))
  expect(exitCode).toBe(0)
  expect(await stateOf(folder)).toEqual(before)
})

test.concurrent('the log of another file makes a file unreadable for everybody, and nobody removes the evidence', async () => {
  const { folder, file, temporary } = await scene()
  await write(file, 'pragma journal_mode = wal; create table other (id)')
  await (await application(file, `db.exec('insert into other values (1)')`)).kill()
  await write(`${file}.new`, schema)
  await rename(`${file}.new`, file)
  await rm(`${file}-shm`)
  const before = await stateOf(folder)
  for (const person of people) {
    const report = await reportOf(['check', file], as(person, temporary))
    expect(report.results[0]?.findings.map(({ address }) => address)).toEqual(['connection/opens#damaged'])
    expect(await stateOf(folder), person.name).toEqual(before)
    expect(await readdir(temporary)).toEqual([])
  }
})

test.concurrent('a copy that turns out to be damaged is not left behind', async () => {
  const { file, temporary } = await scene()
  await write(file, `pragma journal_mode = wal; ${schema}`)
  await (await application(file, addOrphan)).kill()
  await rm(`${file}-shm`)
  await rm(`${file}-wal`)
  await writeFile(file, (await readFile(file)).fill(0xff, 100, 4096))
  await writeFile(`${file}-wal`, 'x')
  const report = await reportOf(['check', file], as(stranger, temporary))
  expect(report.results[0]?.findings.map(({ address }) => address)).toEqual(['connection/opens#damaged'])
  expect(await readdir(temporary)).toEqual([])
})
