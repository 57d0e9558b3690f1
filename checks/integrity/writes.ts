import { defineCheck, nameOf, quoted, type Session, sql, type Table } from 'dbdoctor'

interface Evidence {
  readonly schema: string
  readonly table: string
}

interface Refused extends Evidence {
  readonly text: string
  readonly code: string
}

type Sql = ReturnType<typeof sql>
type Row = Readonly<Record<string, unknown>>
type Step = 'insert' | 'find' | 'update' | 'delete'
/** Codes of statements that were carried out, and of which nothing came. */
type Vain = 'not-inserted' | 'not-found' | 'not-updated' | 'not-deleted'

interface InVain extends Evidence {
  readonly why: string
}

/** How a dialect finds one row again: what a statement returns of it, and the condition that this makes. */
interface Address {
  readonly returned: readonly Sql[]
  readonly is: (row: Row) => Sql
}

const remedies: readonly (readonly [RegExp, string])[] = [
  [
    /^(23505|SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY))$/,
    'A sequence may be behind its column: dbdoctor check --only integrity/sequences',
  ],
  [/^(23502|SQLITE_CONSTRAINT_NOTNULL)$/, 'Name a value for the column in database.writes.insert of the config.'],
  [/^(23503|SQLITE_CONSTRAINT_FOREIGNKEY)$/, 'Name a parent that exists in database.writes.insert of the config.'],
  [
    /^(22...|23514|SQLITE_CONSTRAINT_(CHECK|DATATYPE))$/,
    'Correct the values in database.writes of the config, or the constraint.',
  ],
  [/^(53100|SQLITE_FULL)$/, 'Make room on the disk of the database.'],
]
const next = ({ code }: Refused) => [
  remedies.find(([codes]) => codes.test(code))?.[1] ??
    'Look at the triggers of the table, and at what changed there last.',
]

export default defineCheck({
  id: 'integrity/writes',
  title: 'A row can be created, read, updated and deleted',
  severity: 'error',
  after: ['connection/opens', { id: 'storage/pages', blocks: false }],
  needs: ['writes'],
  depth: 'standard',
  lock: 'ROW EXCLUSIVE',
  docs: {
    why: 'A database that answers every query may refuse every write: it is read-only, a sequence is behind, a trigger is broken. On PostgreSQL this writes in a transaction that is always rolled back: triggers fire, and the values that sequences give are gone. On SQLite it all happens in a private copy.',
    fix: 'Put right what the message of the database names; where the row of the config is wrong, correct database.writes.',
  },
  capability: 'Database operations: create, read, update, delete',
  messages: {
    'insert-refused': {
      say: ({ table, text }: Refused) => `no row can be inserted into ${quoted(table)}: ${text}`,
      next,
    },
    'not-inserted': ({ table, why }: InVain) =>
      `a row was inserted into ${quoted(table)}, and nothing came of it: ${why}`,
    'not-found': ({ table, why }: InVain) =>
      `a row was inserted into ${quoted(table)}, and the next query does not find it: ${why}`,
    'update-refused': {
      say: ({ table, text }: Refused) => `a new row of ${quoted(table)} cannot be updated: ${text}`,
      next,
    },
    'not-updated': ({ table, why }: InVain) =>
      `a new row of ${quoted(table)} was updated, and nothing came of it: ${why}`,
    'delete-refused': {
      say: ({ table, text }: Refused) => `a new row of ${quoted(table)} cannot be deleted: ${text}`,
      next,
    },
    'not-deleted': ({ table, why }: InVain) =>
      `a new row of ${quoted(table)} was deleted, and nothing came of it: ${why}`,
    'read-only': {
      say: ({ table, text }: Refused) => `${quoted(table)} takes no writes: the server is read-only (${text})`,
      next: () => [
        'select pg_is_in_recovery(), current_setting($$default_transaction_read_only$$)',
        'A standby takes no writes: find out which server is the primary, and point the application there.',
      ],
    },
    'no-such-table': ({ table }: Evidence) => `the config writes to ${quoted(table)}, and there is no such table`,
    'no-such-column': ({ table, columns }: Evidence & { columns: readonly string[] }) =>
      `the config writes to columns of ${quoted(table)} that are not there: ${columns.map(quoted).join(', ')}`,
  },
  async run({ db, given: { writes }, report, saw, skip }) {
    const catalog = await db.catalog()
    if (catalog.outcome === 'failed') return skip(catalog.reason ?? 'unavailable', catalog.text)
    const { schema = catalog.value.defaultSchema, insert, update } = writes
    const table = catalog.value.tables.find((one) => one.schema === schema && one.name === writes.table)
    const evidence = { schema, table: nameOf({ schema, name: writes.table }, catalog.value) }
    if (!table) return report('no-such-table', evidence)
    if (!rows.includes(table.kind)) return skip('unavailable', `${quoted(evidence.table)} is a ${table.kind}`)
    const columns = [...new Set([...Object.keys(insert), ...Object.keys(update)])].filter(
      (name) => !table.columns.some((column) => column.name === name),
    )
    if (columns.length > 0) return report('no-such-column', { ...evidence, columns })

    const { returned, is } = addresses[db.dialect](table)
    if (returned.length === 0) return skip('unavailable', `a row of ${quoted(evidence.table)} cannot be found again`)

    const reached: { step: Step } = { step: 'insert' }
    const written = await db.rehearse(async (kysely) => {
      const run = async (statement: Sql) => (await statement.execute(kysely)).rows as readonly Row[]
      const place = sql.id(table.schema, table.name)
      const address = sql.join(returned.map((one, at) => sql`${one} as ${sql.id(`a${at}`)}`))

      const [inserted] = await run(sql`insert into ${place} ${values(insert)} returning ${address}`)
      if (!inserted) return 'not-inserted'
      reached.step = 'find'
      const found = await run(sql`select 1 as found from ${place} where ${is(inserted)}`)
      if (found.length === 0) return 'not-found'
      reached.step = 'update'
      const [updated] = await run(
        sql`update ${place} set ${changes(update)} where ${is(inserted)} returning ${address}`,
      )
      if (!updated) return 'not-updated'
      reached.step = 'delete'
      const deleted = await run(sql`delete from ${place} where ${is(updated)} returning 1 as gone`)
      return deleted.length === 0 ? 'not-deleted' : 'done'
    })
    if (written.outcome === 'answered') {
      return written.value === 'done'
        ? saw('created, read, updated, deleted, not kept')
        : report(written.value, { ...evidence, why: whys[db.dialect][written.value] })
    }
    const { reason, code, text } = written
    if (!isRefusal(code, text)) return skip(reason ?? 'unavailable', text)
    const refused = { ...evidence, code, text }
    if (code === '25006') return report('read-only', refused)
    report(refusals[reached.step], refused)
  },
})

/** Kinds of tables whose rows can be found again. */
const rows: readonly Table['kind'][] = ['table', 'partitioned', 'partition']

/** What keeps a row from being written, or from being found, where the database says nothing of it. */
const whys: Record<Session['dialect'], Record<Vain, string>> = {
  sqlite: {
    'not-inserted': 'a trigger turned it away',
    'not-found': 'a trigger may have removed it',
    'not-updated': 'a trigger turned it away',
    'not-deleted': 'a trigger turned it away',
  },
  postgres: {
    'not-inserted': 'a trigger or a rule turned it away',
    'not-found': 'a row-level policy may hide it',
    'not-updated': 'a trigger, a rule or a policy turned it away',
    'not-deleted': 'a trigger, a rule or a policy turned it away',
  },
}

const refusals = {
  insert: 'insert-refused',
  find: 'insert-refused',
  update: 'update-refused',
  delete: 'delete-refused',
} as const

/** Classes of SQLSTATEs and result codes by which a database refuses a statement that it could have carried out. */
const refusing =
  /^(0A|09|21|22|23|25006|27|2F|38|39|42(?!501)|44|53[14]|54|55000|58|P0|XX)|^SQLITE_(CONSTRAINT|ERROR|FULL|MISMATCH|TOOBIG|CORRUPT)/

function isRefusal(code: string, text: string): boolean {
  // What the application brings with it when it opens the file is not there in ours.
  return refusing.test(code) && !/no such (function|module|collation)/.test(text)
}

function values(row: Row): Sql {
  const names = Object.keys(row)
  if (names.length === 0) return sql`default values`
  return sql`(${sql.join(names.map((name) => sql.id(name)))}) values (${sql.join(Object.values(row).map(written))})`
}

function changes(row: Row): Sql {
  return sql.join(Object.entries(row).map(([name, value]) => sql`${sql.id(name)} = ${written(value)}`))
}

/** Not every driver takes a boolean as a parameter, or a number for whole. */
function written(value: unknown): Sql {
  if (Number.isSafeInteger(value)) return sql`${BigInt(value as number)}`
  return typeof value === 'boolean' || value === null ? sql`${sql.lit(value)}` : sql`${value}`
}

const addresses: Record<Session['dialect'], (table: Table) => Address> = {
  sqlite: ({ addressable, columns: own, keys }) => {
    // A column may be called as the rowid is: https://www.sqlite.org/lang_createtable.html#rowid.
    const taken = new Set(own.map(({ name }) => name.toLowerCase()))
    const rowid = ['rowid', '_rowid_', 'oid'].find((name) => addressable && !taken.has(name))
    const key = keys.find(({ primary }) => primary)?.columns ?? []
    const columns = rowid ? [rowid] : key
    return {
      returned: columns.map((column) => sql.id(column)) as Sql[],
      is: (row) =>
        sql.join(
          columns.map((column, at) => sql`${sql.id(column)} = ${row[`a${at}`]}`),
          sql` and `,
        ),
    }
  },
  postgres: ({ keys }) => {
    // A row moves when a trigger updates it: its key stays, in a text that leads back to the same value.
    const key = keys.find(({ primary }) => primary)?.columns ?? ['ctid', 'tableoid']
    return {
      returned: key.map((column) => sql`${sql.id(column)}::text`),
      is: (row) =>
        sql.join(
          key.map((column, at) => sql`${sql.id(column)} = ${row[`a${at}`]}`),
          sql` and `,
        ),
    }
  },
}
