import type { Signal } from '../report/exit-code.js'

/** What the signals of a command have come to. */
export interface Interruption {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal
  received(): Signal | null
  stop(): void
}

/** The first signal asks the run to stop and report; a second one ends the process as it would any other. */
export function listenForSignals(): Interruption {
  const controller = new AbortController()
  let received: Signal | null = null
  const onSignal = (signal: Signal) => {
    // Others listen too, the spinner among them, and end the process where they believe that nobody else does.
    if (received !== null) return end(signal)
    received = signal
    controller.abort()
  }
  const stop = () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal)
  }
  const end = (signal: Signal) => {
    stop()
    process.kill(process.pid, signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal)
  return { signal: controller.signal, received: () => received, stop }
}
