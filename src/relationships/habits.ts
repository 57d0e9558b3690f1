import { type Catalog, type Column, type ForeignKey, findTable, groupBy, type Table } from '../dialects/catalog.js'
import { type Candidate, strong } from './candidates.js'
import { columnPrefix } from './parents.js'
import { comparable } from './types.js'
import { genericNames, isNamedLikeKey, wordsOf } from './vocabulary.js'

/** What the foreign keys that a schema declares teach of those that it leaves out. */
export interface Habits {
  /** Where a column points: by its own name, unless the foreign keys of other tables that have its name know better. */
  best(child: Table, column: Column, byName: () => Candidate | null): Candidate | null
}

/** From so many foreign keys on, and of so large a share of them, one may speak of a habit. */
const [several, nearlyAll] = [10, 0.95]

export function habitsOf(catalog: Catalog): Habits {
  const keys = catalog.foreignKeys.filter(({ columns }) => columns.length === 1)
  const named = keys.filter(({ columns: [column = ''] }) => isNamedLikeKey(wordsOf(column)))
  // Where all that point somewhere are named like keys, `value_type` does not.
  const allNamed = keys.length >= several && named.length >= keys.length * nearlyAll
  const lessons = groupBy(
    // What points into its own table says nothing of another's: each has a parent_id.
    keys.filter(({ child, parent }) => child.schema !== parent.schema || child.name !== parent.name),
    ({ child, columns: [column = ''] }) => lesson(child.schema, column),
  )
  const places = new Map(Array.from(lessons, ([name, some]) => [name, whereAllPoint(catalog, some)]))
  const taughtTo = (child: Table, column: Column): Candidate | null => {
    const name = lesson(child.schema, column.name)
    const parent = places.get(name)
    const isOwnKey = child.keys.some(({ primary, columns }) => primary && columns.join() === column.name)
    if (!parent || parent.table === child || isOwnKey || genericNames.has(column.name.toLowerCase())) return null
    if (!comparable(column.type, parent.key.type)) return null
    const isSure = (lessons.get(name)?.length ?? 0) > 1 && isNamedLikeKey(wordsOf(column.name))
    return { parent, score: isSure ? strong : strong - 1, why: 'foreign keys of other tables have its name' }
  }
  return {
    best(child, column, byName) {
      const words = wordsOf(column.name.slice(columnPrefix(child).length))
      const own = allNamed && !isNamedLikeKey(words) ? null : byName()
      const taught = taughtTo(child, column)
      if (!own || !taught) return own ?? taught
      const agree = own.parent.table === taught.parent.table && own.parent.key.name === taught.parent.key.name
      // One foreign key may be that of a twin: `v4_lease.pool_id` of `v4_pool`, where `v6_lease.pool_id` is of `v6_pool`.
      return agree ? (own.score >= taught.score ? own : taught) : taught.score >= strong ? taught : own
    },
  }
}

function whereAllPoint(catalog: Catalog, [first, ...others]: readonly ForeignKey[]): Candidate['parent'] | null {
  const place = ({ parent, parentColumns }: ForeignKey) => JSON.stringify([parent.schema, parent.name, parentColumns])
  if (!first || others.some((other) => place(other) !== place(first))) return null
  const table = findTable(catalog, first.parent)
  const key = table?.columns.find(({ name }) => name === first.parentColumns[0])
  return table && key ? { table, key } : null
}

function lesson(schema: string, column: string): string {
  return JSON.stringify([schema, column])
}
