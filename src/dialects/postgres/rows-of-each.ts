import { type RawBuilder, sql } from 'kysely'
import type { AnyKysely } from '../dialect.js'

type RowsOf<Queries> = { [At in keyof Queries]: Queries[At] extends RawBuilder<infer Row> ? readonly Row[] : never }

/** The rows of each query. They go in one message: the server works on the next one while this side reads. */
export async function rowsOfEach<Queries extends readonly RawBuilder<unknown>[]>(
  kysely: AnyKysely,
  ...queries: Queries
): Promise<RowsOf<Queries>> {
  const { rows } = await sql.join(queries, sql`; `).execute(kysely)
  return (queries.length === 1 ? [rows] : rows) as unknown as RowsOf<Queries>
}
