import { type Catalog, type Column, countedTables, groupBy, type Table } from '../dialects/catalog.js'
import { guessedTables } from './archives.js'
import type { Inferred } from './inferred.js'
import { declaredIn, type Parent, parentsOf, place } from './parents.js'
import { comparable } from './types.js'
import { nounOf, stem, wordsOf } from './vocabulary.js'

/** A column whose parent varies by row, and the column that names the kind of the parent. */
export interface Polymorphic {
  readonly child: Table
  readonly column: Column
  readonly kind: Column
}

/** Columns whose parent varies by row: `subject_id` beside `subject_type`. */
export function polymorphicColumns(catalog: Catalog): Polymorphic[] {
  const declared = declaredIn(catalog)
  return guessedTables(catalog).flatMap((child) =>
    child.columns.flatMap((column) => {
      const kind = declared.has(place(child, column.name)) ? undefined : kindOf(child, column)
      return kind ? [{ child, column, kind }] : []
    }),
  )
}

/**
 * The relationship of the rows of one kind, told from what the kind is called: a table, or a class of the application
 * (`Post`, `Blog::Post`, `App\\Models\\Post`). Null where no table, or more than one, is called so, or its key is of another type.
 */
export function relationshipOfKind(catalog: Catalog, pair: Polymorphic, value: string): Inferred | null {
  const { child, column, kind } = pair
  const parts = value.split(/::|\\|[./:]/).filter(Boolean)
  const kinds = kindsOf(catalog)
  for (const words of [parts.flatMap(wordsOf), wordsOf(parts.at(-1) ?? '')]) {
    const called = (kinds.get(stem(words)) ?? []).filter(
      ({ table, key }) => table !== child && comparable(column.type, key.type),
    )
    const near = called.filter(({ table }) => table.schema === child.schema)
    const [parent, ...others] = near.length > 0 ? near : called
    if (!parent || others.length > 0) continue
    return {
      child,
      columns: [column.name],
      parent: parent.table,
      parentColumns: [parent.key.name],
      match: 'simple',
      kind: { column: kind.name, value },
      inferred: true,
      why: `"${kind.name}" names that table`,
      trust: 'strong',
    }
  }
  return null
}

/** Tables with a primary key of one column, by what a kind may call them. */
function kindsOf(catalog: Catalog): ReadonlyMap<string, readonly Parent[]> {
  const known = kindsByCatalog.get(catalog)
  if (known) return known
  const parents = parentsOf(countedTables(catalog), new Set()).filter(({ table, key }) =>
    table.keys.some(({ primary, columns }) => primary && columns.length === 1 && columns[0] === key.name),
  )
  const named = parents.flatMap((parent) => [...parent.names].map((name) => ({ name, parent })))
  const kinds = new Map(
    Array.from(
      groupBy(named, ({ name }) => name),
      ([name, some]) => [name, some.map(({ parent }) => parent)] as const,
    ),
  )
  kindsByCatalog.set(catalog, kinds)
  return kinds
}

const kindsByCatalog = new WeakMap<Catalog, ReadonlyMap<string, readonly Parent[]>>()

/** The sibling that names the kind of what a column points at. */
export function kindOf(child: Table, column: Column): Column | undefined {
  const noun = (nounOf(wordsOf(column.name)) ?? []).join('')
  if (noun === '') return undefined
  const vague = ['object', 'item', 'target', 'subject'].includes(noun)
  const joined = ({ name }: Column) => wordsOf(name).join('')
  return (
    child.columns.find((sibling) => [`${noun}type`, `${noun}class`].includes(joined(sibling))) ??
    (vague ? child.columns.find((sibling) => /(contenttype|type|model)(id)?$/.test(joined(sibling))) : undefined)
  )
}
