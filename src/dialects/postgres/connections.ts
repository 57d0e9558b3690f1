import type { Limits } from '../../contracts/limits.js'
import { type Client, within } from './client.js'
import { goesOnAfter } from './triage.js'

/** How long a cancelled statement may take to end before its connection is cut; milliseconds. */
const cancelTimeout = 300
/** How long one more connection may take while another one is there, in milliseconds: what takes longer is scarce. */
const longestJoin = 1000

/** Opens one more connection to the same database. */
export type Join = (limits: Limits) => Promise<Client>

export type Connections = ReturnType<typeof connectionsOf>

/**
 * Connections that are handed round. Nothing that is scarce is held while the next is waited for: behind a pooler, and where a server gives
 * no second connection, each piece of work in turn has the one that is there, and lets go of it.
 */
export function connectionsOf(first: Client, join: Join, isScarce: boolean) {
  const idle: Client[] = [first]
  const busy = new Set<Client>()
  /** Who waits for a connection; told null, they see for themselves whether there is one. */
  const waiting: ((client: Client | null) => void)[] = []
  let scarce = isScarce
  /** The one connection that there is was ended, for a fresh one in its place. */
  let replacing = false

  /** The last that was given back, because its transaction may end with ours, but not one that is about to end it. */
  const nextIdle = (): Client | undefined => {
    const at = idle.findLastIndex(({ isEnding }) => !isEnding)
    return at < 0 ? idle.pop() : idle.splice(at, 1)[0]
  }

  /** One more connection, while there is another one to fall back to; null where it does not come. */
  const another = async (limits: Limits): Promise<Client | null> => {
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
    for (let client = nextIdle(); client; client = nextIdle()) {
      if (!client.alive) continue
      // From now on, not from when its new holder wakes: whoever asks in the same moment must see that there is one.
      busy.add(client)
      return client
    }
    if (!replacing && ![...busy].some(({ alive }) => alive)) return joinAlone(limits)
    // Meanwhile somebody may have given one back.
    if (!scarce) return (await another(limits)) ?? take(limits)
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
    // From now on, as above.
    busy.add(client)
    next(client)
  }

  return {
    another,

    /** Whether a server, or a pooler, has no connection for us beside the one that is there. */
    get scarce() {
      return scarce
    },
    becomeScarce() {
      scarce = true
    },

    /** Runs work on a connection of its own; an abort cancels the statement on the server, and cuts the connection if it hangs. */
    async withClient<T>(limits: Limits, work: (client: Client) => Promise<T>): Promise<T> {
      const client = await take(limits)
      busy.add(client)
      client.noted = limits.noted
      try {
        return await cancellable(client, limits.signal, work(client))
      } catch (error) {
        if (limits.signal.aborted) void client.end()
        else if (client.alive) goesOnAfter(error)
        throw error
      } finally {
        busy.delete(client)
        giveBack(client)
      }
    },

    /** Ends the connection that somebody holds, and hands round a fresh one in its place. */
    async replace<T extends { readonly client: Client }>(held: Client, make: () => Promise<T>): Promise<T> {
      replacing = true
      try {
        await held.end()
        const made = await make()
        replacing = false
        giveBack(made.client)
        return made
      } finally {
        replacing = false
      }
    },

    async end() {
      await Promise.all([...idle, ...busy].map((client) => client.end()))
    },
  }
}

/** Work on a connection; where it is aborted, its statement is cancelled, and nobody waits long for that. */
export async function cancellable<T>(client: Client, signal: AbortSignal, work: Promise<T>): Promise<T> {
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
