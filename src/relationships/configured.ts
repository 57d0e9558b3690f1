import type { DatabaseConfig, DeclaredSide } from '../config/database.js'
import { misspelt } from '../contracts/errors.js'
import { type Catalog, heldHere, type Relation } from '../dialects/catalog.js'
import type { Relationship } from '../dialects/dialect.js'
import { matcher } from '../values/globs.js'
import { nearest } from '../values/nearest.js'
import { identifier, quoted } from '../values/text.js'
import { inferRelationships, isDeclared } from './index.js'
import type { Inferred } from './inferred.js'
import { place } from './parents.js'

type Relationships = DatabaseConfig['relationships']

/** What the config declares and what names tell, without what is a foreign key anyway or is ignored. */
export function relationshipsOf(
  catalog: Catalog,
  {
    schemas,
    relationships: { infer, declare, ignore },
  }: { schemas?: string[] | undefined; relationships: Relationships },
  complain: (relationship: string, missing: string) => void,
): (Relationship | Inferred)[] {
  const declared = declare.flatMap(({ text, child, parent }): Relationship[] => {
    const [from, to] = [find(catalog, child), find(catalog, parent)]
    if (from.found && to.found) {
      const { columns } = child
      return [{ child: from.found, columns, parent: to.found, parentColumns: parent.columns, match: 'simple' }]
    }
    const { missing, near } = from.found ? to : from
    // What is there under a name like it was meant: a slip of the config is no damage.
    if (near !== null) throw misspelt(`database.relationships.declare: ${quoted(text)}`, missing, near)
    complain(text, missing)
    return []
  })
  const ignored = ignoring(ignore)
  const inferred = infer
    ? inferRelationships(catalog).filter(({ child, columns, parent }) => {
        const inScope = (!schemas || schemas.includes(child.schema)) && heldHere(catalog, child, parent)
        const known = declared.some(
          (other) => place(other.child, other.columns.join()) === place(child, columns.join()),
        )
        return inScope && !known && !ignored(child, columns)
      })
    : []
  return [...declared.filter((relationship) => !isDeclared(catalog, relationship)), ...inferred]
}

/** A relationship as `relationships.declare` has it: `tenant.orders.user_id -> tenant.users.id`. */
export function declarationOf(
  { child, columns, parent, parentColumns }: Relationship,
  { defaultSchema }: Pick<Catalog, 'defaultSchema'>,
): string {
  const side = ({ schema, name }: Relation, keys: readonly string[]) => {
    const path = [...(schema === defaultSchema ? [] : [schema]), name].map(asWord)
    const [first = ''] = keys.map(asWord)
    return [...path, keys.length === 1 ? first : `(${keys.map(asWord).join(', ')})`].join('.')
  }
  return `${side(child, columns)} -> ${side(parent, parentColumns)}`
}

function asWord(name: string): string {
  return /^[\p{L}\p{N}_$]+$/u.test(name) ? name : identifier(name)
}

/** Tells whether columns are ignored: as `table.column` or `schema.table.column`, several as `table.one,other`. */
export function ignoring(globs: readonly string[]): (child: Relation, columns: readonly string[]) => boolean {
  const matches = matcher(globs)
  return ({ schema, name }, columns) =>
    [name, `${schema}.${name}`].some((table) => matches(`${table}.${columns.join()}`))
}

/** The table that a side of a declaration names; otherwise what is missing, and what is there under a name like it. */
function find(catalog: Catalog, { schema = catalog.defaultSchema, table, columns }: DeclaredSide) {
  const tables = catalog.tables.filter((candidate) => candidate.schema === schema)
  const found = tables.find(({ name }) => name === table)
  if (!found)
    return {
      found: null,
      missing: `table ${quoted(table)}`,
      near: nearest(
        table,
        tables.map(({ name }) => name),
      ),
    }
  const known = found.columns.map(({ name }) => name)
  const lacking = columns.find((column) => !known.includes(column))
  if (lacking === undefined) return { found, missing: '', near: null }
  const near = nearest(lacking, known)
  return { found: null, missing: `column ${side(table, [lacking])}`, near: near === null ? null : side(table, [near]) }
}

function side(table: string, columns: readonly string[]): string {
  return quoted([table, ...columns].join('.'))
}
