import { sql } from 'kysely'
import { limit } from '../contracts/limits.js'
import type { Dialect } from '../dialects/dialect.js'
import type { Place } from '../relationships/statements.js'

/** How long it may take to count what a plan is about, in milliseconds. */
const patience = 600_000

/** What a plan asks of the database: through a session that only reads, so that planning changes no byte. */
export interface Reading extends Place {
  /** A query that counts, as a number. */
  count(query: string): Promise<number>
}

/** Reads for a plan; null where the database does not open, or its catalog cannot be read. */
export async function reading<T>(
  dialect: Dialect | null,
  interrupt: AbortSignal,
  work: (reading: Reading | null) => Promise<T>,
): Promise<T> {
  const limits = limit(performance.now() + patience, interrupt)
  try {
    const opening = await dialect?.open(limits)
    if (opening?.outcome !== 'opened') return await work(null)
    try {
      const session = opening.database.session(limits)
      const catalog = await session.catalog()
      if (catalog.outcome === 'failed') return await work(null)
      return await work({
        catalog: catalog.value,
        dialect: session.dialect,
        async count(query) {
          const answer = await session.scan(
            async (kysely) => (await sql.raw<{ rows: number | string }>(query).execute(kysely)).rows[0],
            false,
          )
          if (answer.outcome === 'failed') throw new Error(answer.text)
          return Number(answer.value?.rows)
        },
      })
    } finally {
      await opening.database.close()
    }
  } finally {
    limits.clear()
  }
}
