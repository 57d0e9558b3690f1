import { stat } from 'node:fs/promises'
import { sql } from 'kysely'
import type { TargetInfo } from '../../report/report.js'
import type { Disk, Session } from '../dialect.js'
import { diskOf } from '../disk.js'

/**
 * The room on the disk of the server's data, where the server runs on this very machine: its data folder is here, and was changed when the
 * server says. A port may lead into a container, whose folders only have the same names.
 */
export async function dataDisk(read: Session['read'], { host = '' }: TargetInfo): Promise<Disk | null> {
  if (!/^(\/|127\.|::1$|localhost$)/.test(host)) return null
  const answer = await read(async (kysely) => {
    const { rows } = await sql<{ folder: string; changed: number }>`
      select current_setting('data_directory') as folder,
        extract(epoch from (pg_stat_file('.')).modification)::float8 as changed`.execute(kysely)
    return rows[0]
  })
  if (answer.outcome === 'failed' || !answer.value) return null
  const { folder, changed } = answer.value
  const here = await stat(folder).catch(() => null)
  return here && Math.abs(here.mtimeMs / 1000 - changed) < 1.5 ? diskOf(folder) : null
}
