import ms from 'ms'

/** A time with its unit, `250ms`, `5s`, `1.5m`, in milliseconds; null where it is none. A bare number is refused: what would it count? */
export function parseDuration(text: string): number | null {
  return /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text) ? ms(text as ms.StringValue) : null
}
