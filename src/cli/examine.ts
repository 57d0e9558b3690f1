import { reportOn } from '../examination.js'
import { trendOf } from '../history.js'
import type { Patient } from '../patient.js'
import { createRegistry, type Registry } from '../registry.js'
import type { Report } from '../report.js'
import { formatsOf } from './formats.js'
import { type HistoryFile, historyOf } from './history-file.js'
import type { Interruption } from './interruption.js'
import type { CheckOptions } from './options.js'
import { refuseUnwritable, styleOf, writeReport } from './output.js'
import { startProgress } from './progress.js'

/** A patient, and who may call the examination off. */
export interface Attended extends Patient {
  readonly interruption: Interruption
}

/** Examines, prints the report, and answers with the exit code. */
export async function examine(patient: Attended, options: CheckOptions): Promise<number> {
  const registry = createRegistry(patient.plugins)
  const outputs = formatsOf(options.format, registry.reporters)
  await refuseUnwritable(outputs)
  const history = await historyOf(options)
  const report = await examined(patient, options, history, registry)
  // What cannot be kept in one place is kept in the other all the same.
  const kept = await Promise.allSettled([writeReport(report, outputs, styleOf(options)), history?.append(report)])
  for (const ending of kept) if (ending.status === 'rejected') throw ending.reason
  return report.exitCode
}

/** Examines, and shows on standard error that it does. With a history, the report says what has changed since. */
export async function examined(
  { interruption, ...patient }: Attended,
  options: CheckOptions,
  history: HistoryFile | null = null,
  registry: Registry = createRegistry(patient.plugins),
): Promise<Report> {
  const progress = startProgress(options.progress && !options.quiet)
  try {
    const report = await reportOn(patient, registry, options, {
      interrupt: interruption.signal,
      received: interruption.received,
      onEvent: progress.onEvent,
    })
    return history ? { ...report, trend: trendOf(report, history.runs) } : report
  } finally {
    progress.stop()
  }
}
