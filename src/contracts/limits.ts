import { setMaxListeners } from 'node:events'

/** What binds a piece of work: a signal, and the moment (`performance.now()`) at which its time is up. */
export interface Limits {
  readonly signal: AbortSignal
  readonly expires: number
  /** Is told how many rows of a long scan are done, and of how many. */
  readonly advance?: (done: number, of: number) => void
  /** Is told of each statement that was sent, its values left out, and of the milliseconds until its answer. */
  readonly noted?: (statement: string, ms: number) => void
}

/** Why a signal was aborted: the `reason` of every AbortSignal of a run. */
export class Stop extends Error {
  readonly reason: 'deadline' | 'interrupted'

  constructor(reason: 'deadline' | 'interrupted', message: string) {
    super(message)
    this.name = 'Stop'
    this.reason = reason
  }
}

/** The longest time that Node's timers can wait, in milliseconds. */
const longest = 2 ** 31 - 1

/** Limits that whoever has set them can lift, or end at once. */
export interface OwnLimits extends Limits {
  /** Lets go of the clock, and of the signal above. */
  clear(): void
  /** Ends what they bind, as an interruption does. */
  stop(): void
}

/** Limits whose signal is aborted when the time is up, or with the signal above. */
export function limit(expires: number, above: AbortSignal): OwnLimits {
  const controller = new AbortController()
  // Each query and request of a check listens to it.
  setMaxListeners(0, controller.signal)
  const stop = () => controller.abort(stopOf(above))
  if (above.aborted) stop()
  above.addEventListener('abort', stop, { once: true })
  const expire = () => controller.abort(new Stop('deadline', 'its time was up'))
  const timer = setTimeout(expire, Math.max(0, Math.min(expires - performance.now(), longest)))
  return {
    signal: controller.signal,
    expires,
    clear() {
      clearTimeout(timer)
      above.removeEventListener('abort', stop)
    },
    stop,
  }
}

/** Why a signal was aborted; an interruption where nobody said. */
export function stopOf(signal: AbortSignal): Stop {
  return signal.reason instanceof Stop ? signal.reason : new Stop('interrupted', 'the run was interrupted')
}
