import type { Ora } from 'ora'
import type { RunEvent } from '../engine/run.js'
import { inert } from '../values/inert.js'
import { milliseconds } from '../values/text.js'

/** How long a run may take before a spinner tells that it goes on, in milliseconds. */
const firstShownAfter = 150

/** What happens, as one line on standard error that is gone in the end. On a terminal only: elsewhere it would be noise. */
export interface Progress {
  readonly onEvent: (event: RunEvent) => void
  readonly stop: () => void
}

type Waiting = Extract<RunEvent, { type: 'waiting' }>

function waiting({ place, outcome, waited, wait }: Waiting): string {
  return `waiting for ${place} (${outcome.replaceAll('-', ' ')}), ${milliseconds(waited)} of ${milliseconds(wait)}`
}

/** Says once that a server is waited for, in a pipe too: a job that stands still should say why. */
function waitSayer(wanted: boolean): (event: Waiting) => void {
  let said = !wanted
  return (event) => {
    if (!said) process.stderr.write(`${inert(waiting(event))}\n`)
    said = true
  }
}

export function startProgress(wanted: boolean): Progress {
  const sayWait = waitSayer(wanted)
  if (!wanted || !process.stderr.isTTY || process.env.CI)
    return { onEvent: (event) => event.type === 'waiting' && sayWait(event), stop() {} }
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
  }, firstShownAfter)

  return {
    onEvent(event) {
      if (event.type === 'waiting') tally = `${waiting(event)} · `
      else if (event.type === 'started') running.set(event.id, event.title)
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
