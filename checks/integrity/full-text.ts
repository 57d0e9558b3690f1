import { ahead, type Definition, defineCheck, identifier, outOf, pluralize, quoted, type Repair, sql } from 'dbdoctor'

/** A full-text index over rows of another table, or of a view: https://www.sqlite.org/fts5.html#external_content_tables. */
interface FullText {
  readonly table: string
  readonly module: 'fts4' | 'fts5'
  readonly content: string
  /** The column of `content` that a row of the index is found again by. */
  readonly key: string
  /** The table in which it keeps the size of each document, by the number of its row. */
  readonly sizes: string
}

interface Evidence extends Pick<FullText, 'table' | 'content'> {
  readonly rows: number
}

const searched = {
  fts4: 'a search shows them as empty',
  fts5: 'a search that comes to one fails with SQLITE_CORRUPT_VTAB, "database disk image is malformed"',
}
const rebuilt = (table: string) => `insert into ${identifier(table)} (${identifier(table)}) values ('rebuild')`
const mending = ({ table, content }: Evidence) => [
  rebuilt(table),
  `Find out what changes ${quoted(content)} past its triggers, or whether it has any: the next change is lost to the index again.`,
]
const rebuilding = ({ table, content }: Evidence): Repair[] => [
  {
    kind: 'statements',
    class: 'safe',
    what: `build the full-text index ${quoted(table)} anew from ${quoted(content)}`,
    statements: [rebuilt(table)],
    lock: 'the file, for writing',
  },
]

export default defineCheck({
  id: 'integrity/full-text',
  title: 'Full-text indexes agree with their tables',
  severity: 'error',
  after: ['connection/opens', { id: 'storage/pages', blocks: false }],
  depth: 'standard',
  docs: {
    why: 'A full-text index over another table (FTS5, FTS4 with content=) is kept in step by the application’s triggers alone. Rows that went past them are still in the index: a search that comes to one fails with "database disk image is malformed", and the file is sound.',
    fix: 'Build the index anew from its table, and write the triggers that SQLite’s documentation has for external content tables.',
  },
  messages: {
    'rows-gone': {
      severity: ({ module }: Evidence & Pick<FullText, 'module'>) => (module === 'fts5' ? 'error' : 'warning'),
      say: ({ table, content, rows, module }: Evidence & Pick<FullText, 'module'>) =>
        `full-text index ${quoted(table)} has ${pluralize(rows, 'row')} that ${rows === 1 ? 'is' : 'are'} not in ${quoted(content)}: ${searched[module]}`,
      next: mending,
      repair: rebuilding,
    },
    empty: {
      severity: 'warning',
      say: ({ table, content, rows }: Evidence) =>
        `full-text index ${quoted(table)} is empty, and ${quoted(content)} has ${pluralize(rows, 'row')}: no search finds anything`,
      next: mending,
      repair: rebuilding,
    },
    // Whoever indexes some rows alone means it so.
    'rows-left-out': {
      severity: 'info',
      say: ({ table, content, rows, of }: Evidence & { of: number }) =>
        `full-text index ${quoted(table)} lacks ${outOf(rows, of, 'row')} of ${quoted(content)}: no search finds ${rows === 1 ? 'it' : 'them'}`,
      next: ({ table }: Evidence) => [`Where they should be found: ${rebuilt(table)}`],
    },
    'content-gone': {
      say: ({ table, content }: Pick<FullText, 'table' | 'content'>) =>
        `full-text index ${quoted(table)} is of ${quoted(content)}, which is not there: each search fails`,
      next: ({ table, content }: Pick<FullText, 'table' | 'content'>) => [
        `Restore ${quoted(content)}, or, where nobody searches any more: drop table ${identifier(table)}`,
      ],
    },
  },
  run: {
    async sqlite({ db, depth, report, coverage, saw, skip }) {
      const catalog = await db.catalog()
      if (catalog.outcome === 'failed') return skip(catalog.reason ?? 'unavailable', catalog.text)
      const { tables } = catalog.value
      if (!tables.some(({ kind }) => kind === 'virtual')) return saw('no full-text indexes')
      const definitions = await db.definitions()
      if (definitions.outcome === 'failed') return skip(definitions.reason ?? 'unavailable', definitions.text)
      const indexes = definitions.value.objects.flatMap((object) => fullTextOf(object) ?? [])
      const seen = coverage('full-text index', indexes.length)
      const names = new Set(tables.map(({ name }) => name.toLowerCase()))
      const isThere = (name: string) => names.has(name.toLowerCase())
      for (const { table, content } of indexes.filter(({ content }) => !isThere(content))) {
        seen.examined()
        report('content-gone', { table, content })
      }
      const compared = indexes.filter(({ content }) => isThere(content))
      // What FTS5 was told not to keep (columnsize=0), nobody can compare.
      for (const { table } of compared.filter(({ sizes }) => !isThere(sizes)))
        seen.missing(table, 'unavailable', 'it keeps no list of its rows', true)
      const looks = ahead(
        compared.filter(({ sizes }) => isThere(sizes)),
        (index) => db.scan(async (kysely) => (await comparing(index).execute(kysely)).rows, depth === 'deep'),
      )
      for await (const [{ table, content, module }, look] of looks) {
        if (look.outcome === 'failed') {
          seen.missing(table, look.reason ?? 'unavailable', look.text)
          continue
        }
        seen.examined()
        const [{ indexed = 0, rows = 0, gone = 0, left = 0 } = {}] = look.value
        if (gone > 0) report('rows-gone', { table, content, module, rows: gone })
        if (indexed === 0 && rows > 0) report('empty', { table, content, rows })
        else if (left > 0) report('rows-left-out', { table, content, rows: left, of: rows })
      }
    },
  },
})

/** As `using fts5(body, content = 'doc', content_rowid = 'id')`; null where it has rows of its own, or none. */
function fullTextOf({ kind, name: table, definition }: Definition): FullText | null {
  if (kind !== 'virtual table') return null
  const module = /^using (fts[45])\s*\(/i.exec(definition)?.[1]?.toLowerCase()
  const content = optionOf(definition, 'content')
  if ((module !== 'fts4' && module !== 'fts5') || !content) return null
  return { table, module, content, key: optionOf(definition, 'content_rowid') ?? 'rowid', sizes: `${table}_docsize` }
}

/** The value of an option, without its quotes. */
function optionOf(definition: string, name: string): string | undefined {
  const written = new RegExp(`[(,]\\s*${name}\\s*=\\s*('(?:[^']|'')*'|"(?:[^"]|"")*"|\\[[^\\]]*\\]|[^\\s,)]+)`, 'i')
  const value = written.exec(definition)?.[1]
  const quote = value?.[0]
  if (quote === "'" || quote === '"') return value?.slice(1, -1).replaceAll(quote + quote, quote)
  return quote === '[' ? value?.slice(1, -1) : value
}

/** Rows of the index that its table lacks, and the other way round. As a join, for which SQLite makes an index where the key has none. */
function comparing({ module, content, key, sizes }: FullText) {
  const number = sql.id('d', module === 'fts5' ? 'id' : 'docid')
  const [documents, rows] = [sql.id('main', sizes), sql.id('main', content)]
  const column = sql.id('c', key)
  return sql<{ indexed: number; rows: number; gone: number; left: number }>`select
    (select count(*) from ${documents}) as indexed,
    (select count(*) from ${rows}) as rows,
    (select count(*) from ${documents} d left join ${rows} c on ${column} = ${number} where ${column} is null) as gone,
    (select count(*) from ${rows} c left join ${documents} d on ${number} = ${column} where ${number} is null and ${column} is not null) as "left"`
}
