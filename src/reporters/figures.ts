import type { Measurement, Result, TargetInfo } from '../report.js'
import { milliseconds, pluralize } from '../words.js'

export const engines: Record<TargetInfo['dialect'], string> = { sqlite: 'SQLite', postgres: 'PostgreSQL' }

/** What a check saw, in a few words. */
export function figureOf({ coverage, measurements, saw, skip, status }: Result): string {
  if (status === 'skip' && skip) return skip.reason.replaceAll('-', ' ')
  if (saw !== undefined) return saw
  if (coverage) return `${coverage.examined} of ${pluralize(coverage.of, coverage.unit)}`
  const telling = measurements.filter(({ budget }) => budget !== undefined)
  const shown = telling.length > 0 ? telling : measurements
  return shown.map((measurement) => measured(measurement, shown.length > 1)).join(', ')
}

function measured({ name, value, n }: Measurement, named: boolean): string {
  return n === 1 && !named ? milliseconds(value) : `${name.replace(/ (p50|mean)$/, '')} ${milliseconds(value)}`
}

/** Results that are unknown because of another one, by that one's id: what to mend first, and what waits for it. */
export function blockedOf(results: readonly Result[]): ReadonlyMap<string, readonly Result[]> {
  const blocked = new Map<string, Result[]>()
  for (const result of results) {
    if (result.skip?.reason !== 'blocked') continue
    const by = /^by (\S+)$/.exec(result.skip.detail)?.[1] ?? result.skip.detail
    blocked.set(by, [...(blocked.get(by) ?? []), result])
  }
  return blocked
}
