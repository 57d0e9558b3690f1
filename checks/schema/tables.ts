import {
  type Catalog,
  countedTables,
  type DatabaseConfig,
  defineCheck,
  identifier,
  leavesOf,
  listed,
  lookAtPages,
  misspelt,
  nameOf,
  pluralize,
  quoted,
  type Relation,
  slipOf,
} from 'dbdoctor'

export default defineCheck({
  id: 'schema/tables',
  title: 'All expected tables are there, and each can be read',
  severity: 'error',
  after: ['connection/opens'],
  docs: {
    why: 'A restore that stopped half-way, or a migration that never ran, leaves a database that opens and lacks tables.',
    fix: 'Run the missing migrations or restore the missing tables; for one that cannot be read, look at storage first.',
  },
  messages: {
    empty: {
      say: ({ walAbsent }: { walAbsent: boolean; near: readonly string[] }) =>
        `the database has no tables${walAbsent ? '; it is in WAL mode and no log lies beside it: what was committed may be in a -wal that was left where the application runs (a container, a mount of this file alone, a copy)' : ''}`,
      next: ({ near, walAbsent }: { walAbsent: boolean; near: readonly string[] }) => [
        ...near,
        ...(walAbsent ? ['Look for the -wal beside the file that the application opens, and copy both together.'] : []),
        'Make sure that this is the database that was meant; then run the migrations, or restore it.',
      ],
    },
    'count-differs': ({ tables, expected }: { tables: number; expected: number }) =>
      `there ${tables === 1 ? 'is' : 'are'} ${pluralize(tables, 'table')}, ${expected} expected`,
    missing: {
      say: ({ table, named, elsewhere }: { table: string; named?: string; elsewhere?: string | undefined }) =>
        `table ${quoted(table)} is missing${named === undefined ? '' : `, which the config names (${named})`}${elsewhere === undefined ? '' : `; there is a ${quoted(elsewhere)}`}`,
      next: () => [
        'Look whether its migration has run, and whether the last restore ended; it may have been renamed or dropped.',
      ],
    },
    'schema-missing': {
      say: ({ schema }: { schema: string }) =>
        `schema ${quoted(schema)} is missing, which the config names (database.schemas)`,
      next: () => ['Look whether its migration has run, and whether the last restore ended; or correct the config.'],
    },
    unexpected: {
      severity: 'warning',
      say: ({ tables }: { tables: readonly string[] }) =>
        `${pluralize(tables.length, 'table')} more than expected: ${listed(tables)}`,
    },
    'catalog-unreadable': {
      say: ({ text }: { text: string; code: string }) => `the catalog cannot be read: ${text}`,
      next: () => ['Stop what writes to the database, and copy its files before anything is repaired.'],
    },
    unreadable: {
      say: ({ table, text }: { table: string; text: string; code: string }) =>
        `table ${quoted(table)} cannot be read: ${text}`,
      next: () => [lookAtPages],
    },
    'set-aside': {
      severity: 'info',
      say: ({ tables }: { tables: readonly string[] }) =>
        `not examined, because rows were moved aside into ${tables.length === 1 ? 'it' : 'them'}: ${listed(tables)}`,
    },
    'without-module': {
      severity: 'info',
      say: ({ table, text }: { table: string; text: string }) =>
        `virtual table ${quoted(table)} was not looked at: ${text}`,
    },
  },
  async run({ db, config, depth, report, coverage, fact, skip }) {
    const catalog = await db.catalog()
    if (catalog.outcome === 'failed') {
      const { reason, text, code } = catalog
      return reason ? skip(reason, text) : report('catalog-unreadable', { text, code })
    }
    const gone = (config.schemas ?? []).filter((schema) => !catalog.value.schemas.includes(schema))
    for (const schema of gone) report('schema-missing', { schema })
    const inScope = ({ schema }: { schema: string }) => !config.schemas || config.schemas.includes(schema)
    const tables = countedTables(catalog.value).filter(inScope)
    const names = tables.map((table) => nameOf(table, catalog.value))
    const expected = config.expect.tables
    fact('schema.tables', tables.length)

    if (typeof expected === 'number') {
      fact('schema.tables.expected', expected)
      if (tables.length !== expected) report('count-differs', { tables: tables.length, expected })
    } else if (expected) {
      fact('schema.tables.expected', expected.length)
      for (const table of expected.filter((name) => !names.includes(name)))
        report('missing', { table, elsewhere: elsewhere(table, catalog.value) })
      const unexpected = names.filter((name) => !expected.includes(name))
      if (unexpected.length > 0) report('unexpected', { tables: unexpected })
    } else if (tables.length === 0 && gone.length === 0) {
      const near = (await db.namesakes()).map(
        (one) => `${one.path} has ${pluralize(one.tables, 'table')}: is that the one that was meant?`,
      )
      return report('empty', { walAbsent: db.crashTraces().some(({ kind }) => kind === 'wal-absent'), near })
    }

    for (const { name, place } of namedIn(config, catalog.value)) {
      if (Array.isArray(expected) && expected.includes(name)) continue
      const near = meantBy(name, config, catalog.value)
      // What is there under a name like it was meant: a slip of the config is no damage.
      if (near !== null) throw misspelt(place, `table ${quoted(name)}`, quoted(near))
      report('missing', { table: name, named: place, elsewhere: elsewhere(name, catalog.value) })
    }

    const leaves = tables.map((table) => leavesOf(catalog.value, table))
    const answers = await db.readable(
      leaves.flat().filter(({ stored }) => stored),
      depth !== 'quick',
    )
    const seen = coverage('table')
    const denied = answers.filter((answer) => answer.outcome === 'failed' && isDenied(answer)).length
    let at = 0
    for (const parts of leaves) {
      let gaps = 0
      for (const part of parts) {
        const name = nameOf(part, catalog.value)
        const answer = part.stored ? answers[at++] : notHere
        if (!answer || answer.outcome === 'answered') continue
        if (answer.reason) {
          const optional = !part.stored || part.kind === 'virtual'
          const { role } = db.target
          const grant = isDenied(answer) && role !== undefined ? grantOf(part, role) : null
          const detail = grant === null ? answer.text : `${answer.text}; ${grant}`
          const next = grant === null || role === undefined ? [] : [denied > fewDenied ? grantOfAll(part, role) : grant]
          seen.missing(name, answer.reason, detail, optional, next)
          gaps++
          if (part.kind === 'virtual') report('without-module', { table: name, text: answer.text })
        } else report('unreadable', { table: name, text: answer.text, code: answer.code })
      }
      if (gaps === 0) seen.examined()
    }
    const aside = catalog.value.quarantine.map((table) => nameOf(table, catalog.value))
    if (aside.length > 0) report('set-aside', { tables: aside })
  },
})

/** The table that the config means and misspells. */
function meantBy(name: string, { expect }: DatabaseConfig, catalog: Catalog): string | null {
  const tables = catalog.tables.map((table) => nameOf(table, catalog))
  return slipOf(name, tables, [
    ...(Array.isArray(expect.tables) ? expect.tables : []),
    ...Object.keys(expect.rows ?? {}),
  ])
}

/** A table of this name in another schema, as it is printed. */
function elsewhere(name: string, catalog: Catalog): string | undefined {
  const bare = name.slice(name.lastIndexOf('.') + 1)
  const found = catalog.tables.find((table) => table.name === bare && nameOf(table, catalog) !== name)
  return found && nameOf(found, catalog)
}

/** Whether somebody can grant what was refused: what a policy hides, no grant shows. */
function isDenied({ reason, text }: { readonly reason: string | null; readonly text: string }): boolean {
  return reason === 'no-permission' && !/row-level security/.test(text)
}

/** So many tables are granted one by one. */
const fewDenied = 5

function grantOf({ schema, name }: Relation, role: string): string {
  return `grant select on ${identifier(schema, name)} to ${identifier(role)}`
}

function grantOfAll({ schema }: Relation, role: string): string {
  return `grant select on all tables in schema ${identifier(schema)} to ${identifier(role)}`
}

/** Tables that the config names anywhere, and that are not there, each with the first place that names it. */
function namedIn(
  { users, expect, relationships, writes }: DatabaseConfig,
  catalog: Catalog,
): { readonly name: string; readonly place: string }[] {
  const named = (place: string, { schema, table }: { schema?: string | undefined; table: string }) => ({
    place,
    name: schema === undefined || schema === catalog.defaultSchema ? table : `${schema}.${table}`,
  })
  const all = [
    ...(users ? [named('database.users.table', users)] : []),
    ...(users && typeof users.passwordHash === 'object'
      ? [named('database.users.passwordHash.table', { schema: users.schema, ...users.passwordHash })]
      : []),
    ...Object.keys(expect.rows ?? {}).map((table) => named('database.expect.rows', { table })),
    ...relationships.declare.flatMap(({ child, parent }) => [
      named('database.relationships.declare', child),
      named('database.relationships.declare', parent),
    ]),
    ...(writes ? [named('database.writes.table', writes)] : []),
  ]
  const known = new Set(catalog.tables.map((table) => nameOf(table, catalog)))
  return all.filter(({ name }, at) => !known.has(name) && all.findIndex((one) => one.name === name) === at)
}

/** Unlogged tables hold nothing on a standby. */
const notHere = { outcome: 'failed', reason: 'unavailable', code: '', text: 'it keeps no rows on this server' } as const
