import { setTimeout as sleep } from 'node:timers/promises'
import { limit } from '../contracts/limits.js'
import type { Dialect, Opening, Unopened, UnopenedOutcome } from '../dialects/dialect.js'

/** What passes by itself while a server is being started. */
const passing: readonly UnopenedOutcome[] = [
  'refused',
  'no-socket',
  'stale-socket',
  'starting',
  'recovering',
  'not-consistent',
]
/** Milliseconds between two attempts. */
const pause = 250

/** Opens a database, again and again while its server is not up yet, for so many milliseconds at most. */
export async function openPatiently(
  dialect: Dialect,
  wait: number,
  interrupt: AbortSignal,
  onWait: (reason: Unopened, waited: number) => void,
): Promise<Opening> {
  const began = performance.now()
  const until = began + wait
  const waited: Unopened[] = []
  for (;;) {
    const limits = limit(until, interrupt)
    const opening = await dialect.open(limits)
    limits.clear()
    if (opening.outcome === 'opened')
      return { ...opening, waited, ...(waited.length > 0 && { waitedFor: performance.now() - began }) }
    const last = waited.at(-1)
    // Time that ran out in the middle of an attempt says less than what was seen before.
    if (opening.outcome === 'deadline' && last) return last
    waited.push(opening)
    if (!passing.includes(opening.outcome) || interrupt.aborted || performance.now() + pause >= until) return opening
    onWait(opening, performance.now() - began)
    await sleep(pause, undefined, { signal: interrupt }).catch(() => {})
  }
}
