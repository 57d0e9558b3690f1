/** Something that took its time, in milliseconds. */
interface Timed {
  readonly ms: number
}

/** Keeps the few that took longest, the slowest first. */
export function slowestOf<T extends Timed>(most: number) {
  const kept: T[] = []
  return {
    kept: kept as readonly T[],
    add(one: T) {
      const at = kept.findIndex(({ ms }) => ms < one.ms)
      kept.splice(at === -1 ? kept.length : at, 0, one)
      kept.length = Math.min(kept.length, most)
    },
  }
}
