import { sql } from 'kysely'
import type { Relation } from '../catalog.js'
import type { AnyKysely } from '../dialect.js'

/** Rows by the table's own pages, and by one of its indexes where that can be asked alone. */
export interface CrossCount {
  readonly rows: number
  readonly index: { readonly name: string; readonly rows: number } | null
}

const indexOnly = sql`set local enable_indexscan = on; set local enable_indexonlyscan = on; set local enable_seqscan = off`

/**
 * Counts a heap's rows page by page, and again through an index, in the same snapshot. A page that became all zeros reads as an empty
 * one, and no check of the server's minds; but an index still leads to its rows. That holds for pages that the server knows to hold
 * nothing but visible rows, which an index scan then does not visit. The transaction began `withoutIndexes`.
 */
export async function crossCount(kysely: AnyKysely, heap: Relation, indexToo: boolean): Promise<CrossCount> {
  const count = sql<{ rows: number }>`select count(*) as rows from only ${sql.id(heap.schema, heap.name)}`
  const rowsNow = async () => (await count.execute(kysely)).rows[0]?.rows ?? 0
  const rows = await rowsNow()
  if (!indexToo) return { rows, index: null }
  await indexOnly.execute(kysely)
  const { rows: plans } = await sql<Record<string, unknown>>`explain (format json) ${count}`.execute(kysely)
  const name = indexOf(plans)
  return { rows, index: name === null ? null : { name, rows: await rowsNow() } }
}

/** The index of a plan's index-only scan. */
function indexOf(plan: unknown): string | null {
  if (typeof plan !== 'object' || plan === null) return null
  const { 'Node Type': kind, 'Index Name': name } = plan as Record<string, unknown>
  if (kind === 'Index Only Scan' && typeof name === 'string') return name
  for (const part of Object.values(plan)) {
    const found = indexOf(part)
    if (found !== null) return found
  }
  return null
}
