import { sql } from 'kysely'
import { identifier } from '../../values/text.js'
import { groupBy } from '../catalog.js'
import { byPlace, type Definition, type Definitions } from '../definitions.js'
import type { AnyKysely } from '../dialect.js'
import { isQuarantined } from '../quarantine.js'
import { schema } from './catalog.js'
import { type Clause, type CreateTable, parseCreateTable } from './create-table.js'
import { closing, type Token, tokensOf, unquoted } from './tokens.js'
import { fold, writer } from './writing.js'

interface ObjectRow {
  type: 'table' | 'index' | 'trigger' | 'view'
  name: string
  tbl_name: string
  sql: string
}

/**
 * Reads what the file declares by name and definition. SQLite keeps statements as they were typed, and rewrites them when a table is
 * altered: they are taken apart, and each part is written in one way. SQLite's own tables are left out, and those that virtual tables keep.
 */
export async function readDefinitions(kysely: AnyKysely): Promise<Definitions> {
  const { rows } = await sql<ObjectRow>`
    select type, name, tbl_name, sql from sqlite_schema
    where sql is not null and name not like 'sqlite\\_%' escape '\\'
      and tbl_name not in (select name from pragma_table_list where schema = 'main' and type = 'shadow')`.execute(
    kysely,
  )
  const isTable = ({ type, sql: statement }: ObjectRow) => type === 'table' && !/^create\s+virtual/i.test(statement)
  const tables = rows.filter(isTable).map(({ name, sql: statement }) => ({ name, parsed: parseCreateTable(statement) }))
  const columns = tables.flatMap(({ parsed }) => parsed.columns.map(({ name }) => name))
  const write = writer(new Set([...rows.map(({ name }) => name), ...columns].map(fold)))
  // A trigger keeps its table's name as it was typed.
  const declared = new Map(rows.map(({ name }) => [fold(name), name]))
  const nameOf = (table: string) => declared.get(fold(table)) ?? table
  const objects = [
    ...tables.flatMap(({ name, parsed }) => ofTable(name, parsed, write)),
    ...rows.filter((row) => !isTable(row)).map((row) => ofStatement({ ...row, tbl_name: nameOf(row.tbl_name) }, write)),
  ]
  return { objects: objects.filter((one) => !isQuarantined(one)).sort(byPlace), gaps: [], defaultSchema: schema }
}

type Write = (tokens: readonly Token[]) => string

/** Clauses of a column that say what it is, in the order in which they are written; the others are constraints of its table. */
const own: readonly string[] = ['COLLATE', 'NOT', 'DEFAULT', 'GENERATED', 'AS']

function ofTable(table: string, { columns, clauses, options }: CreateTable, write: Write): Definition[] {
  const names = columns.map(({ name }) => name)
  const constraints = [
    ...columns.flatMap((column) => column.clauses.map((clause) => asTableClause(column.name, clause))),
    ...clauses,
  ].filter(({ kind }) => !own.includes(kind) && kind !== 'NULL')
  const written = constraints.map((clause) => ({
    name: labelOf(clause, names, write),
    definition: write(clause.tokens),
  }))
  return [
    { schema, kind: 'table', name: table, definition: optionsOf(write(options)) },
    ...columns.map(({ name, type, clauses: all }): Definition => {
      const parts = own
        .flatMap((kind) => all.filter((clause) => clause.kind === kind))
        .map(({ tokens }) => write(tokens))
      const definition = [write(type) || 'untyped', ...parts.map(generatedInFull)].join(' ')
      return { schema, table, kind: 'column', name, definition }
    }),
    // Those that have one name are one thing, which says all that they say.
    ...[...groupBy(written, ({ name }) => name)].map(([name, all]): Definition => {
      const definition = [...new Set(all.map((one) => one.definition))].sort().join(', ')
      return { schema, table, kind: 'constraint', name, definition }
    }),
  ]
}

function optionsOf(written: string): string {
  return written.split(', ').sort().join(', ') || 'ordinary'
}

function generatedInFull(written: string): string {
  return written.replace(/^as /, 'generated always as ').replace(/^(generated .*) virtual$/s, '$1')
}

const word = (text: string): Token => ({ text, index: 0 })

/** A column's clause as it would be written for the table as a whole. */
function asTableClause(column: string, clause: Clause): Clause {
  const [first, ...rest] = clause.tokens
  const key = (...more: readonly Token[]) => [word('('), word(identifier(column)), ...more, word(')')]
  switch (clause.kind) {
    case 'PRIMARY': {
      const [, direction, ...others] = rest
      const directed = /^(asc|desc)$/i.test(direction?.text ?? '')
      const after = directed ? others : rest.slice(1)
      const tokens = [word('primary'), word('key'), ...key(...(directed && direction ? [direction] : [])), ...after]
      return { ...clause, tokens }
    }
    case 'UNIQUE':
      return { ...clause, tokens: [word('unique'), ...key(), ...rest] }
    case 'REFERENCES':
      return { ...clause, tokens: [word('foreign'), word('key'), ...key(), ...(first ? [first] : []), ...rest] }
    default:
      return clause
  }
}

/** What a constraint is called: by its name, or by the columns that it is about. */
function labelOf({ kind, name, tokens }: Clause, columns: readonly string[], write: Write): string {
  if (name !== null) return name
  if (kind === 'PRIMARY') return 'primary key'
  if (kind !== 'CHECK')
    return write(
      tokens.slice(
        0,
        closing(
          tokens,
          tokens.findIndex(({ text }) => text === '('),
        ) + 1,
      ),
    )
  const words = new Set(tokens.map(({ text }) => fold(unquoted(text))))
  return `check (${columns
    .filter((column) => words.has(fold(column)))
    .sort()
    .join(', ')})`
}

function ofStatement({ type, name, tbl_name: table, sql: statement }: ObjectRow, write: Write): Definition {
  const tokens = tokensOf(statement)
  const after = (text: string) => tokens.slice(tokens.findIndex((token) => fold(token.text) === text))
  switch (type) {
    case 'table':
      return { schema, kind: 'virtual table', name, definition: write(after('using')) }
    case 'view':
      return { schema, kind: 'view', name, definition: write(tokens.slice(3)).replace(/^as /, '') }
    default:
      return { schema, table, kind: type, name, definition: write(tokens) }
  }
}
