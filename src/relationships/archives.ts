import { type Catalog, countedTables, groupBy, type Table } from '../dialects/catalog.js'
import { archiveWords, stem, wordsOf } from './vocabulary.js'

/** The share of another table's columns that its archive has. */
const nearlyAll = 0.9

/** Tables of which relationships are guessed: not virtual ones, and no archives. What the rows of those point at may be gone for good. */
export function guessedTables(catalog: Catalog): readonly Table[] {
  const tables = countedTables(catalog).filter(({ kind }) => kind !== 'virtual')
  const archives = archivesAmong(tables)
  return tables.filter((table) => !archives.has(table))
}

/**
 * Tables that keep rows of another table, which have gone there (`shadow_instances`, `orders_archive`): they are called like that one, and
 * have its columns.
 */
function archivesAmong(tables: readonly Table[]): ReadonlySet<Table> {
  const called = groupBy(tables, ({ schema, name }) => JSON.stringify([schema, stem(wordsOf(name))]))
  const originalsOf = ({ schema, name }: Table) => {
    const words = wordsOf(name)
    return words.flatMap((word, at) =>
      archiveWords.has(word) ? (called.get(JSON.stringify([schema, stem(words.toSpliced(at, 1))])) ?? []) : [],
    )
  }
  return new Set(tables.filter((table) => originalsOf(table).some((original) => hasColumnsOf(table, original))))
}

function hasColumnsOf(archive: Table, { columns }: Table): boolean {
  const names = new Set(archive.columns.map(({ name }) => name))
  return columns.filter(({ name }) => names.has(name)).length >= columns.length * nearlyAll
}
