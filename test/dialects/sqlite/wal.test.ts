import { appendFile, copyFile, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { readWal } from '../../../src/dialects/sqlite/wal.js'
import { examine, said } from '../../support/databases.js'
import { application, scene, stateOf, write } from './scene.js'

const rows = `create table users (id integer primary key, email text unique);
  create table notes (id integer primary key, user_id integer references users (id), body text);
  with recursive n (i) as (select 1 union all select i + 1 from n where i < 400) insert into users select i, 'u' || i from n;`

/** A file whose writer was killed with `commits` in its log, and the copy that was made by `backup` before. */
async function killed(commits: string, { backup = `vacuum into '@'`, between = '' } = {}) {
  const { folder, file } = await scene()
  await write(file, `pragma journal_mode = wal; ${rows}`)
  const copy = `${file}.backup`
  const writer = await application(
    file,
    `db.pragma('wal_autocheckpoint = 0')
     ${backup === 'cp' ? `require('node:fs').copyFileSync(process.env.FILE, ${JSON.stringify(copy)})` : `db.exec(${JSON.stringify(backup.replace('@', copy))})`}
     db.exec(${JSON.stringify(between)})
     db.pragma('wal_checkpoint(truncate)')
     for (const statement of ${JSON.stringify(commits.split(';'))}) db.exec(statement)`,
  )
  await writer.kill()
  return { folder, file, copy }
}

/** Copies a backup back over the file, some seconds after its log was written. */
async function restored({ file, copy }: { file: string; copy: string }) {
  await copyFile(copy, file)
  const { mtime } = await stat(`${file}-wal`)
  await utimes(file, mtime, new Date(mtime.getTime() + 10_000))
}

const told = async (folder: string, file: string) => {
  const before = await stateOf(folder)
  const { results, causes, verdict } = await examine(file)
  expect(await stateOf(folder)).toEqual(before)
  const result = results.find(({ id }) => id === 'connection/restarts') ?? expect.fail()
  return { said: said(result), causes: causes.map(({ id }) => id), first: causes[0], verdict }
}

const forget = 'delete from users'
const grow = `with recursive n (i) as (select 1 union all select i + 1 from n where i < 3000)
  insert into notes (user_id, body) select 1 + i % 400, hex(randomblob(100)) from n;delete from notes where id % 3 = 0`

const usersUpTo = (last: number) =>
  `with recursive n (i) as (select max(id) + 1 from users union all select i + 1 from n where i < ${last})
   insert into users select i, 'u' || i from n`

describe('a log beside a file that it does not belong to', () => {
  test.each([
    ['that undoes the restore', forget],
    ['that damages it', grow],
  ])('%s: a backup was copied back', async (_, commits) => {
    const scenery = await killed(commits)
    await restored(scenery)
    const answer = await told(scenery.folder, scenery.file)
    expect(answer.said).toEqual([
      expect.stringMatching(/^app\.db-wal belongs to another state of app\.db, whose header says that it has no log/),
    ])
    expect(answer.causes).toEqual(['wal-mismatch'])
    expect(answer.verdict.status).toBe('unhealthy')
    expect(answer.verdict.headline).toMatch(/^app\.db/)
    const next = answer.first?.next.join('\n') ?? ''
    expect(next).toMatch(/cp app\.db app\.db\.alone && dbdoctor check/)
    expect(next).not.toMatch(/keep app\.db-wal/i)
  })

  test('of the same mode is told by its pages', async () => {
    const scenery = await killed(usersUpTo(12_000), { backup: 'cp', between: usersUpTo(8_000) })
    await restored(scenery)
    const { causes, first, verdict } = await told(scenery.folder, scenery.file)
    expect(causes).toEqual(['wal-mismatch'])
    expect(first?.headline).toBe(
      'app.db is sound alone and damaged together with app.db-wal: the log belongs to another state of the file.',
    )
    expect(verdict.database).toBe('damaged')
    expect(first?.next.join()).not.toMatch(/keep app\.db-wal/i)
  })
})

describe('a log of its own', () => {
  test('is none of another, and neither is one that was checkpointed after its last commit', async () => {
    const { folder, file } = await killed(grow)
    expect((await told(folder, file)).said).toEqual([
      expect.stringMatching(/^the last writer of app\.db did not close/),
    ])
    const later = await killed(`${forget};pragma wal_checkpoint(passive)`)
    await utimes(later.file, new Date(), new Date(Date.now() + 10_000))
    expect((await told(later.folder, later.file)).said).toEqual([expect.stringMatching(/^the last writer of app\.db/)])
  })

  test('is replayed up to the damage in it, and what was committed behind that is lost', async () => {
    const { folder, file } = await killed(
      Array.from({ length: 50 }, (_, i) => `insert into notes values (${i}, 1, 'x')`).join(';'),
    )
    const whole = await readWal(file)
    expect(whole).toEqual({ frames: expect.any(Number), lost: 0, mismatch: null })
    const bytes = await readFile(`${file}-wal`)
    const middle = Math.floor(bytes.length / 2)
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle)
    await writeFile(`${file}-wal`, bytes)
    const { frames, lost } = (await readWal(file)) ?? expect.fail()
    expect(frames + lost).toBe(whole?.frames)
    const answer = await told(folder, file)
    expect(answer.said).toEqual([
      expect.stringContaining(
        `${frames} of ${frames + lost} frames of app.db-wal can be replayed; what was written after them is lost`,
      ),
    ])
    expect(answer.causes).toEqual(['writer-interrupted'])
    // SQLite sees as many rows as we say that it does.
    await rm(`${file}-shm`, { force: true })
  })

  test('whose last transaction was not committed has lost nothing', async () => {
    const { file } = await killed(
      `${forget};pragma foreign_keys = off;pragma cache_size = 2;begin;${grow.split(';')[0]}`,
    )
    expect(await readWal(file)).toMatchObject({ lost: 0, mismatch: null })
  })

  test('that ends in the middle of a frame, or is noise, breaks nothing', async () => {
    const { file } = await killed(forget)
    const before = await readWal(file)
    await appendFile(`${file}-wal`, Buffer.alloc(1000, 7))
    expect(await readWal(file)).toEqual(before)
    await writeFile(`${file}-wal`, Buffer.alloc(5000, 7))
    expect(await readWal(file)).toBeNull()
  })
})
