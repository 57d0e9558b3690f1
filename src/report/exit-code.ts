import type { Held } from './comparison.js'
import type { Examination, Report } from './report.js'

/** Signals that end a run early, with what is known so far. */
export type Signal = 'SIGINT' | 'SIGTERM'

export const failOn = ['fail', 'warn', 'never'] as const
export type FailOn = (typeof failOn)[number]

/**
 * The exit code that a report deserves: 0 healthy or degraded, 1 unhealthy, 3 inconclusive; a signal's own where one cut the run short.
 * `warn` makes any warning 1; `never` turns 1 into 0, and nothing else.
 */
export function exitCodeOf(report: Examination, threshold: FailOn, signal: Signal | null): number {
  if (signal) return signal === 'SIGINT' ? 130 : 143
  const { status } = report.verdict
  if (status === 'inconclusive') return 3
  const failed =
    status === 'unhealthy' || (threshold === 'warn' && report.results.some((result) => result.status === 'warn'))
  return failed && threshold !== 'never' ? 1 : 0
}

/**
 * The exit code of a report that was saved: the one that its run ended with, since rendering it is no new judgement. A threshold that
 * is named decides anew, but for a run that a signal cut short, which stays what it was.
 */
export function exitCodeOfSaved(report: Report, threshold: FailOn | undefined): number {
  const { exitCode } = report
  return threshold === undefined || exitCode === 130 || exitCode === 143
    ? exitCode
    : exitCodeOf(report, threshold, null)
}

/**
 * The exit code of two reports: 1 where something is new or worse that is neither accepted nor mere information; else 3 where the second
 * one could not tell what the first one knew, and was asked; else 0, whatever both have found.
 */
export function exitCodeOfComparison({ differences, checks }: Held): number {
  const open = differences.filter(({ severity, accepted }) => severity !== 'info' && !accepted)
  if (open.some(({ fate }) => fate === 'new' || fate === 'worse')) return 1
  return checks.some(({ lost }) => lost) ? 3 : 0
}
