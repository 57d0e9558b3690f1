import { sql } from 'kysely'
import pLimit from 'p-limit'
import type { Limits } from '../../contracts/limits.js'
import type { TransactionSettings } from '../dialect.js'
import type { Client } from './client.js'
import { type Connections, cancellable } from './connections.js'
import { type Beginning, enter, leave, type Transaction, timeouts, type Work } from './transactions.js'
import { goesOnAfter } from './triage.js'
import { settingsOfSome } from './usual.js'

/** Attempts to import a snapshot, where whoever exported it is ended each time. */
const attempts = 3

/** The transaction that stays open so that others see what it sees. `id` is null where the server won't export its snapshot. */
interface Snapshot {
  readonly client: Client
  readonly id: string | null
}

/** Reads that see one and the same state, as long as the server lets them. */
export function snapshotOver(connections: Connections, transaction: Transaction, begin: Beginning) {
  const alone = pLimit(1)
  let snapshot: Promise<Snapshot | null> | undefined

  const open = async (limits: Limits): Promise<Snapshot | null> => {
    const client = await connections.another(limits)
    if (client === null) return null
    client.noted = limits.noted
    const lasting = begin({ ...limits, expires: Number.POSITIVE_INFINITY })
    try {
      await enter(client, lasting, limits)
      const exported = sql<{ id: string }>`select pg_catalog.pg_export_snapshot() as id`.execute(client.kysely)
      // Where somebody forbids it, all that must agree goes through this one transaction.
      const id = await exported.then(({ rows }) => rows[0]?.id ?? null).catch(() => null)
      if (id === null) {
        await leave(client)
        await enter(client, lasting, limits)
      }
      return { client, id }
    } catch (error) {
      void client.end()
      throw error
    }
  }

  /** Null where connections are scarce: one that is kept for a snapshot would keep everybody else waiting. */
  const shared = async (limits: Limits): Promise<Snapshot | null> => {
    for (;;) {
      if (connections.scarce && !snapshot) return null
      snapshot ??= open(limits)
      const opening = snapshot
      const opened = await opening.catch((error: unknown) => {
        if (snapshot === opening) snapshot = undefined
        throw error
      })
      if (opened?.client.alive) return opened
      // Somebody ended it: what is looked at from here on is of another moment, and as true.
      if (snapshot === opening) snapshot = undefined
    }
  }

  const read = async <T>(limits: Limits, work: Work<T>, settings: TransactionSettings, attempt = 1): Promise<T> => {
    const found = await shared(limits)
    if (found === null) return transaction(limits, begin(limits, settings), work)
    const { client, id } = found
    if (id === null) return alone(() => inside(client, limits, work, settings))
    try {
      return await transaction(limits, begin(limits, settings, id), work)
    } catch (error) {
      if (attempt === attempts || !isOfImport(error)) throw error
      // Whoever exported it was ended, and we have not been told yet.
      void client.end()
      return read(limits, work, settings, attempt + 1)
    }
  }

  return {
    read,
    async end() {
      const held = await snapshot?.catch(() => undefined)
      await held?.client.end()
    },
  }
}

/** Work within the transaction that holds the snapshot, which goes on afterwards. */
async function inside<T>(client: Client, limits: Limits, work: Work<T>, settings: TransactionSettings): Promise<T> {
  client.noted = limits.noted
  let failure: unknown
  await sql`savepoint dbdoctor`.execute(client.kysely)
  try {
    await sql`${timeouts(limits)}; ${settingsOfSome}; ${settings ?? sql``}`.execute(client.kysely)
    return await cancellable(client, limits.signal, work(client.kysely))
  } catch (error) {
    failure = error
    throw error
  } finally {
    const back = sql`rollback to savepoint dbdoctor`.execute(client.kysely)
    await back.then(() => goesOnAfter(failure)).catch(() => {})
  }
}

/**
 * Whether a transaction could not begin because nobody holds the snapshot that it was to import: invalid_parameter_value, or
 * not_in_prerequisite_state. A statement may fail with the same; where in the server it was found tells them apart.
 */
function isOfImport(error: unknown): boolean {
  const { code = '', file = '' } = error as { code?: string; file?: string }
  return ['22023', '55000'].includes(code) && /snapmgr/.test(file)
}
