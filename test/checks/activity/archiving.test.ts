import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { query } from '../../../fixtures/postgres/server.js'
import { afterwards, examine, examineOne, said } from '../../support/databases.js'
import { type PostgresServer, startPostgres } from '../../support/postgres.js'

const archiving = (target: string, waiting = '1GB') =>
  examineOne('activity/archiving', target, {
    config: { checks: { 'activity/archiving': { options: { waiting } } } },
  })

async function archiver(command: string): Promise<PostgresServer> {
  const server = await startPostgres()
  afterwards(() => server.stop())
  // On its command line, nobody could change it any more.
  await query(server.url, 'alter system set archive_mode = on')
  await query(server.url, `alter system set archive_command = '${command}'`)
  await server.restart(async () => {})
  return server
}

/** Fills files of WAL. */
async function fill({ url }: PostgresServer, files = 1): Promise<void> {
  for (let file = 0; file < files; file++) {
    await query(url, 'select txid_current()')
    await query(url, 'select pg_switch_wal()')
  }
}

async function until({ url }: PostgresServer, condition: string): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if ((await query(url, `select (${condition}) as yes from pg_stat_archiver`)).yes === true) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`never so: ${condition}`)
}

async function set({ url }: PostgresServer, command: string): Promise<void> {
  await query(url, `alter system set archive_command = '${command}'`)
  await query(url, 'select pg_reload_conf()')
  for (let attempt = 0; (await query(url, 'show archive_command')).archive_command !== command; attempt++) {
    if (attempt > 600) throw new Error('the setting was not read again')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const fills = 'the server keeps what is not archived, until the disk is full'
const ago = '(less than a second|\\d+ \\w+) ago'

test('WAL that cannot be archived is told with what waits, and no more once it can', async () => {
  const server = await archiver('exit 1')
  await fill(server, 3)
  await until(server, 'failed_count > 0')
  const failing = new RegExp(
    `^WAL cannot be archived: "\\w{24}" failed, no archived file is on record, and 4\\d MB of WAL wait: ${fills}$`,
  )
  expect(said(await archiving(server.url))).toEqual([expect.stringMatching(failing)])
  // Everybody may see it.
  await query(server.url, "create role reader login password 'r'")
  expect(said(await archiving(Object.assign(new URL(server.url), { username: 'reader', password: 'r' }).href))).toEqual(
    [expect.stringMatching(failing)],
  )
  const { causes, verdict } = await examine(server.url, { only: ['connection', 'activity'] })
  expect(causes.map(({ id }) => id)).toEqual(['archiving-failed'])
  expect(verdict.status).toBe('degraded')

  await set(server, 'true')
  await until(server, 'archived_count >= 3 and last_archived_time > last_failed_time')
  const mended = await archiving(server.url)
  expect(mended).toMatchObject({ status: 'pass', findings: [] })
  expect(mended.saw).toMatch(new RegExp(`^the last file was archived ${ago}$`))
})

test('an archive that is too slow, or switched off, is told once much waits', async () => {
  const server = await archiver('true')
  const go = join(server.folder, 'go')
  // A server that is stopped waits for its archive command.
  afterwards(() => writeFile(go, ''))
  await fill(server)
  await until(server, 'archived_count > 0')
  await set(server, `while [ ! -e "${go}" ]; do sleep 0.1; done`)
  await fill(server, 3)
  expect(said(await archiving(server.url))).toBe('pass')
  expect(said(await archiving(server.url, '32MB'))).toEqual([
    expect.stringMatching(
      new RegExp(
        `^WAL is written faster than it is archived: 4\\d MB wait, the last file was archived ${ago}: ${fills}$`,
      ),
    ),
  ])
  await set(server, '')
  await writeFile(go, '')
  await until(server, 'archived_count > 1')
  await fill(server, 4)
  expect(said(await archiving(server.url, '32MB'))).toEqual([
    expect.stringMatching(
      new RegExp(`^archive_mode is on, and no archive command or library is set, and \\d\\d MB of WAL wait: ${fills}$`),
    ),
  ])
  // It is how archiving is paused.
  expect(await archiving(server.url)).toMatchObject({ status: 'pass', findings: [{ severity: 'info' }] })
})

test('what failed before archiving was switched off is history', async () => {
  const server = await archiver('exit 1')
  await fill(server)
  await until(server, 'failed_count > 0')
  await query(server.url, 'alter system set archive_mode = off')
  await server.restart(async () => {})
  const result = await archiving(server.url)
  expect(result).toMatchObject({ status: 'pass', findings: [], saw: 'archiving is off' })
})
