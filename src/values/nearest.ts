import { distance } from 'fastest-levenshtein'

/** What somebody meant who wrote something else; null where nothing known is near. */
export function nearest(written: string, known: readonly string[]): string | null {
  const [best] = known
    .map((word) => ({ word, far: distance(word, written) }))
    .filter(({ far }) => far <= Math.max(2, written.length / 3))
    .sort((a, b) => a.far - b.far)
  return best?.word ?? null
}
