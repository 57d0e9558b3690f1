/** How many answers are kept; the names of a schema are made of fewer. */
const most = 10_000

/** A function of texts that keeps its answers: the columns of a schema are named with the same words again and again. */
export function remembered<T>(answer: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>()
  return (text) => {
    const kept = known.get(text)
    if (kept !== undefined) return kept
    const found = answer(text)
    if (known.size === most) known.clear()
    known.set(text, found)
    return found
  }
}
