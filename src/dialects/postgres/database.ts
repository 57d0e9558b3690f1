import { sql } from 'kysely'
import type pg from 'pg'
import type { Environment } from '../../config/reference.js'
import type { Limits } from '../../limits.js'
import type { TargetInfo } from '../../report.js'
import type { Catalog } from '../catalog.js'
import type { Answer, AnyKysely, Database, Dialect, Opening, Session } from '../dialect.js'
import { stopped } from '../dialect.js'
import { readCatalog } from './catalog.js'
import { type Client, connect } from './client.js'
import { scanOrphans } from './orphans.js'
import { poolOf } from './pool.js'
import { settingsOf } from './settings.js'
import { readableTables, rowCount } from './tables.js'
import { triage } from './triage.js'

/** A PostgreSQL server at a connection string. Everything runs in read-only transactions. */
export function postgres(connectionString: string, environment: Environment): Dialect {
  const ways = settingsOf(connectionString, environment)
  const target: TargetInfo = { dialect: 'postgres', name: ways[0]?.database ?? environment.PGDATABASE ?? '' }
  return {
    name: 'postgres',
    target,
    async open(limits): Promise<Opening> {
      const began = performance.now()
      const place = placeOf(ways[0] ?? {}, environment)
      try {
        const { client, config } = await connectAnyWay(ways, limits)
        const found = await introduce(client, place)
        return { outcome: 'opened', ms: performance.now() - began, database: databaseOver(client, config, found) }
      } catch (error) {
        const ms = performance.now() - began
        if (!limits.signal.aborted) return { ...triage(error), place: place.text, ms }
        const { reason, text } = stopped(limits.signal)
        return { outcome: reason, place: place.text, code: '', text, ms }
      }
    },
  }
}

async function connectAnyWay(
  ways: readonly pg.ClientConfig[],
  limits: Limits,
): Promise<{ client: Client; config: pg.ClientConfig }> {
  let last: unknown
  for (const config of ways) {
    try {
      return { client: await connect(config, limits), config }
    } catch (error) {
      last = error
      // The other way is worth a try only where the server minded the encryption, or its absence.
      if (!/SSL|TLS|encryption|EPROTO/.test(String(error))) break
    }
  }
  throw last
}

function databaseOver(first: Client, config: pg.ClientConfig, target: TargetInfo): Database {
  const pool = poolOf(first, config)
  let catalog: Promise<Answer<Catalog>> | undefined

  const session = (limits: Limits): Session => {
    const read = <T>(work: (kysely: AnyKysely) => Promise<T>) => pool.read(work, limits, false)
    const scan = <T>(work: (kysely: AnyKysely) => Promise<T>) => pool.read(work, limits, true)
    const knownCatalog = async () => {
      catalog ??= read((kysely) => readCatalog(kysely, target.primary ?? true))
      const known = await catalog
      // What one check ran out of time for, the next one may still learn.
      if (known.outcome === 'failed') catalog = undefined
      return known
    }
    return {
      dialect: 'postgres',
      target,
      read,
      catalog: knownCatalog,
      readable: async (tables, touch) => {
        const known = await knownCatalog()
        return known.outcome === 'failed' ? tables.map(() => known) : readableTables(read, known.value, tables, touch)
      },
      count: (table) => rowCount(scan, table),
      orphans: async (relationship, samples) => {
        const known = await knownCatalog()
        return known.outcome === 'failed' ? known : scanOrphans(scan, known.value, relationship, samples)
      },
      roundTrip: () =>
        pool.attend(limits, async () => {
          const before = performance.now()
          const client = await connect(config, limits)
          const between = performance.now()
          await sql`select 1`.execute(client.kysely)
          const after = performance.now()
          await client.end()
          return { connect: between - before, query: after - between }
        }),
    }
  }
  return { target, session, close: pool.close }
}

interface Place {
  readonly text: string
  readonly host: string
  readonly port: number
}

function placeOf(config: pg.ClientConfig, environment: Environment): Place {
  const host = config.host ?? environment.PGHOST ?? 'localhost'
  const port = config.port ?? Number(environment.PGPORT ?? 5432)
  return {
    host,
    port,
    text: host.startsWith('/')
      ? `${host}/.s.PGSQL.${port}`
      : host.includes(':')
        ? `[${host}]:${port}`
        : `${host}:${port}`,
  }
}

/** Asks the server who it is and as whom we came: environment variables may have filled gaps in the connection string. */
async function introduce({ kysely, processId }: Client, { host, port }: Place): Promise<TargetInfo> {
  const { rows } = await sql<{ database: string; role: string; version: string; recovering: boolean; process: number }>`
    select pg_catalog.current_database() as database, current_user as role, pg_catalog.current_setting('server_version') as version,
      pg_catalog.pg_is_in_recovery() as recovering, pg_catalog.pg_backend_pid() as process`.execute(kysely)
  const [row] = rows
  if (!row) throw new Error('the server did not introduce itself')
  return {
    dialect: 'postgres',
    name: row.database,
    version: row.version.split(' ')[0] ?? row.version,
    host,
    port,
    database: row.database,
    role: row.role,
    primary: !row.recovering,
    pooler: row.process !== processId,
  }
}
