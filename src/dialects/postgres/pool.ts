import { setTimeout as sleep } from 'node:timers/promises'
import { type RawBuilder, sql } from 'kysely'
import pLimit from 'p-limit'
import type { Limits } from '../../contracts/limits.js'
import { type Answer, type RoundTrip, stopped, type TransactionSettings } from '../dialect.js'
import type { Client } from './client.js'
import { connectionsOf, type Join } from './connections.js'
import { snapshotOver } from './snapshot.js'
import {
  type Beginning,
  begin,
  beginWriting,
  enter,
  enterAlone,
  leave,
  leaveAlone,
  type Transaction,
  type Work,
} from './transactions.js'
import { classify, triage } from './triage.js'

/** Connections that a run takes from the application at most, the one that holds the snapshot included. */
const most = 3
/** How long a server may take, in milliseconds, to see that a connection of ours is gone. */
const longestLeave = 10_000

/** What a run asks a server: each in a transaction of its own, two at a time, and with an answer whatever becomes of it. */
export function poolOf(first: Client, join: Join, usual: RawBuilder<unknown>, isScarce: boolean) {
  const reading: Beginning = (limits, settings = null, imported) => begin(limits, imported ?? null, settings, usual)
  const turn = pLimit(most - 1)
  const connections = connectionsOf(first, join, isScarce)
  let lost = false

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

  const transaction: Transaction = (limits, beginning, work) =>
    connections.withClient(limits, async (client) => {
      try {
        await enter(client, beginning, limits)
        return await work(client.kysely)
      } finally {
        await leave(client)
      }
    })
  /** One that has ended when its result is there. */
  const rehearsal: Transaction = (limits, beginning, work) =>
    connections.withClient(limits, async (client) => {
      try {
        await enterAlone(client.kysely, beginning, limits)
        return await work(client.kysely)
      } finally {
        await leaveAlone(client)
      }
    })
  const snapshot = snapshotOver(connections, transaction, reading)

  /** A fresh connection that is asked one trivial question. */
  const ask = async (limits: Limits): Promise<{ client: Client; times: RoundTrip }> => {
    const before = performance.now()
    const client = await join(limits)
    const between = performance.now()
    try {
      await enterAlone(client.kysely, sql`${reading(limits)}; select 1; rollback`, limits)
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
      connections.becomeScarce()
      return null
    }
  }

  /** As `ask`, again and again until the server has seen that the connection before it is gone. */
  const askUntilThereIsRoom = async (limits: Limits): Promise<{ client: Client; times: RoundTrip }> => {
    for (const until = performance.now() + longestLeave; ; ) {
      try {
        return await ask(limits)
      } catch (error) {
        if (!isFull(error) || performance.now() > until) throw error
        await sleep(20, undefined, { signal: limits.signal })
      }
    }
  }

  const roundTrip = async (limits: Limits): Promise<RoundTrip> => {
    const times = connections.scarce ? null : await askIfThereIsRoom(limits)
    if (times) return times
    // Nothing of ours runs meanwhile: behind a pooler it would have the server's only connection.
    return connections.withClient(limits, async (held) => {
      const beside = await askIfThereIsRoom(limits)
      return beside ?? (await connections.replace(held, () => askUntilThereIsRoom(limits))).times
    })
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
          shared ? snapshot.read(limits, work, settings) : transaction(limits, reading(limits, settings), work),
        ),
      ),

    rehearse: <T>(work: Work<T>, limits: Limits): Promise<Answer<T>> =>
      turn(() => asAnswer(limits, () => rehearsal(limits, beginWriting(limits), work))),

    async close() {
      await Promise.all([connections.end(), snapshot.end()])
    },
  }
}

/** Whether a server, or a pooler, says that it has no connection left for us. */
function isFull(error: unknown): boolean {
  return ['too-many-connections', 'role-limit', 'database-limit', 'pooler-full'].includes(triage(error).outcome)
}
