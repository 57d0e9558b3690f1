import type { Examination } from '../run.js'

export const failOn = ['fail', 'warn', 'never'] as const
export type FailOn = (typeof failOn)[number]

/**
 * The exit code that a report deserves: 0 healthy or degraded, 1 unhealthy, 3 inconclusive; a signal's own where one cut the run short.
 * `warn` makes any warning 1; `never` turns 1 into 0, and nothing else.
 */
export function exitCodeOf(report: Examination, threshold: FailOn, signal: NodeJS.Signals | null): number {
  if (signal) return signal === 'SIGINT' ? 130 : 143
  const { status } = report.verdict
  if (status === 'inconclusive') return 3
  const failed =
    status === 'unhealthy' || (threshold === 'warn' && report.results.some((result) => result.status === 'warn'))
  return failed && threshold !== 'never' ? 1 : 0
}
