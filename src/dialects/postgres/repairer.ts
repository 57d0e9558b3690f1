import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { limit } from '../../contracts/limits.js'
import type { Fate, Repairer, TextRow } from '../repairer.js'
import { connect } from './client.js'

/** How long a lock is waited for, and so how long the application may queue behind us; milliseconds. */
const lockTimeout = 2000
/** How long a transaction whose client was ended may take to end, in milliseconds. */
const longestEnding = 10_000
/** How long one statement may take, in milliseconds: a large index takes its time. */
const statementTimeout = 3_600_000

/** Of the session: what refuses a transaction needs them, too. */
const settings = [
  `set lock_timeout = ${lockTimeout}`,
  `set statement_timeout = ${statementTimeout}`,
  'set idle_in_transaction_session_timeout = 60000',
  'set standard_conforming_strings = on',
  "set datestyle = 'ISO'",
  "set intervalstyle = 'postgres'",
  "set bytea_output = 'hex'",
  'set extra_float_digits = 1',
  "set application_name = 'dbdoctor fix'",
]

/** Connects for writing, as any client of the application's: with its search path and its triggers. */
export async function repairerOf(ways: readonly pg.ClientConfig[]): Promise<Repairer> {
  const limits = limit(Number.POSITIVE_INFINITY, new AbortController().signal)
  const client = await connectAnyWay(ways, (config) => connect(config, limits, () => {})).finally(limits.clear)
  const query = async (text: string) =>
    (await client.pg.query<TextRow>({ text, types: { getTypeParser: () => (value: string) => value } as never })).rows
  const [who] =
    await query(`select pg_is_in_recovery()::text as standby, current_setting('transaction_read_only') as read_only,
    (select system_identifier from pg_control_system())::text || '/' || current_database() as identity, pg_backend_pid()::text as process`)
  const refusal = refusalOf(who, client.processId)
  if (refusal === null) for (const setting of settings) await query(setting)
  return {
    identity: `postgres:${who?.identity}`,
    refusal,
    files: null,
    locksTables: true,
    overriding: 'overriding system value',
    literalOf: (column) => `quote_nullable(${column}::text)`,
    query,
    run: async (text) => (await client.pg.query(text)).rowCount ?? 0,
    async begin({ restoring = false } = {}) {
      await query('begin')
      if (!restoring) return
      await query('savepoint as_replica')
      await query('set local session_replication_role = replica').catch(() => query('rollback to savepoint as_replica'))
    },
    mark: async () => (await query('select pg_current_xact_id()::text as mark'))[0]?.mark ?? '',
    commit: async () => void (await query('commit')),
    rollback: async () => void (await query('rollback').catch(() => {})),
    async fateOf(mark): Promise<Fate> {
      for (const until = performance.now() + longestEnding; ; await sleep(100)) {
        const [row] = await query(`select pg_xact_status('${BigInt(mark)}'::xid8) as status`)
        if (row?.status === 'committed') return 'committed'
        if (row?.status === 'aborted') return 'rolled-back'
        // The server may not have seen yet that its client is gone.
        if (row?.status !== 'in progress' || performance.now() > until) return 'unknown'
      }
    },
    forget: async () => {},
    close: () => client.end(),
  }
}

function refusalOf(who: TextRow | undefined, processId: number): string | null {
  if (who?.standby === 'true') return 'this server is a standby, which takes no writes: repair its primary'
  if (who?.read_only === 'on') return 'transactions are read-only here by the settings'
  // What is set for a session would stay with the next client's.
  if (who?.process !== String(processId)) return 'a pooler stands between, and keeps settings: name the server itself'
  return null
}

async function connectAnyWay<T>(
  ways: readonly pg.ClientConfig[],
  attempt: (config: pg.ClientConfig) => Promise<T>,
): Promise<T> {
  let last: unknown
  for (const config of ways) {
    try {
      return await attempt(config)
    } catch (error) {
      last = error
    }
  }
  throw last
}
