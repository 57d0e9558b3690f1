import { setTimeout as sleep } from 'node:timers/promises'
import pLimit from 'p-limit'
import type { Limits } from '../../contracts/limits.js'
import type { Answer, Failure, Unopened } from '../dialect.js'
import { stopped } from '../dialect.js'
import { fingerprint } from './file.js'
import { type Link, startLink } from './link.js'
import { type Opened, openFile } from './opening.js'
import { asAnswer, transactionOn, type Work } from './transactions.js'

/** How long somebody who writes may keep a look waiting that has begun, in milliseconds. */
const longestBusy = 10_000
/** Milliseconds between two attempts. */
export const pause = 20

/** How old a transaction may be for one more piece of work to go on in it, in milliseconds. */
const young = 20

/** How a piece of work reads. */
export interface Reading {
  /** Where a reader keeps writers waiting, it does so briefly, or fails with `overtime`. */
  readonly briefly?: boolean
  /** In a transaction that somebody else has just begun, if there is one: what there was a moment ago is good enough. */
  readonly joining?: boolean
}

export type Lane = ReturnType<typeof laneOf>

/** Keeps one child process with the file open, and starts another when the first was killed or the file changed its state. */
export function laneOf(path: string, first?: Link) {
  const turn = pLimit(1)
  const links = new Set<Link>(first ? [first] : [])
  let current: Opened | undefined
  let transaction: ReturnType<typeof transactionOn> | undefined
  /** Of each piece of work that waits for its turn, whether it joins a transaction. */
  const waiting: boolean[] = []

  const leave = () => {
    transaction?.end()
    transaction = undefined
  }

  /** One piece of work at a time: the child is one connection. A transaction is left open for nobody but who is next. */
  const inTurn = <T>(joining: boolean, work: () => Promise<T>): Promise<T> => {
    waiting.push(joining)
    return turn(async () => {
      waiting.shift()
      try {
        return await work()
      } finally {
        if (!waiting[0]) leave()
      }
    })
  }

  const open = async (signal: AbortSignal): Promise<Opened | Omit<Unopened, 'ms'>> => {
    if (current?.link.alive) return current
    const link = first?.alive && !current ? first : startLink()
    links.add(link)
    const stop = () => void link.kill()
    signal.addEventListener('abort', stop, { once: true })
    try {
      const opened = await openFile(path, link)
      if (opened.outcome === 'opened') {
        leave()
        current = opened
      } else await link.kill()
      if (signal.aborted) return { ...stoppedOpening(signal), place: path }
      return opened
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  /** Work on the open file, which is opened again where it has changed meanwhile. */
  const attempt = async <T>(signal: AbortSignal, work: (opened: Opened) => Promise<T>): Promise<Answer<T>> => {
    const busyUntil = performance.now() + longestBusy
    for (let attempts = 1; ; attempts++) {
      if (signal.aborted) return stopped(signal)
      const opened = await open(signal)
      if (opened.outcome !== 'opened') return signal.aborted ? stopped(signal) : unopened(opened)
      const answerOf = () => asAnswer(opened.link, signal, () => work(opened))
      let answer = await answerOf()
      // A transaction that could not begin has read nothing yet.
      while (isBusy(answer) && opened.link.alive && !signal.aborted && performance.now() < busyUntil) {
        await sleep(pause)
        answer = await answerOf()
      }
      if (signal.aborted || !(await outdated(opened, answer))) return answer
      // Open it in the way that fits now.
      await opened.link.kill()
      if (attempts === 3)
        return { outcome: 'failed', reason: 'unsafe', code: '', text: 'the file keeps changing while it is read' }
    }
  }

  const read = async <T>(
    { link, way }: Opened,
    work: Work<T>,
    noted: Limits['noted'],
    { briefly = false, joining = false }: Reading,
  ): Promise<T> => {
    if (!joining || (transaction && transaction.age() > young)) leave()
    transaction ??= transactionOn(link)
    try {
      return await transaction[briefly && way === 'read-only' ? 'runBriefly' : 'run'](work, noted)
    } catch (error) {
      leave()
      throw error
    }
  }

  return {
    open,
    /** How the file is open; undefined where it is not. */
    get opened() {
      return current
    },

    work: <T>(signal: AbortSignal, work: (link: Link) => Promise<T>): Promise<Answer<T>> =>
      inTurn(false, () => attempt(signal, ({ link }) => work(link))),

    /** Runs work in a read transaction. */
    read: <T>(work: Work<T>, { signal, noted }: Limits, reading: Reading = {}): Promise<Answer<T>> =>
      inTurn(reading.joining ?? false, () => attempt(signal, (opened) => read(opened, work, noted, reading))),

    /** Keeps the lane free while something else is done. */
    keepFree: <T>(work: () => Promise<T>): Promise<T> => inTurn(false, work),

    async close() {
      await Promise.all(Array.from(links, (link) => link.kill()))
    },
  }
}

/** Whether somebody else has the lock that was wanted. */
function isBusy(answer: Answer<unknown>): boolean {
  return answer.outcome === 'failed' && answer.code.startsWith('SQLITE_BUSY')
}

/** Whether the way the file was opened no longer fits: an immutable view of a file that is written to, or a writer died meanwhile. */
async function outdated({ way, file, print }: Opened, answer: Answer<unknown>): Promise<boolean> {
  if (way === 'at-rest') return (await fingerprint(file).catch(() => '')) !== print
  return answer.outcome === 'failed' && answer.code.startsWith('SQLITE_READONLY_')
}

function stoppedOpening(signal: AbortSignal): Omit<Unopened, 'ms' | 'place'> {
  const { reason, text } = stopped(signal)
  return { outcome: reason, code: '', text }
}

function unopened({ code, text }: Omit<Unopened, 'ms'>): Failure {
  return { outcome: 'failed', reason: 'blocked', code, text: `the file could not be opened again: ${text}` }
}
