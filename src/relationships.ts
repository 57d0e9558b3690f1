import { type Catalog, countedTables, type Relation, type Table } from './dialects/catalog.js'
import type { Relationship } from './dialects/dialect.js'
import { grammaticalNumbers } from './words.js'

/** A relationship that nobody declared, told from names and types. */
export interface Inferred extends Relationship {
  readonly inferred: true
}

/**
 * Columns named after a table and its key, `author_id` or `authorId` beside `authors`, of the same type as that table's primary key.
 * Where a sibling names the parent's type (`author_type`) the parent varies by row, and the column is left alone.
 */
export function inferRelationships(catalog: Catalog): Inferred[] {
  const tables = countedTables(catalog).filter(({ kind }) => kind !== 'virtual')
  const declared = new Set(
    catalog.foreignKeys.flatMap(({ child, columns }) => columns.map((column) => place(child, column))),
  )
  const byName = new Map(tables.map((table) => [`${table.schema}.${words(table.name)}`, table]))

  return tables.flatMap((child) =>
    child.columns.flatMap((column): Inferred[] => {
      const noun = /^(.+)_id$/.exec(words(column.name))?.[1]
      if (!noun || declared.has(place(child, column.name))) return []
      if (child.columns.some(({ name }) => words(name) === `${noun}_type`)) return []
      const parent = forms(noun)
        .map((form) => byName.get(`${child.schema}.${form}`))
        .find((table) => table !== undefined)
      const key = parent && soleKey(parent)
      if (!parent || !key || family(key.type) !== family(column.type)) return []
      if (parent === child && key.name === column.name) return []
      return [{ child, columns: [column.name], parent, parentColumns: [key.name], match: 'simple', inferred: true }]
    }),
  )
}

/** Whether a foreign key declares this relationship already. */
export function isDeclared(catalog: Catalog, { child, columns, parent }: Relationship): boolean {
  return catalog.foreignKeys.some(
    (key) =>
      place(key.child, '') === place(child, '') &&
      place(key.parent, '') === place(parent, '') &&
      key.columns.join() === columns.join(),
  )
}

function place({ schema, name }: Relation, column: string): string {
  return JSON.stringify([schema, name, column])
}

/** `OrderLine`, `orderLine` and `order_line` as `order_line`. */
function words(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()
}

/** Singular and plural of the last word: `order_line`, `order_lines`. */
function forms(noun: string): string[] {
  const [, start = '', last = ''] = /^(.*_)?(.+)$/.exec(noun) ?? []
  return grammaticalNumbers(last).map((form) => start + form)
}

function soleKey(table: Table): Table['columns'][number] | undefined {
  const [name, ...more] = table.keys.find(({ primary }) => primary)?.columns ?? []
  return more.length === 0 ? table.columns.find((column) => column.name === name) : undefined
}

/** Types whose values compare as equal when they look equal. */
function family(type: string): string {
  if (/^(tiny|small|medium|big)?int(eger)?(2|4|8)?$|^(small|big)?serial$/.test(type)) return 'integer'
  if (/^(text|n?varchar|n?char|character|character varying|bpchar)$/.test(type)) return 'text'
  return type
}
