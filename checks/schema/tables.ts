import { countedTables, defineCheck, leavesOf, listed, lookAtPages, nameOf, pluralize, quoted } from 'dbdoctor'

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
      say: () => 'the database has no tables',
      next: () => ['Make sure that this is the database that was meant; then run the migrations, or restore it.'],
    },
    'count-differs': ({ tables, expected }: { tables: number; expected: number }) =>
      `there ${tables === 1 ? 'is' : 'are'} ${pluralize(tables, 'table')}, ${expected} expected`,
    missing: {
      say: ({ table }: { table: string }) => `table ${quoted(table)} is missing`,
      next: () => [
        'Look whether its migration has run, and whether the last restore ended; it may have been renamed or dropped.',
      ],
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
      for (const table of expected.filter((name) => !names.includes(name))) report('missing', { table })
      const unexpected = names.filter((name) => !expected.includes(name))
      if (unexpected.length > 0) report('unexpected', { tables: unexpected })
    } else if (tables.length === 0) {
      return report('empty')
    }

    const leaves = tables.map((table) => leavesOf(catalog.value, table))
    const answers = await db.readable(
      leaves.flat().filter(({ stored }) => stored),
      depth !== 'quick',
    )
    const seen = coverage('table')
    let at = 0
    for (const parts of leaves) {
      let gaps = 0
      for (const part of parts) {
        const name = nameOf(part, catalog.value)
        const answer = part.stored ? answers[at++] : notHere
        if (!answer || answer.outcome === 'answered') continue
        if (answer.reason) {
          const optional = !part.stored || part.kind === 'virtual'
          seen.missing(name, answer.reason, answer.text, optional)
          gaps++
          if (part.kind === 'virtual') report('without-module', { table: name, text: answer.text })
        } else report('unreadable', { table: name, text: answer.text, code: answer.code })
      }
      if (gaps === 0) seen.examined()
    }
  },
})

/** Unlogged tables hold nothing on a standby. */
const notHere = { outcome: 'failed', reason: 'unavailable', code: '', text: 'it keeps no rows on this server' } as const
