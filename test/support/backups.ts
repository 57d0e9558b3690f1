import { execFile } from 'node:child_process'
import { cp, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import type { PostgresServer } from '../../fixtures/postgres/server.js'
import { postgresVersion, testFolder } from './databases.js'

/** A base backup of a server: its folder. Made as pg_basebackup does, which not everybody has who has a server. */
export async function baseBackup({ url, folder }: PostgresServer): Promise<string> {
  const backup = join(await testFolder(), 'backup')
  const data = join(folder, 'data')
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const [start, stop] =
    (await postgresVersion()) < 15
      ? ["pg_start_backup('test', true, false)", 'pg_stop_backup(false, false)']
      : ["pg_backup_start('test', true)", 'pg_backup_stop(false)']
  await client.query(`select ${start}`)
  await cp(data, backup, { recursive: true, filter: (path) => !path.endsWith('/postmaster.pid') })
  const { rows } = await client.query(`select labelfile from ${stop}`)
  await client.end()
  await cp(join(data, 'pg_wal'), join(backup, 'pg_wal'), { recursive: true })
  await writeFile(join(backup, 'backup_label'), rows[0].labelfile)
  return backup
}

/** Puts a backup in the place of a server's files, lets somebody at them, and starts the server again. */
export async function restore(
  one: PostgresServer,
  backup: string,
  prepare: (data: string) => Promise<void>,
): Promise<void> {
  await one.restart(async (data) => {
    const { uid, gid } = await stat(data)
    await rm(data, { recursive: true })
    await cp(backup, data, { recursive: true })
    await prepare(data)
    await promisify(execFile)('chown', ['-R', `${uid}:${gid}`, data])
  })
}
