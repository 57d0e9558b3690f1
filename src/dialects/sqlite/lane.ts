import { setTimeout as sleep } from 'node:timers/promises'
import pLimit from 'p-limit'
import type { Answer, Failure, Unopened } from '../dialect.js'
import { stopped } from '../dialect.js'
import { fingerprint } from './file.js'
import { type Link, startLink } from './link.js'
import { type Opened, openFile } from './opening.js'
import { asAnswer } from './transactions.js'

/** How long somebody who writes may keep a look waiting that has begun, in milliseconds. */
const longestBusy = 10_000
/** Milliseconds between two attempts. */
export const pause = 20

export type Lane = ReturnType<typeof laneOf>

/** Keeps one child process with the file open, and starts another when the first was killed or the file changed its state. */
export function laneOf(path: string, first?: Link) {
  const turn = pLimit(1)
  const links = new Set<Link>(first ? [first] : [])
  let current: Opened | undefined

  const open = async (signal: AbortSignal): Promise<Opened | Omit<Unopened, 'ms'>> => {
    if (current?.link.alive) return current
    const link = first?.alive && !current ? first : startLink()
    links.add(link)
    const stop = () => void link.kill()
    signal.addEventListener('abort', stop, { once: true })
    try {
      const opened = await openFile(path, link)
      if (opened.outcome === 'opened') current = opened
      else await link.kill()
      if (signal.aborted) return { ...stoppedOpening(signal), place: path }
      return opened
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  return {
    open,
    /** How the file is open; undefined where it is not. */
    get opened() {
      return current
    },

    /** One piece of work at a time: the child is one connection. */
    work: <T>(signal: AbortSignal, work: (link: Link) => Promise<T>): Promise<Answer<T>> =>
      turn(async () => {
        const busyUntil = performance.now() + longestBusy
        for (let attempt = 1; ; attempt++) {
          if (signal.aborted) return stopped(signal)
          const opened = await open(signal)
          if (opened.outcome !== 'opened') return signal.aborted ? stopped(signal) : unopened(opened)
          let answer = await asAnswer(opened.link, signal, work)
          // A transaction that could not begin has read nothing yet.
          while (isBusy(answer) && opened.link.alive && !signal.aborted && performance.now() < busyUntil) {
            await sleep(pause)
            answer = await asAnswer(opened.link, signal, work)
          }
          if (signal.aborted || !(await outdated(opened, answer))) return answer
          // Open it in the way that fits now.
          await opened.link.kill()
          if (attempt === 3)
            return { outcome: 'failed', reason: 'unsafe', code: '', text: 'the file keeps changing while it is read' }
        }
      }),

    /** Keeps the lane free while something else is done. */
    keepFree: <T>(work: () => Promise<T>): Promise<T> => turn(work),

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
