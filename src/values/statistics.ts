/** What a series of measurements comes to. */
export interface Summary {
  readonly n: number
  readonly mean: number
  readonly p50: number
  readonly p95: number
}

/** Mean and nearest-rank percentiles. */
export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b)
  const rank = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? 0
  const mean = sorted.reduce((sum, value) => sum + value, 0) / Math.max(1, sorted.length)
  return { n: sorted.length, mean, p50: rank(0.5), p95: rank(0.95) }
}
