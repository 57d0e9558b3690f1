import { countedTables, type DatabaseConfig, defineCheck, nameOf, pluralize, quoted } from 'dbdoctor'

export default defineCheck({
  id: 'integrity/row-counts',
  title: 'Tables hold as many rows as the config expects',
  severity: 'error',
  // An index scan over a hole in a table marks the entries dead that bear witness to it.
  after: ['connection/opens', { id: 'storage/pages', blocks: false }],
  depth: 'standard',
  docs: {
    why: 'A restore that brought the schema and not the data looks healthy to everything that does not count.',
    fix: 'Restore the rows, or correct the expectation in the config.',
  },
  messages: {
    'too-few': {
      say: ({ table, rows, expected }: { table: string; rows: number; expected: number }) =>
        `${quoted(table)} holds ${pluralize(rows, 'row')}, at least ${expected} expected`,
      next: () => [
        'Look at what ran since it held more: a restore without data, a truncate, a delete without a condition.',
      ],
    },
    'too-many': ({ table, rows, expected }: { table: string; rows: number; expected: number }) =>
      `${quoted(table)} holds ${pluralize(rows, 'row')}, at most ${expected} expected`,
    'no-such-table': ({ table }: { table: string }) =>
      `the config expects rows in ${quoted(table)}, and there is no such table`,
    unreadable: ({ table, text }: { table: string; text: string }) => `${quoted(table)} could not be counted: ${text}`,
  },
  async run({ db, config, report, coverage, fact, saw, skip }) {
    const expectations = Object.entries(config.expect.rows ?? {})
    if (expectations.length === 0) return skip('not-configured', 'the config expects no row counts')
    const catalog = await db.catalog()
    if (catalog.outcome === 'failed') return skip(catalog.reason ?? 'unavailable', catalog.text)
    const tables = new Map(countedTables(catalog.value).map((table) => [nameOf(table, catalog.value), table]))
    const seen = coverage('table')
    const counted: string[] = []

    for (const [name, expectation] of expectations) {
      const table = tables.get(name)
      if (!table) {
        report('no-such-table', { table: name })
        continue
      }
      const count = await db.count(table)
      if (count.outcome === 'failed') {
        if (count.reason) seen.missing(name, count.reason, count.text)
        else report('unreadable', { table: name, text: count.text })
        continue
      }
      const rows = count.value
      const { min, max } = boundsOf(expectation)
      seen.examined()
      counted.push(`${name}: ${pluralize(rows, 'row')}`)
      fact(`rows.${name}`, rows)
      if (rows < min) report('too-few', { table: name, rows, expected: min })
      if (rows > max) report('too-many', { table: name, rows, expected: max })
    }
    if (expectations.length <= 2 && counted.length > 0) saw(counted.join(', '))
  },
})

type Expectation = NonNullable<DatabaseConfig['expect']['rows']>[string]

function boundsOf(expectation: Expectation): { min: number; max: number } {
  if (typeof expectation === 'number') return { min: expectation, max: expectation }
  return { min: expectation.min ?? 0, max: expectation.max ?? Number.POSITIVE_INFINITY }
}
