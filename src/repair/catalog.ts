import { limit } from '../contracts/limits.js'
import type { Catalog } from '../dialects/catalog.js'
import type { Dialect } from '../dialects/dialect.js'

/** How long the catalog may take, in milliseconds. */
const patience = 60_000

/** What the database declares, as it is now; null where it does not open or cannot be read. */
export async function catalogOf(dialect: Dialect, interrupt: AbortSignal): Promise<Catalog | null> {
  const limits = limit(performance.now() + patience, interrupt)
  try {
    const opening = await dialect.open(limits)
    if (opening.outcome !== 'opened') return null
    try {
      const catalog = await opening.database.session(limits).catalog()
      return catalog.outcome === 'answered' ? catalog.value : null
    } finally {
      await opening.database.close()
    }
  } finally {
    limits.clear()
  }
}
