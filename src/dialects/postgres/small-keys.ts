import { sql } from 'kysely'
import { type Catalog, type ForeignKey, heldHere, leavesOf, type Relation } from '../catalog.js'
import { isDeclared, type Read, type Relationship } from '../dialect.js'
import { countingWhere, forHashing, planOf } from './orphans.js'
import { rowsOfEach } from './rows-of-each.js'
import { atOnce, inBatches, locksOf, small } from './tables.js'

/** Tells which foreign keys hold, of those that are compared together. */
export interface SmallKeys {
  /** Whether it is known to hold. One that is not is for a scan of its own. */
  hold(read: Read, key: Relationship): Promise<boolean>
}

/**
 * Compares the foreign keys of small tables, many in one message: nearly all of them hold, and over a distance it is the journeys that take
 * the time. Where a message fails, none of its keys is known to hold.
 */
export function smallKeysOf(catalog: Catalog): SmallKeys {
  const batchOf = new Map(batchesOf(catalog).flatMap((batch) => batch.map((key) => [nameOf(key), batch])))
  const compared = new Map<readonly ForeignKey[], Promise<ReadonlySet<string>>>()
  return {
    async hold(read, key) {
      const name = nameOf(key)
      const batch = batchOf.get(name)
      if (!batch || !isDeclared(key)) return false
      const sound = compared.get(batch) ?? soundAmong(batch, read, catalog)
      compared.set(batch, sound)
      return (await sound).has(name)
    },
  }
}

async function soundAmong(keys: readonly ForeignKey[], read: Read, catalog: Catalog): Promise<ReadonlySet<string>> {
  const counts = keys.map((key) => {
    const plan = planOf(catalog, key, sql`true`)
    return countingWhere(plan, sql`(${sql.join(plan.violations, sql` or `)})`)
  })
  const answer = await read((kysely) => rowsOfEach(kysely, ...counts), sql`${forHashing}; ${atOnce}`)
  if (answer.outcome === 'failed') return new Set()
  return new Set(keys.filter((_, at) => answer.value[at]?.[0]?.rows === 0).map(nameOf))
}

/** One alone would save nothing. */
function batchesOf(catalog: Catalog): ForeignKey[][] {
  const isSmall = (relation: Relation) =>
    leavesOf(catalog, relation).every(({ bytesEstimate }) => (bytesEstimate ?? small) < small)
  const keys = catalog.foreignKeys.filter(
    ({ child, parent }) => heldHere(catalog, child, parent) && isSmall(child) && isSmall(parent),
  )
  const batches = inBatches(keys, ({ child, parent }) => locksOf(catalog, child) + locksOf(catalog, parent))
  return batches.filter(({ length }) => length > 1)
}

/** All that a comparison depends on: a column may reference two keys of one table. */
function nameOf({ child, columns, parent, parentColumns, match, operators }: Relationship): string {
  return JSON.stringify([
    child.schema,
    child.name,
    columns,
    parent.schema,
    parent.name,
    parentColumns,
    match,
    operators,
  ])
}
