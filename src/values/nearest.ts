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

/**
 * What a config means and misspells: a letter or two away, and named nowhere else in it. Names of a family are alike, and where one of them is
 * gone, its neighbour was not meant: a number or a word of its own is no slip.
 */
export function slipOf(name: string, known: readonly string[], named: readonly string[]): string | null {
  const marks = (text: string) => text.replace(/\p{L}/gu, '')
  const others = known.filter((other) => !named.includes(other) && marks(other) === marks(name))
  return nearest(name, others, Math.min(2, name.length / 3))
}
