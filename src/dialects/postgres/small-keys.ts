import { type RawBuilder, sql } from 'kysely'
import { type Catalog, type ForeignKey, heldHere, isSmall, leavesOf, type Relation } from '../catalog.js'
import { isDeclared, type Read, type Relationship } from '../dialect.js'
import { countingWhere, forHashing, type Plan, planOf } from './orphans.js'
import { askTogether, inBatches, locksOf } from './tables.js'

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
  const areSmall = (...relations: readonly Relation[]) =>
    relations.every((relation) => leavesOf(catalog, relation).every(isSmall))
  const keys = catalog.foreignKeys.filter(
    ({ child, parent }) => heldHere(catalog, child, parent) && areSmall(child, parent),
  )
  const locks = ({ child, parent }: ForeignKey) => locksOf(catalog, child) + locksOf(catalog, parent)
  const batchOf = new Map(inBatches(keys, locks).flatMap((batch) => batch.map((key) => [nameOf(key), batch])))
  const compared = new Map<readonly ForeignKey[], Promise<ReadonlySet<string>>>()
  const soundAmong = async (batch: readonly ForeignKey[], read: Read) => {
    const counts = await askTogether(
      read,
      batch,
      locks,
      (key) => violating(planOf(catalog, key, sql`true`)),
      forHashing,
    )
    return new Set(batch.filter((key) => counts.get(key)?.[0]?.rows === 0).map(nameOf))
  }
  return {
    async hold(read, key) {
      const name = nameOf(key)
      const batch = batchOf.get(name)
      if (!batch || !isDeclared(key)) return false
      const sound = compared.get(batch) ?? soundAmong(batch, read)
      compared.set(batch, sound)
      return (await sound).has(name)
    },
  }
}

function violating(plan: Plan): RawBuilder<{ rows: number }> {
  return countingWhere(plan, sql`(${sql.join(plan.violations, sql` or `)})`)
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
