import { type Catalog, type Column, defineCheck, findTable, nameOf, quoted, type Table } from 'dbdoctor'

interface Evidence {
  readonly schema: string
  readonly table: string
}

/** Bookkeeping of migration tools has no key of its own in some of them. */
const bookkeeping = /migration|schema_version|alembic_version|schema_info|changelog|flyway|goose/i

export default defineCheck({
  id: 'schema/key-types',
  title: 'Tables have keys, and references their type',
  severity: 'info',
  after: ['connection/opens'],
  docs: {
    why: 'A key of another type than its parent compares by conversion, misses its index, and overflows before its parent does. Rows of a table without a key can be told apart by nothing: logical replication refuses to update or delete them.',
    fix: 'Give the column the type of its parent; give the table a primary key.',
  },
  messages: {
    'type-differs': ({
      table,
      columns,
      type,
      parent,
      parentType,
    }: Evidence & { columns: readonly string[]; type: string; parent: string; parentType: string }) =>
      `${quoted(`${table}.${columns[0]}`)} is ${type || 'of no type'}, and references ${quoted(parent)}, where it is ${parentType || 'of none'}`,
    'no-key': ({ table }: Evidence) => `${quoted(table)} has no primary key, and no unique one that is never null`,
  },
  run: {
    async sqlite({ db, report, coverage, skip }) {
      const answer = await db.catalog()
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      look(answer.value, affinity, () => true, report, coverage)
    },
    async postgres({ db, config, report, coverage, skip }) {
      const answer = await db.catalog()
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      const wanted = (schema: string) => !config.schemas || config.schemas.includes(schema)
      look(answer.value, textAlike, wanted, report, coverage)
    },
  },
})

type Report = {
  (
    code: 'type-differs',
    evidence: Evidence & { columns: readonly string[]; type: string; parent: string; parentType: string },
  ): void
  (code: 'no-key', evidence: Evidence): void
}

function look(
  catalog: Catalog,
  family: (type: string) => string,
  wanted: (schema: string) => boolean,
  report: Report,
  coverage: (unit: string) => { examined(more?: number): void },
): void {
  const tables = catalog.tables.filter(
    ({ kind, partitionOf, schema }) => (kind === 'table' || kind === 'partitioned') && !partitionOf && wanted(schema),
  )
  coverage('table').examined(tables.length)
  for (const key of catalog.foreignKeys.filter(({ fault, child }) => fault === null && wanted(child.schema))) {
    key.columns.forEach((name, at) => {
      const column = columnOf(findTable(catalog, key.child), name)
      const parent = columnOf(findTable(catalog, key.parent), key.parentColumns[at] ?? '')
      if (!column || !parent || family(column.type) === family(parent.type)) return
      report('type-differs', {
        schema: key.child.schema,
        table: nameOf(key.child, catalog),
        columns: [name],
        type: column.type,
        parent: `${nameOf(key.parent, catalog)}.${parent.name}`,
        parentType: parent.type,
      })
    })
  }
  for (const table of tables) {
    const never = (name: string) => columnOf(table, name)?.nullable === false
    const keyed = table.keys.some(({ primary, columns }) => primary || columns.every(never))
    if (!keyed && !bookkeeping.test(table.name))
      report('no-key', { schema: table.schema, table: nameOf(table, catalog) })
  }
}

function columnOf(table: Table | undefined, name: string): Column | undefined {
  return table?.columns.find((column) => column.name === name)
}

/** Texts compare as texts, whatever their length. */
function textAlike(type: string): string {
  return /^(text|character varying|character|bpchar|citext|name)$/.test(type) ? 'text' : type
}

/** https://www.sqlite.org/datatype3.html#determination_of_column_affinity; numbers of all kinds compare as numbers. */
function affinity(type: string): string {
  if (/int/i.test(type)) return 'numeric'
  if (/char|clob|text/i.test(type)) return 'text'
  if (type === '' || /blob/i.test(type)) return 'blob'
  return 'numeric'
}
