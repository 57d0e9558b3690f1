import { distance } from 'fastest-levenshtein'

/** What somebody meant who wrote something else; null where nothing known is near: at most so many letters away. */
export function nearest(
  written: string,
  known: readonly string[],
  most: number = Math.max(2, written.length / 3),
): string | null {
  const [best] = known
    .map((word) => ({ word, far: distance(word, written) }))
    .filter(({ far }) => far <= most)
    .sort((a, b) => a.far - b.far)
  return best?.word ?? null
}
