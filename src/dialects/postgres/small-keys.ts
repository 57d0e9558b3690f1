import { type RawBuilder, sql } from 'kysely'
import { type Catalog, heldHere, isSmall, leavesOf, type Relation } from '../catalog.js'
import type { Orphans, Read, Relationship } from '../dialect.js'
import { allFound, counting, planOf, settingsFor } from './orphans.js'
import { askTogether, inBatches, locksOf } from './tables.js'

/** Tells which relationships hold, of those that are compared together. */
export interface SmallKeys {
  /** What is told of one that is known to hold; null of any other, which is for a scan of its own. */
  sound(read: Read, relationship: Relationship): Promise<Orphans | null>
}

/**
 * Compares relationships of small tables, many in one message: nearly all of them hold, and over a distance it is the journeys that take
 * the time. Where a message fails, none of its relationships is known to hold.
 */
export function smallKeysAmong(catalog: Catalog, relationships: readonly Relationship[]): SmallKeys {
  const areSmall = (...relations: readonly Relation[]) =>
    relations.every((relation) => leavesOf(catalog, relation).every(isSmall))
  const small = relationships.filter(
    (one) => isBare(one) && heldHere(catalog, one.child, one.parent) && areSmall(one.child, one.parent),
  )
  const locks = ({ child, parent }: Relationship) => locksOf(catalog, child) + locksOf(catalog, parent)
  const batchOf = new Map(inBatches(small, locks).flatMap((batch) => batch.map((one) => [one, batch])))
  const compared = new Map<readonly Relationship[], Promise<ReadonlyMap<Relationship, Orphans>>>()
  const soundAmong = async (batch: readonly Relationship[], read: Read) => {
    const question = (one: Relationship) => comparing(catalog, one)
    const counts = await askTogether(read, batch, locks, question, settingsFor(catalog, batch))
    return new Map(
      batch.flatMap((one) => {
        const [row] = counts.get(one) ?? []
        return row?.rows === 0 ? [[one, allFound(row.keyed)] as const] : []
      }),
    )
  }
  return {
    async sound(read, relationship) {
      const batch = batchOf.get(relationship)
      if (!batch) return null
      const sound = compared.get(batch) ?? soundAmong(batch, read)
      compared.set(batch, sound)
      return (await sound).get(relationship) ?? null
    },
  }
}

/** Whether no value is named in it: values go as parameters, and a statement with parameters goes alone. */
function isBare({ kind, none = [] }: Relationship): boolean {
  return kind === undefined && none.length === 0
}

function comparing(catalog: Catalog, relationship: Relationship): RawBuilder<{ rows: number; keyed: number }> {
  const plan = planOf(catalog, relationship, sql`true`)
  const violating = counting(plan, sql`(${sql.join(plan.violations, sql` or `)})`)
  const keyed = plan.declared ? sql`0` : sql`(${counting(plan, plan.keyed)})`
  return sql`select (${violating}) as rows, ${keyed}::int8 as keyed`
}
