import { setTimeout as sleep } from 'node:timers/promises'
import { type RawBuilder, sql } from 'kysely'
import pLimit from 'p-limit'
import type { Limits } from '../../contracts/limits.js'
import { type Answer, type RoundTrip, stopped, type TransactionSettings } from '../dialect.js'
import { type Client, within } from './client.js'
import { begin, beginWriting, enter, settingsOfSome, timeouts, type Work } from './transactions.js'
import { classify, triage } from './triage.js'

/** Connections that a run takes from the application at most, the one that holds the snapshot included. */
const connections = 3
/** Attempts to import a snapshot, where whoever exported it is ended each time. */
const attempts = 3
/** How long a cancelled statement may take to end before its connection is cut; milliseconds. */
const cancelTimeout = 300

/** How long one more connection may take while another one is there, in milliseconds: what takes longer is scarce. */
const longestJoin = 1000

/** How long a server may take, in milliseconds, to see that a connection of ours is gone. */
const longestLeave = 10_000

/** Opens one more connection to the same database. */
export type Join = (limits: Limits) => Promise<Client>

/**
 * Connections that are used in turn, and the transaction whose snapshot they share. Nothing that is scarce is held while the next is
 * waited for: behind a pooler, and where a server gives no second connection, each transaction in turn has the one that is there, and
 * lets go of it.
 */
export function poolOf(first: Client, join: Join, isScarce: boolean) {
  const turn = pLimit(connections - 1)
  const alone = pLimit(1)
  const idle: Client[] = [first]
  const busy = new Set<Client>()
  /** Who waits for a connection; told null, they see for themselves whether there is one. */
  const waiting: ((client: Client | null) => void)[] = []
  let scarce = isScarce
  /** The one connection that there is was ended, for a fresh one in its place. */
  let replacing = false
  let lost = false
  let snapshot: Promise<Snapshot | null> | undefined

  /** Turns what went wrong into an answer; what is not the server's doing stays a throw. */
  const asAnswer = async <T>(limits: Limits, work: () => Promise<T>): Promise<Answer<T>> => {
    if (limits.signal.aborted) return stopped(limits.signal)
    try {
      return { outcome: 'answered', value: await work() }
    } catch (error) {
      if (limits.signal.aborted) return stopped(limits.signal)
      const failure = classify(error)
      if (failure?.reason === 'blocked') lost = true
      if (failure) return failure
      const opening = triage(error)
      if (opening.outcome === 'other') throw error
      lost = true
      return { outcome: 'failed', reason: 'blocked', code: opening.code, text: opening.text }
    }
  }

  /** One more connection, while there is another one to fall back to; null where it does not come. */
  const joinAnother = async (limits: Limits): Promise<Client | null> => {
    const joining = join(limits)
    const client = await within(longestJoin, joining)
      .then(() => Promise.race([joining, null]))
      .catch(() => null)
    if (client) return client
    if (limits.signal.aborted) throw limits.signal.reason
    scarce = true
    // Should it still come, nobody is there to use it.
    joining.then((late) => late.end()).catch(() => {})
    return null
  }

  /** A connection that nobody uses: an idle one, a new one, or, where they are scarce, the next that is given back. */
  const take = async (limits: Limits): Promise<Client> => {
    for (let client = idle.pop(); client; client = idle.pop()) if (client.alive) return client
    if (!replacing && ![...busy].some(({ alive }) => alive)) return joinAlone(limits)
    // Meanwhile somebody may have given one back.
    if (!scarce) return (await joinAnother(limits)) ?? take(limits)
    const returned = await nextGivenBack(limits)
    if (returned?.alive) return returned
    if (returned) busy.delete(returned)
    return take(limits)
  }

  /** A connection where nobody has one. Where it does not come, nobody will give one back: the next who waits has to hear of it. */
  const joinAlone = (limits: Limits): Promise<Client> =>
    join(limits).catch((error: unknown) => {
      waiting.shift()?.(null)
      throw error
    })

  const nextGivenBack = (limits: Limits): Promise<Client | null> =>
    new Promise((resolve, reject) => {
      const stop = () => {
        waiting.splice(waiting.indexOf(receive), 1)
        reject(limits.signal.reason)
      }
      const receive = (client: Client | null) => {
        limits.signal.removeEventListener('abort', stop)
        resolve(client)
      }
      waiting.push(receive)
      limits.signal.addEventListener('abort', stop, { once: true })
    })

  const giveBack = (client: Client) => {
    // Somebody's attempt to join was under way, and took the place that was made for the fresh one.
    if (replacing) return void client.end()
    const next = waiting.shift()
    if (!next) return void idle.push(client)
    // From now on, not from when its new holder wakes: whoever looks meanwhile must see that there is one.
    busy.add(client)
    next(client)
  }

  /** Runs work on a connection of its own; an abort cancels the statement on the server, and cuts the connection if it hangs. */
  const withClient = async <T>(limits: Limits, work: (client: Client) => Promise<T>): Promise<T> => {
    const client = await take(limits)
    busy.add(client)
    try {
      return await cancellable(client, limits.signal, work(client))
    } catch (error) {
      if (limits.signal.aborted) void client.end()
      throw error
    } finally {
      busy.delete(client)
      giveBack(client)
    }
  }

  /** One transaction, rolled back in any case. */
  const transaction = <T>(limits: Limits, beginning: RawBuilder<unknown>, work: Work<T>): Promise<T> =>
    withClient(limits, async (client) => {
      try {
        await enter(client.kysely, beginning, limits)
        return await work(client.kysely)
      } finally {
        // An error ends what is local to the transaction: the role's own time-out may have ended the session by now.
        await sql`rollback`.execute(client.kysely).catch(() => void client.end())
      }
    })

  const openSnapshot = async (limits: Limits): Promise<Snapshot | null> => {
    const client = await joinAnother(limits)
    if (client === null) return null
    const lasting = begin({ ...limits, expires: Number.POSITIVE_INFINITY }, null)
    try {
      await enter(client.kysely, lasting, limits)
      const exported = sql<{ id: string }>`select pg_catalog.pg_export_snapshot() as id`.execute(client.kysely)
      // Where somebody forbids it, all that must agree goes through this one transaction.
      const id = await exported.then(({ rows }) => rows[0]?.id ?? null).catch(() => null)
      if (id === null) {
        await sql`rollback`.execute(client.kysely)
        await enter(client.kysely, lasting, limits)
      }
      return { client, id }
    } catch (error) {
      void client.end()
      throw error
    }
  }

  /** Null where connections are scarce: one that is kept for a snapshot would keep everybody else waiting. */
  const sharedSnapshot = async (limits: Limits): Promise<Snapshot | null> => {
    for (;;) {
      if (scarce && !snapshot) return null
      snapshot ??= openSnapshot(limits)
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

  const inSnapshot = async <T>(
    limits: Limits,
    work: Work<T>,
    settings: TransactionSettings,
    attempt = 1,
  ): Promise<T> => {
    const shared = await sharedSnapshot(limits)
    if (shared === null) return transaction(limits, begin(limits, null, settings), work)
    const { client, id } = shared
    if (id !== null) {
      let begun = false
      const working: Work<T> = (kysely) => {
        begun = true
        return work(kysely)
      }
      try {
        return await transaction(limits, begin(limits, id, settings), working)
      } catch (error) {
        if (begun || attempt === attempts || !isOfImport(error)) throw error
        // Whoever exported it was ended, and we have not been told yet.
        void client.end()
        return inSnapshot(limits, work, settings, attempt + 1)
      }
    }
    return alone(async () => {
      await sql`savepoint dbdoctor`.execute(client.kysely)
      try {
        await sql`${timeouts(limits)}; ${settingsOfSome}; ${settings ?? sql``}`.execute(client.kysely)
        return await cancellable(client, limits.signal, work(client.kysely))
      } finally {
        await sql`rollback to savepoint dbdoctor`.execute(client.kysely).catch(() => {})
      }
    })
  }

  /** A fresh connection that is asked one trivial question. */
  const ask = async (limits: Limits): Promise<{ client: Client; times: RoundTrip }> => {
    const before = performance.now()
    const client = await join(limits)
    const between = performance.now()
    try {
      await enter(client.kysely, sql`${begin(limits, null)}; select 1; rollback`, limits)
      return { client, times: { connect: between - before, query: performance.now() - between } }
    } catch (error) {
      void client.end()
      throw error
    }
  }

  /** As `ask`; null where the server has no connection for us, beside the one that is there. */
  const askIfThereIsRoom = async (limits: Limits): Promise<RoundTrip | null> => {
    try {
      const { client, times } = await ask(limits)
      await client.end()
      return times
    } catch (error) {
      if (!isFull(error)) throw error
      scarce = true
      return null
    }
  }

  /** A fresh connection in place of the one that is there. */
  const askInstead = async (limits: Limits, held: Client): Promise<RoundTrip> => {
    replacing = true
    try {
      await held.end()
      for (const until = performance.now() + longestLeave; ; ) {
        try {
          const { client, times } = await ask(limits)
          replacing = false
          giveBack(client)
          return times
        } catch (error) {
          // The server may not have seen yet that the other one is gone.
          if (!isFull(error) || performance.now() > until) throw error
          await sleep(20, undefined, { signal: limits.signal })
        }
      }
    } finally {
      replacing = false
    }
  }

  const roundTrip = async (limits: Limits): Promise<RoundTrip> => {
    const times = scarce ? null : await askIfThereIsRoom(limits)
    if (times) return times
    // Nothing of ours runs meanwhile: behind a pooler it would have the server's only connection.
    return withClient(limits, async (held) => (await askIfThereIsRoom(limits)) ?? askInstead(limits, held))
  }

  return {
    asAnswer,
    lost: () => lost,
    roundTrip: (limits: Limits): Promise<Answer<RoundTrip>> => asAnswer(limits, () => roundTrip(limits)),
    /** `shared`: in the snapshot that all such reads of a run share. */
    read: <T>(
      work: Work<T>,
      limits: Limits,
      { settings = null, shared = false }: { settings?: TransactionSettings | undefined; shared?: boolean },
    ): Promise<Answer<T>> =>
      turn(() =>
        asAnswer(limits, () =>
          shared ? inSnapshot(limits, work, settings) : transaction(limits, begin(limits, null, settings), work),
        ),
      ),

    rehearse: <T>(work: Work<T>, limits: Limits): Promise<Answer<T>> =>
      turn(() => asAnswer(limits, () => transaction(limits, beginWriting(limits), work))),

    async close() {
      const held = await snapshot?.catch(() => undefined)
      await Promise.all([...idle, ...busy, ...(held ? [held.client] : [])].map((client) => client.end()))
    },
  }
}

/** Whether a transaction could not begin because nobody holds the snapshot that it was to import: invalid_parameter_value, or not_in_prerequisite_state. */
function isOfImport(error: unknown): boolean {
  return ['22023', '55000'].includes((error as { code?: string }).code ?? '')
}

/** Whether a server, or a pooler, says that it has no connection left for us. */
function isFull(error: unknown): boolean {
  return ['too-many-connections', 'role-limit', 'database-limit', 'pooler-full'].includes(triage(error).outcome)
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
        .then(() => within(cancelTimeout, work))
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
