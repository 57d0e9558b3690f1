/** How many are under way at a time: what a run may open for itself is no more. */
const most = 2

/**
 * Does the same with each item, and hands out what came of it in their order. The next one is under way while somebody waits for the first,
 * or looks at it.
 */
export async function* ahead<Item, Outcome>(
  items: Iterable<Item>,
  work: (item: Item) => Promise<Outcome>,
): AsyncGenerator<readonly [Item, Outcome]> {
  const begun: [Item, Promise<Outcome>][] = []
  const first = async () => {
    const [item, outcome] = begun.shift() as [Item, Promise<Outcome>]
    return [item, await outcome] as const
  }
  for (const item of items) {
    const outcome = work(item)
    // Whoever takes it hears of it; until then it is nobody's.
    outcome.catch(() => {})
    begun.push([item, outcome])
    if (begun.length === most) yield await first()
  }
  while (begun.length > 0) yield await first()
}
