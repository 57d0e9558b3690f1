import { isUnknown, type Result, type SkipReason } from '../../report/report.js'

/** The parts of a system that people speak of, and the layers that they are made of. */
export const parts: readonly (readonly [name: string, layers: readonly string[]])[] = [
  ['Database', ['connection', 'storage', 'activity', 'schema', 'integrity']],
  ['API server', ['server']],
  ['Authentication', ['auth']],
  ['External services', ['external']],
]

export const notChecked = 'Not checked.'

export function looked(results: readonly Result[], layers: readonly string[]): Result[] {
  return results.filter(
    (result) =>
      layers.includes(result.layer) &&
      (result.status !== 'skip' || (isUnsure(result) && result.skip?.reason !== 'blocked')),
  )
}

/** Nobody had to look. */
export function isSettled(reason: SkipReason | undefined): boolean {
  return reason !== undefined && !isUnknown(reason)
}

export function isUnsure({ status, skip, coverage }: Result): boolean {
  return (
    status === 'crash' ||
    (skip !== undefined && !isSettled(skip.reason)) ||
    (coverage?.missing ?? []).some(({ optional }) => !optional)
  )
}

export function listOr(lines: readonly string[], otherwise: string): readonly string[] {
  return lines.length > 0 ? lines : [otherwise]
}
