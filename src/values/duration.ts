import ms from 'ms'

/** How a time with its unit is written. */
export const durationPattern = /^\d+(\.\d+)?(ms|s|m|h|d)$/

/** A time with its unit, `250ms`, `5s`, `1.5m`, in milliseconds; null where it is none. A bare number is refused: what would it count? */
export function parseDuration(text: string): number | null {
  return durationPattern.test(text) ? ms(text as ms.StringValue) : null
}

/** A time as it would be written, in the largest unit that is exact. */
export function writtenDuration(milliseconds: number): string {
  const unit = (['d', 'h', 'm', 's'] as const).find((letter) => milliseconds % ms(`1${letter}`) === 0)
  return unit === undefined ? `${milliseconds}ms` : `${milliseconds / ms(`1${unit}`)}${unit}`
}
