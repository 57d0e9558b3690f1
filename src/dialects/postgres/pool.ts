import { type RawBuilder, sql } from 'kysely'
import pLimit from 'p-limit'
import type { Limits } from '../../limits.js'
import { type Answer, type AnyKysely, stopped } from '../dialect.js'
import { type Client, within } from './client.js'
import { classify, triage } from './triage.js'

/** Connections that a run takes from the application at most, the one that holds the snapshot included. */
const connections = 3
/** How long a lock may be waited for, and so how long a statement of the application's may queue behind us; milliseconds. */
const lockTimeout = 100
/** How long a cancelled statement may take to end before its connection is cut; milliseconds. */
const patience = 300

/** How long the locks of a rehearsal may outlive this process, should it freeze; milliseconds. */
const longestPause = 5000

/** Opens one more connection to the same database. */
export type Join = (limits: Limits) => Promise<Client>

/** Connections that are used in turn, and the transaction whose snapshot they share. */
export function poolOf(first: Client, join: Join) {
  const turn = pLimit(connections - 1)
  const alone = pLimit(1)
  const idle: Client[] = [first]
  const busy = new Set<Client>()
  let snapshot: Promise<Snapshot> | undefined

  /** Turns what went wrong into an answer; what is not the server's doing stays a throw. */
  const attend = async <T>(limits: Limits, work: () => Promise<T>): Promise<Answer<T>> => {
    if (limits.signal.aborted) return stopped(limits.signal)
    try {
      return { outcome: 'answered', value: await work() }
    } catch (error) {
      if (limits.signal.aborted) return stopped(limits.signal)
      const failure = classify(error)
      if (failure) return failure
      const opening = triage(error)
      if (opening.outcome === 'other') throw error
      return { outcome: 'failed', reason: 'blocked', code: opening.code, text: opening.text }
    }
  }

  /** Runs work on a connection of its own; an abort cancels the statement on the server, and cuts the connection if it hangs. */
  const withClient = async <T>(limits: Limits, work: (client: Client) => Promise<T>): Promise<T> => {
    let client = idle.pop()
    while (client && !client.alive) client = idle.pop()
    client ??= await join(limits)
    busy.add(client)
    try {
      const value = await cancellable(client, limits.signal, work(client))
      idle.push(client)
      return value
    } catch (error) {
      if (client.alive && !limits.signal.aborted) idle.push(client)
      else void client.end()
      throw error
    } finally {
      busy.delete(client)
    }
  }

  /** One transaction, rolled back in any case. */
  const transaction = <T>(
    limits: Limits,
    beginning: RawBuilder<unknown>,
    work: (kysely: AnyKysely) => Promise<T>,
  ): Promise<T> =>
    withClient(limits, async ({ kysely }) => {
      await beginning.execute(kysely)
      try {
        return await work(kysely)
      } finally {
        await sql`rollback`.execute(kysely).catch(() => {})
      }
    })

  const openSnapshot = async (limits: Limits): Promise<Snapshot> => {
    const client = await join(limits)
    await begin({ ...limits, expires: Number.POSITIVE_INFINITY }, null).execute(client.kysely)
    try {
      const { rows } = await sql<{ id: string }>`select pg_catalog.pg_export_snapshot() as id`.execute(client.kysely)
      return { client, id: rows[0]?.id ?? null }
    } catch {
      // Somebody forbids it: then all that must agree goes through this one transaction.
      await sql`rollback`.execute(client.kysely)
      await begin({ ...limits, expires: Number.POSITIVE_INFINITY }, null).execute(client.kysely)
      return { client, id: null }
    }
  }

  const sharedSnapshot = async (limits: Limits): Promise<Snapshot> => {
    for (;;) {
      snapshot ??= openSnapshot(limits)
      const opening = snapshot
      const opened = await opening.catch((error: unknown) => {
        if (snapshot === opening) snapshot = undefined
        throw error
      })
      if (opened.client.alive) return opened
      // Somebody ended it: what is looked at from here on is of another moment, and as true.
      if (snapshot === opening) snapshot = undefined
    }
  }

  const inSnapshot = async <T>(limits: Limits, work: (kysely: AnyKysely) => Promise<T>): Promise<T> => {
    const { client, id } = await sharedSnapshot(limits)
    if (id !== null) return transaction(limits, begin(limits, id), work)
    return alone(async () => {
      await sql`savepoint dbdoctor`.execute(client.kysely)
      try {
        await timeouts(limits).execute(client.kysely)
        return await cancellable(client, limits.signal, work(client.kysely))
      } finally {
        await sql`rollback to savepoint dbdoctor`.execute(client.kysely).catch(() => {})
      }
    })
  }

  return {
    attend,
    read: <T>(work: (kysely: AnyKysely) => Promise<T>, limits: Limits, shared: boolean): Promise<Answer<T>> =>
      turn(() =>
        attend(limits, () => (shared ? inSnapshot(limits, work) : transaction(limits, begin(limits, null), work))),
      ),

    rehearse: <T>(work: (kysely: AnyKysely) => Promise<T>, limits: Limits): Promise<Answer<T>> =>
      turn(() => attend(limits, () => transaction(limits, beginWriting(limits), work))),

    async close() {
      const held = await snapshot?.catch(() => undefined)
      await Promise.all([...idle, ...busy, ...(held ? [held.client] : [])].map((client) => client.end()))
    },
  }
}

/** The transaction that stays open so that others see what it sees. `id` is null where the server won't export its snapshot. */
interface Snapshot {
  readonly client: Client
  readonly id: string | null
}

async function cancellable<T>(client: Client, signal: AbortSignal, work: Promise<T>): Promise<T> {
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => {
      void client
        .cancel()
        .then(() => within(patience, work))
        .then(() => reject(signal.reason))
    }
  })
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/**
 * One transaction, whatever stands between: every setting is local to it, so that nothing leaks through a pooler. Row security is off, so
 * that a policy is an error and not a silent filter; only pg_catalog is searched, so that no operator of a user's own is called by accident.
 */
function begin(limits: Limits, imported: string | null): RawBuilder<unknown> {
  return sql`begin isolation level repeatable read, read only;
    ${imported === null ? sql`` : sql`set transaction snapshot ${sql.lit(imported)};`}
    set local row_security = off;
    set local search_path = pg_catalog;
    ${timeouts(limits)}`
}

/**
 * A transaction as the application's own: its search path, for the sake of its triggers, its row security, and read-only where the
 * server is. What would fail at the commit that never comes fails at once.
 */
function beginWriting(limits: Limits): RawBuilder<unknown> {
  return sql`begin; set constraints all immediate; ${timeouts(limits)};
    set local idle_in_transaction_session_timeout = ${sql.lit(longestPause)}`
}

function timeouts({ expires }: Limits): RawBuilder<unknown> {
  const left = Number.isFinite(expires) ? Math.max(1, Math.ceil(expires - performance.now())) : 0
  return sql`set local statement_timeout = ${sql.lit(left)};
    set local lock_timeout = ${sql.lit(lockTimeout)};
    set local idle_in_transaction_session_timeout = 0;
    select pg_catalog.set_config('transaction_timeout', '0', true)
      where pg_catalog.current_setting('transaction_timeout', true) is not null`
}
