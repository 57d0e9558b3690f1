import { sql } from 'kysely'
import type { Table } from '../catalog.js'
import type { Answer, Read } from '../dialect.js'

/** Tables a statement may join: SQLite's limit on the terms of a compound select is 500. */
const batch = 400

/**
 * Reads the first row of each table: proves that its definition and its first pages can be used, not that all its data is intact.
 * In batches; a batch that fails is asked again table by table.
 */
export async function readableTables(read: Read, tables: readonly Table[], touch: boolean): Promise<Answer<true>[]> {
  if (!touch) return tables.map(() => ({ outcome: 'answered', value: true }))
  const answers: Answer<true>[] = []
  for (let from = 0; from < tables.length; from += batch) {
    const some = tables.slice(from, from + batch)
    const together = await tryAll(read, some)
    if (together.outcome === 'answered') answers.push(...some.map(() => together))
    else for (const table of some) answers.push(await tryAll(read, [table]))
  }
  return answers
}

/** Counts rows by the cheapest b-tree. */
export async function rowCount(read: Read, table: Table): Promise<Answer<number>> {
  return read(async (kysely) => {
    const { rows } = await sql<{ rows: number }>`select count(*) as rows from ${sql.id(table.name)}`.execute(kysely)
    return rows[0]?.rows ?? 0
  })
}

async function tryAll(read: Read, tables: readonly Table[]): Promise<Answer<true>> {
  const looks = tables.map((table) => sql`select exists (select 1 from ${sql.id(table.name)} not indexed)`)
  return read(async (kysely) => {
    await sql.join(looks, sql` union all `).execute(kysely)
    return true as const
  })
}
