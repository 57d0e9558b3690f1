import BetterSqlite from 'better-sqlite3'

export interface TrueKey {
  readonly table: string
  readonly column: string
  readonly parent: string
}

interface Column {
  readonly name: string
  readonly type: 'i' | 't' | 'd' | 'n'
  readonly key: boolean
  readonly nullable: boolean
  readonly parent: string | null
}

interface Table {
  readonly name: string
  readonly columns: readonly Column[]
}

const types = { i: 'integer', t: 'text', d: 'date', n: 'numeric(10,2)' }
const quote = (name: string) => `"${name}"`

/** Reads the notation of `schemas.ts`. */
export function parse(text: string): Table[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [, quoted, plain, inside = ''] = /^\s*(?:"([^"]+)"|(\w+))\((.*)\)\s*$/.exec(line) ?? []
      const columns = inside.split(/,\s*/).map((part): Column => {
        const [, name = '', key, type = 'i', nullable, parent] = /^(\w+)(!?) (\w)(\??)(?: >(\w+))?$/.exec(part) ?? []
        if (!name) throw new Error(`what is ${part}?`)
        return {
          name,
          type: type as Column['type'],
          key: key === '!',
          nullable: nullable === '?',
          parent: parent ?? null,
        }
      })
      return { name: quoted ?? plain ?? '', columns }
    })
}

/** The foreign keys that a schema has, and that nobody declares. */
export function truth(tables: readonly Table[]): TrueKey[] {
  return tables.flatMap(({ name, columns }) =>
    columns.flatMap(({ name: column, parent }) => (parent ? [{ table: name, column, parent }] : [])),
  )
}

/** Makes a file of the schema without its foreign keys, with rows whose keys overlap between tables, as in life. */
export function build(tables: readonly Table[], file: string): void {
  const database = new BetterSqlite(file)
  // It is thrown away in a moment: nobody needs it on the disk.
  database.pragma('synchronous = off')
  database.exec('begin')
  const sizes = new Map(tables.map(({ name }, at) => [name, 20 + ((at * 37) % 60)]))
  const keyOf = (table: Table, row: number) => {
    const [key] = table.columns.filter((column) => column.key)
    return key?.type === 't' ? `${table.name.slice(0, 3).toUpperCase()}${row}` : row
  }
  for (const table of tables) {
    const keys = table.columns.filter(({ key }) => key)
    const columns = table.columns.map(
      ({ name, type, nullable }) => `${quote(name)} ${types[type]}${nullable ? '' : ' not null'}`,
    )
    database.exec(
      `create table ${quote(table.name)} (${columns.join(', ')}, primary key (${keys.map(({ name }) => quote(name)).join(', ')}))`,
    )
    const insert = database.prepare(
      `insert or ignore into ${quote(table.name)} values (${columns.map(() => '?').join(', ')})`,
    )
    for (let row = 1; row <= (sizes.get(table.name) ?? 0); row++) {
      insert.run(
        table.columns.map((column, at) => {
          const parent = tables.find(({ name }) => name === column.parent)
          const mix = (row * 7919 + at * 104_729) % 1009
          if (parent) {
            const size = sizes.get(parent.name) ?? 1
            const sole = column.key && keys.length === 1
            const target = sole ? row : 1 + (mix % size)
            return column.nullable && mix % 5 === 0 ? null : keyOf(parent, Math.min(target, size))
          }
          if (column.key) return keys.length === 1 ? keyOf(table, row) : column.type === 'i' ? row : `${row}`
          return { i: mix % 90, t: `${column.name.slice(0, 4)} ${mix}`, d: '2024-05-01', n: mix / 10 }[column.type]
        }),
      )
    }
  }
  database.exec('commit')
  database.close()
}
