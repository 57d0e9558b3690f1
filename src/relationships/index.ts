import type { Catalog, Table } from '../dialects/catalog.js'
import type { Relationship } from '../dialects/dialect.js'
import { guessedTables } from './archives.js'
import { bestOf, strong } from './candidates.js'
import { habitsOf } from './habits.js'
import type { Inferred } from './inferred.js'
import { bareName, columnPrefix, crowds, declaredIn, indexed, nearTo, parentsOf, place } from './parents.js'
import { kindOf } from './polymorphic.js'
import { comparable, isKeyType } from './types.js'
import { genericNames } from './vocabulary.js'

export type { Inferred } from './inferred.js'
export { type Polymorphic, polymorphicColumns, relationshipOfKind } from './polymorphic.js'

/**
 * Columns that point at the key of another table, or of their own, by what they are called: after the table and its key (`author_id`,
 * `AuthorID`, `authorid`, `id_author`), after the key alone (`isbn`, `emp_no`), after a role (`billing_address_id`, `created_by`,
 * `parent_id`), or after the table (`artist`). Types have to agree. Where foreign keys of other tables have the column's name, they say
 * where it points. Where a sibling names the parent's type (`author_type`) the parent varies by row, and the column is left alone. So are
 * archives of other tables.
 */
export function inferRelationships(catalog: Catalog): Inferred[] {
  const tables = guessedTables(catalog)
  const declared = declaredIn(catalog)
  const parents = indexed(parentsOf(tables, declared), catalog.defaultSchema)
  const habits = habitsOf(catalog)
  const ofSeveral = tables.filter((table) => primaryKeyOf(table).length > 1)
  const byName = [
    ...crowds(
      ofSeveral.map((table) => [table.name, table]),
      (table) => table,
    ).values(),
  ]
  return tables.flatMap((child) => [
    ...child.columns.flatMap((column): Inferred[] => {
      if (!isKeyType(column.type) || declared.has(place(child, column.name)) || kindOf(child, column)) return []
      const best = habits.best(child, column, () => bestOf(child, column, parents))
      if (!best) return []
      const { parent, why, score } = best
      return [
        {
          child,
          columns: [column.name],
          parent: parent.table,
          parentColumns: [parent.key.name],
          match: 'simple',
          inferred: true,
          why,
          trust: score >= strong ? 'strong' : 'weak',
        },
      ]
    }),
    ...compositesOf(
      child,
      byName.flatMap((crowd) => nearTo(crowd, child, catalog.defaultSchema, 1)),
      declared,
    ),
  ])
}

/** Whether a foreign key declares this relationship already. */
export function isDeclared(catalog: Catalog, { child, columns, parent }: Relationship): boolean {
  return catalog.foreignKeys.some(
    (key) =>
      place(key.child, key.columns.join()) === place(child, columns.join()) &&
      place(key.parent, '') === place(parent, ''),
  )
}

function primaryKeyOf({ keys }: Table): readonly string[] {
  return keys.find(({ primary }) => primary)?.columns ?? []
}

/** Of parents whose primary key has several columns, those whose columns the child has, all of them, under the same names. */
function compositesOf(child: Table, parents: readonly Table[], declared: ReadonlySet<string>): Inferred[] {
  const prefix = columnPrefix(child)
  const byName = new Map(child.columns.map((column) => [bareName(column.name, prefix), column]))
  const ownKey = primaryKeyOf(child)
  return parents.flatMap((parent): Inferred[] => {
    if (parent === child) return []
    const key = primaryKeyOf(parent)
    const other = columnPrefix(parent)
    const pairs = key.map((name) => ({
      from: byName.get(bareName(name, other)),
      to: parent.columns.find((column) => column.name === name),
    }))
    const fits = pairs.every(
      ({ from, to }) => from && to && comparable(from.type, to.type) && !genericNames.has(bareName(from.name, prefix)),
    )
    const columns = pairs.flatMap(({ from }) => from?.name ?? [])
    if (!fits || columns.every((column) => declared.has(place(child, column)))) return []
    // Two tables with the same key: the one that has more beside it is the child.
    if (ownKey.length === key.length && columns.every((column) => ownKey.includes(column))) return []
    return [
      {
        child,
        columns,
        parent,
        parentColumns: key,
        match: 'simple',
        inferred: true,
        why: 'they have the names of that key',
        trust: 'weak',
      },
    ]
  })
}
