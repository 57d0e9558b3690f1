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

/** A check that is looking. */
interface Running {
  readonly title: string
  /** The scan that it is at: when it was first heard of, and how far it was then and is now. */
  scan?: { readonly since: number; readonly from: number; readonly done: number; readonly of: number }
}

function advance(running: Running | undefined, { done, of }: { readonly done: number; readonly of: number }): void {
  if (!running) return
  const { scan } = running
  const same = scan && scan.of === of && scan.done <= done
  running.scan = same ? { ...scan, done } : { since: performance.now(), from: done, done, of }
}

/** Its title, and how far its scan is: `3.1 of 5.0 M rows, 2.1 M/s, 1 s left`. */
function told(running: Running | undefined): string {
  if (!running) return ''
  const { title, scan } = running
  if (!scan) return title
  const rate = (scan.done - scan.from) / (performance.now() - scan.since)
  const pace = rate > 0 ? `, ${rows(1000 * rate)}/s, ${milliseconds((scan.of - scan.done) / rate)} left` : ''
  return `${title} · ${rows(scan.done)} of ${rows(scan.of)} rows${pace}`
}

function rows(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} M`
  return count >= 1e4 ? `${(count / 1e3).toFixed(0)} k` : count.toFixed(0)
}

export function startProgress(wanted: boolean): Progress {
  const sayWait = waitSayer(wanted)
  if (!wanted || !process.stderr.isTTY || process.env.CI)
    return { onEvent: (event) => event.type === 'waiting' && sayWait(event), stop() {} }
  const running = new Map<string, Running>()
  let tally = ''
  let spinner: Ora | undefined
  let stopped = false
  // The one that has been running longest; all of them would not fit a line.
  const text = () => inert(`${tally}${told([...running.values()][0])}`)
  const timer = setTimeout(async () => {
    // The dearest import of the command line: only for runs that take a while.
    const { default: ora } = await import('ora')
    if (!stopped) spinner = ora({ text: text(), stream: process.stderr, discardStdin: false }).start()
  }, firstShownAfter)

  return {
    onEvent(event) {
      if (event.type === 'asked') return
      if (event.type === 'waiting') tally = `${waiting(event)} · `
      else if (event.type === 'started') running.set(event.id, { title: event.title })
      else if (event.type === 'advanced') advance(running.get(event.id), event)
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
