import { type RawBuilder, sql } from 'kysely'
import type { Relation } from '../catalog.js'
import type { AnyKysely } from '../dialect.js'
import type { Heap } from './heaps.js'
import { rowsOfEach } from './rows-of-each.js'

/** Rows by the table's own pages, and by one of its indexes where that can be asked alone. */
export interface CrossCount {
  readonly rows: number
  readonly index: { readonly name: string; readonly rows: number } | null
}

const indexOnly = [
  sql<never>`set local enable_indexscan = on`,
  sql<never>`set local enable_indexonlyscan = on`,
  sql<never>`set local enable_seqscan = off`,
]

/**
 * Counts a heap's rows page by page, and again through an index, in the same snapshot. A page that became all zeros reads as an empty
 * one, and no check of the server's minds; but an index still leads to its rows. That holds for pages that the server knows to hold
 * nothing but visible rows, which an index scan then does not visit. The transaction began `withoutIndexes`. A small heap is counted again
 * whether an index was planned or not: that takes less than to ask first.
 */
export async function crossCount(
  kysely: AnyKysely,
  heap: Relation & Pick<Heap, 'small'>,
  indexToo: boolean,
): Promise<CrossCount> {
  const count = counting(heap)
  const rowsNow = async () => (await count.execute(kysely)).rows[0]?.rows ?? 0
  const rows = await rowsNow()
  if (!indexToo) return { rows, index: null }
  const asked = await rowsOfEach<RawBuilder<Record<string, unknown>>[]>(
    kysely,
    ...indexOnly,
    sql`explain (format json) ${count}`,
    ...(heap.small ? [count] : []),
  )
  const [plan, again] = asked.slice(indexOnly.length)
  const name = indexOf(plan)
  if (name === null) return { rows, index: null }
  return { rows, index: { name, rows: again ? Number(again[0]?.rows) : await rowsNow() } }
}

export function counting({ schema, name }: Relation): RawBuilder<{ rows: number }> {
  return sql<{ rows: number }>`select count(*) as rows from only ${sql.id(schema, name)}`
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
