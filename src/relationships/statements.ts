import { type Catalog, findTable, type Relation } from '../dialects/catalog.js'
import type { DialectName, Relationship } from '../dialects/dialect.js'
import { quarantineOf } from '../dialects/quarantine.js'
import { identifier, literal, remarked } from '../values/text.js'

/** How rows are moved so that none is deleted without a copy, whoever writes meanwhile. */
const moves: Record<DialectName, (child: string, aside: string, where: string) => string> = {
  // Nobody else writes from its first word on.
  sqlite: (child, aside, where) =>
    `begin immediate; create table ${aside} as select c.* from ${child} c where ${where}; delete from ${child} as c where ${where}; commit`,
  // Two statements would see two snapshots. A table made from no rows has no generated columns, which take no values.
  postgres: (child, aside, where) =>
    `begin; create table ${aside} as select c.* from ${child} c with no data; with gone as (delete from ${child} as c where ${where} returning c.*) insert into ${aside} select * from gone; commit`,
}

/** Where statements are asked: what tables look like there, and whose SQL it is. */
export interface Place {
  readonly catalog: Catalog
  readonly dialect: DialectName
}

/** A column of a child, as it has to be written for a key to be compared as the engine does. */
const written: Record<DialectName, (column: string, alike: boolean) => string> = {
  // Of two columns SQLite heeds both types; of a key the parent's alone: https://www.sqlite.org/foreignkeys.html#fk_basics.
  sqlite: (column, alike) => (alike ? column : `+${column}`),
  postgres: (column) => column,
}

/**
 * What shows the orphaned rows of a relationship, and what moves them into a table of their own: statements as they would be typed.
 * Rows whose time is covered in part alone are only shown: what is right of them may be worth keeping.
 */
export function orphanStatements(relationship: Relationship, catalog: Catalog, dialect: DialectName): string[] {
  const { child, columns } = relationship
  const name = (relation: Relation) => typed(relation, catalog)
  const where = orphaned({ catalog, dialect }, relationship, name(relationship.parent))
  const show = `select * from ${name(child)} c where ${where}`
  if (periodOf(relationship)) return [show]
  const move = moves[dialect](name(child), name({ ...child, name: quarantineOf(child.name, columns) }), where)
  return [show, remarked(move, 'keeps a copy of the rows, and locks them until it ends')]
}

/** What unsets a value that means "none", as it would be typed; nothing where the column of the key may not be null. */
export function unsetStatements(
  { child, columns: [name = ''] }: Relationship,
  none: string,
  catalog: Catalog,
): string[] {
  if (!findTable(catalog, child)?.columns.find((column) => column.name === name)?.nullable) return []
  const column = identifier(name)
  return [`update ${typed(child, catalog)} set ${column} = null where cast(${column} as text) = ${literal(none)}`]
}

function typed({ schema, name }: Relation, { defaultSchema }: Catalog): string {
  return schema === defaultSchema ? identifier(name) : identifier(schema, name)
}

/**
 * The condition that holds for orphaned rows of a child called `c`, or `c` with a number where conditions are within each other, as the
 * scan asks it.
 */
export function orphaned(place: Place, relationship: Relationship, parent: string, child = 'c'): string {
  const { columns, parentColumns, match, kind, none = [] } = relationship
  const each = (condition: string) => columns.map((column) => `${child}.${identifier(column)} ${condition}`)
  const keyed = [
    ...(kind ? [`${child}.${identifier(kind.column)} = ${literal(kind.value)}`] : []),
    ...each('is not null'),
    ...(none.length > 0
      ? columns.map((column) => `cast(${child}.${identifier(column)} as text) not in (${none.map(literal).join(', ')})`)
      : []),
    // A parent that is not there has no key to compare with.
    ...(parentColumns.length > 0 ? [hasNone(place, relationship, parent, child)] : []),
  ].join(' and ')
  if (match !== 'full' || columns.length === 1) return keyed
  return `(${keyed} or (${each('is null').join(' or ')}) and (${each('is not null').join(' or ')}))`
}

/** The condition that holds for a row of a parent, and one of a child that points at it; both by their aliases. */
export function matching({ catalog, dialect }: Place, relationship: Relationship, own: string, child: string): string {
  const { columns, parentColumns, operators } = relationship
  const typeOf = (table: Relation, column: string) =>
    findTable(catalog, table)?.columns.find(({ name }) => name === column)?.type
  return columns
    .map((column, at) => {
      const key = parentColumns[at] ?? ''
      const alike = typeOf(relationship.child, column) === typeOf(relationship.parent, key)
      const equals = operators?.[at]?.name ?? '='
      return `${own}.${identifier(key)} ${equals} ${written[dialect](`${child}.${identifier(column)}`, alike)}`
    })
    .join(' and ')
}

function hasNone(place: Place, relationship: Relationship, parent: string, child: string): string {
  const own = child.replace('c', 'p')
  const itsOwn = matching(place, relationship, own, child)
  const period = periodOf(relationship)
  if (!period) return `not exists (select 1 from ${parent} ${own} where ${itsOwn})`
  return `not coalesce(${child}.${identifier(period.column)} <@ (select range_agg(${own}.${identifier(period.of)}) from ${parent} ${own} where ${itsOwn}), false)`
}

/** The columns of a key over a PERIOD: the last ones, whose operator is that of overlapping. Parents cover it together. */
export function periodOf({ columns, parentColumns, operators }: Relationship) {
  const last = columns.length - 1
  if (operators?.[last]?.name !== '&&') return null
  return { column: columns[last] ?? '', of: parentColumns[last] ?? '' }
}
