import { type Audience, reportOn } from '../engine/examine.js'
import { createRegistry, type Registry } from '../engine/registry.js'
import type { Subject } from '../engine/subject.js'
import { trendOf } from '../report/history.js'
import type { Report } from '../report/report.js'
import { formatsOf } from './formats.js'
import { type HistoryFile, historyOf } from './history-file.js'
import type { Interruption } from './interruption.js'
import type { CheckOptions } from './options.js'
import { refuseUnwritable, styleOf, writeReport } from './output.js'
import { startProgress } from './progress.js'

/** A subject, and who may call the examination off. */
export interface Interruptible extends Subject {
  readonly interruption: Interruption
}

/** Examines, prints the report, and answers with the exit code. */
export async function examine(subject: Interruptible, options: CheckOptions): Promise<number> {
  const registry = createRegistry(subject.plugins)
  const outputs = formatsOf(options.format, registry.reporters)
  await refuseUnwritable(outputs)
  const history = await historyOf(options)
  const report = await examined(subject, options, { history, registry })
  // What cannot be kept in one place is kept in the other all the same.
  const kept = await Promise.allSettled([writeReport(report, outputs, styleOf(options)), history?.append(report)])
  for (const ending of kept) if (ending.status === 'rejected') throw ending.reason
  return report.exitCode
}

/** What else an examination may have: earlier runs, the checks where somebody has put them together already, and who listens. */
interface Company extends Partial<Pick<Audience, 'repairs' | 'onEvent'>> {
  readonly history?: HistoryFile | null
  readonly registry?: Registry
}

/** Examines, and shows on standard error that it does. With a history, the report says what has changed since. */
export async function examined(
  { interruption, ...subject }: Interruptible,
  options: CheckOptions,
  { history, registry = createRegistry(subject.plugins), repairs, onEvent = () => {} }: Company = {},
): Promise<Report> {
  const progress = startProgress(options.progress && !options.quiet)
  try {
    const report = await reportOn(subject, registry, options, {
      interrupt: interruption.signal,
      received: interruption.received,
      onEvent(event) {
        progress.onEvent(event)
        onEvent(event)
      },
      ...(repairs && { repairs }),
    })
    return history ? { ...report, trend: trendOf(report, history.runs) } : report
  } finally {
    progress.stop()
  }
}
