import type { Ora } from 'ora'
import { inert } from '../reporters/inert.js'
import type { RunEvent } from '../run.js'

/** How long a run may take before a spinner tells that it goes on, in milliseconds. */
const patience = 150

/** What happens, as one line on standard error that is gone in the end. On a terminal only: elsewhere it would be noise. */
export interface Progress {
  readonly onEvent: (event: RunEvent) => void
  readonly stop: () => void
}

export function startProgress(wanted: boolean): Progress {
  if (!wanted || !process.stderr.isTTY || process.env.CI) return { onEvent() {}, stop() {} }
  const running = new Map<string, string>()
  let tally = ''
  let spinner: Ora | undefined
  let stopped = false
  // The one that has been running longest; all of them would not fit a line.
  const text = () => inert(`${tally}${[...running.values()][0] ?? ''}`)
  const timer = setTimeout(async () => {
    // The dearest import of the command line: only for runs that take a while.
    const { default: ora } = await import('ora')
    if (!stopped) spinner = ora({ text: text(), stream: process.stderr, discardStdin: false }).start()
  }, patience)

  return {
    onEvent(event) {
      if (event.type === 'started') running.set(event.id, event.title)
      else {
        running.delete(event.result.id)
        tally = `${event.settled} of ${event.of} · `
      }
      if (spinner) spinner.text = text()
    },
    stop() {
      stopped = true
      clearTimeout(timer)
      spinner?.stop()
    },
  }
}
