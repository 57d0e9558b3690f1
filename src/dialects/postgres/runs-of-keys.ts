import { type RawBuilder, sql } from 'kysely'
import { type Catalog, findTable } from '../catalog.js'
import type { AnyKysely, Relationship } from '../dialect.js'
import { from } from './tables.js'

type Sql = RawBuilder<unknown>

/** An integer key of a parent, and the child's integer that refers to it. */
export interface IntegerKey {
  readonly parent: Sql
  readonly key: Sql
  readonly value: Sql
}

const integers = ['smallint', 'integer', 'bigint']
/** Rows of a child from which on a look at all keys of its parent pays. */
const fewestChildren = 100_000

/** The key of a relationship that runs of integers may tell; null where it is another, or the child has too few rows for it to pay. */
export function integerKeyOf(catalog: Catalog, relationship: Relationship): IntegerKey | null {
  const { child, columns, parent, parentColumns, operators } = relationship
  const [own, ...more] = columns
  const [key] = parentColumns
  const [childTable, parentTable] = [findTable(catalog, child), findTable(catalog, parent)]
  // Only what is declared says that the parent's own rows are meant, each key once.
  if (own === undefined || key === undefined || more.length > 0 || !operators || !childTable || !parentTable)
    return null
  const typeOf = (table: typeof childTable, column: string) =>
    table.columns.find(({ name }) => name === column)?.type ?? ''
  if (![typeOf(childTable, own), typeOf(parentTable, key)].every((type) => integers.includes(type))) return null
  const children = childTable.rowsEstimate ?? 0
  if (children < Math.max(fewestChildren, parentTable.rowsEstimate ?? Number.POSITIVE_INFINITY)) return null
  return { parent: from(parent), key: sql`p.${sql.id(key)}`, value: sql`c.${sql.id(own)}` }
}

/**
 * Whether a child's value is no key of its parent, where the parent's keys are all there from the least to the greatest; else null. They are
 * counted in the table itself (no index knows a ctid): what an index says of them proves nothing. Measured against `VALIDATE CONSTRAINT`: 0.13 with an index of the
 * child, where an anti-join takes 0.3.
 */
export async function absentByRuns(kysely: AnyKysely, { parent, key, value }: IntegerKey): Promise<Sql | null> {
  const { rows } = await sql<{ whole: boolean | null; low: string; high: string }>`
    select max(${key})::numeric - min(${key}) + 1 = count(p.ctid) filter (where ${key} is not null) as whole,
      min(${key})::text as low, max(${key})::text as high
    from ${parent} p`.execute(kysely)
  const [keys] = rows
  if (!keys?.whole) return null
  return sql`(${value} < ${keys.low}::bigint or ${value} > ${keys.high}::bigint)`
}
