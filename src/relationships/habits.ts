import {
  type Catalog,
  type Column,
  countedTables,
  type ForeignKey,
  findTable,
  groupBy,
  type Table,
} from '../dialects/catalog.js'
import { type Candidate, strong } from './candidates.js'
import { columnPrefix, place } from './parents.js'
import { isRole } from './roles.js'
import { comparable } from './types.js'
import { genericNames, isNamedLikeKey, wordsOf } from './vocabulary.js'

/** What the foreign keys that a schema declares teach of those that it leaves out. */
export interface Habits {
  /** Where a column points: by its own name, unless the foreign keys of other tables that have its name know better. */
  best(child: Table, column: Column, byName: () => Candidate | null): Candidate | null
}

/** From so many foreign keys on, and of so large a share of them, one may speak of a habit. */
const [several, nearlyAll] = [10, 0.95]

/** From so many times as many columns of a name without a foreign key as with one on, a foreign key is the exception. */
const exceptional = 3

export function habitsOf(catalog: Catalog): Habits {
  const keys = catalog.foreignKeys.filter(({ columns }) => columns.length === 1)
  const named = keys.filter(({ columns: [column = ''] }) => isNamedLikeKey(wordsOf(column)))
  const allNamed = keys.length >= several && named.length >= keys.length * nearlyAll
  const { taught, isPlain } = lessonsOf(catalog, keys)
  return {
    best(child, column, byName) {
      if (isPlain(child, column)) return null
      const words = wordsOf(column.name.slice(columnPrefix(child).length))
      // Where all that point somewhere are named like keys, `value_type` does not; `created_by` may.
      const own = allNamed && !isNamedLikeKey(words) && !isRole(words) ? null : byName()
      const learnt = taught(child, column)
      if (!own || !learnt) return own ?? learnt
      if (samePlace(own, learnt)) return own.score >= learnt.score ? own : learnt
      // One foreign key may be that of a twin: `v4_lease.pool_id` of `v4_pool`, where `v6_lease.pool_id` is of `v6_pool`.
      return learnt.score >= strong ? learnt : own
    },
  }
}

interface Lessons {
  /** Where the foreign keys of other tables point that have the column's name; null where there are none, or they do not agree. */
  taught(child: Table, column: Column): Candidate | null
  /** Whether most columns of its name point nowhere: `sequence` of one table is a foreign key, of sixty it is an order. */
  isPlain(child: Table, column: Column): boolean
}

function lessonsOf(catalog: Catalog, keys: readonly ForeignKey[]): Lessons {
  const named = ({ schema }: Table | ForeignKey['child'], column: string) => JSON.stringify([schema, column])
  const lessons = groupBy(
    // What points into its own table says nothing of another's: each has a parent_id.
    keys.filter(({ child, parent }) => place(child, '') !== place(parent, '')),
    ({ child, columns: [column = ''] }) => named(child, column),
  )
  const agreed = new Map(Array.from(lessons, ([name, some]) => [name, whereAllPoint(catalog, some)]))
  const declared = (name: string) => lessons.get(name)?.length ?? 0
  const occurrences = new Map<string, number>()
  for (const table of countedTables(catalog))
    for (const column of table.columns) {
      const name = named(table, column.name)
      if (lessons.has(name)) occurrences.set(name, (occurrences.get(name) ?? 0) + 1)
    }
  return {
    taught(child, column) {
      const name = named(child, column.name)
      const parent = agreed.get(name)
      const isOwnKey = child.keys.some(({ primary, columns }) => primary && columns.join() === column.name)
      if (!parent || parent.table === child || isOwnKey || genericNames.has(column.name.toLowerCase())) return null
      if (!comparable(column.type, parent.key.type)) return null
      const isHabit = declared(name) > 1
      return {
        parent,
        score: isHabit && isNamedLikeKey(wordsOf(column.name)) ? strong : strong - 1,
        why: isHabit ? 'foreign keys of other tables have its name' : 'a foreign key of another table has its name',
      }
    },
    isPlain(child, column) {
      const name = named(child, column.name)
      const undeclared = (occurrences.get(name) ?? 0) - declared(name)
      return undeclared >= declared(name) * exceptional && declared(name) > 0 && !isNamedLikeKey(wordsOf(column.name))
    },
  }
}

function whereAllPoint(catalog: Catalog, [first, ...others]: readonly ForeignKey[]): Candidate['parent'] | null {
  const target = ({ parent, parentColumns: [column = ''] }: ForeignKey) => place(parent, column)
  if (!first || others.some((other) => target(other) !== target(first))) return null
  const table = findTable(catalog, first.parent)
  const key = table?.columns.find(({ name }) => name === first.parentColumns[0])
  return table && key ? { table, key } : null
}

function samePlace({ parent: one }: Candidate, { parent: other }: Candidate): boolean {
  return one.table === other.table && one.key.name === other.key.name
}
