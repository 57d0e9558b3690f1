import { defineCheck, listed, nameOf, pluralize, quoted } from 'dbdoctor'

export default defineCheck({
  id: 'schema/indexes',
  title: 'All expected indexes are there, valid and ready',
  severity: 'error',
  after: ['connection/opens'],
  docs: {
    why: 'A lost index makes a slow application, an invalid unique one lets duplicates in, and both look like a failing database.',
    fix: 'Create the missing index, or rebuild the invalid one: REINDEX INDEX CONCURRENTLY.',
  },
  messages: {
    'count-differs': ({ indexes, expected }: { indexes: number; expected: number }) =>
      `there ${indexes === 1 ? 'is' : 'are'} ${pluralize(indexes, 'index')}, ${expected} expected`,
    missing: ({ index }: { index: string }) => `index ${quoted(index)} is missing`,
    unexpected: {
      severity: 'warning',
      say: ({ indexes }: { indexes: readonly string[] }) =>
        `${pluralize(indexes.length, 'index')} more than expected: ${listed(indexes)}`,
    },
    invalid: ({ index, table }: { index: string; table: string }) =>
      `index ${quoted(index)} of ${quoted(table)} is invalid: queries do not use it, and a unique one guarantees nothing`,
    building: {
      severity: 'info',
      say: ({ index, table }: { index: string; table: string }) =>
        `index ${quoted(index)} of ${quoted(table)} is being built now`,
    },
  },
  async run({ db, config, report, coverage, fact, skip }) {
    const catalog = await db.catalog()
    if (catalog.outcome === 'failed') return skip(catalog.reason ?? 'unavailable', catalog.text)
    // An index of a partition is a part of its parent's.
    const indexes = catalog.value.indexes.filter(
      ({ schema, ofPartition }) => !ofPartition && (!config.schemas || config.schemas.includes(schema)),
    )
    const names = indexes.map((index) => nameOf(index, catalog.value))
    const expected = config.expect.indexes
    fact('schema.indexes', indexes.length)
    coverage('index').examined(indexes.length)

    if (typeof expected === 'number') {
      fact('schema.indexes.expected', expected)
      if (indexes.length !== expected) report('count-differs', { indexes: indexes.length, expected })
    } else if (expected) {
      fact('schema.indexes.expected', expected.length)
      for (const index of expected.filter((name) => !names.includes(name))) report('missing', { index })
      const unexpected = names.filter((name) => !expected.includes(name))
      if (unexpected.length > 0) report('unexpected', { indexes: unexpected })
    }
    for (const { name, schema, table, valid, ready, building } of indexes) {
      const evidence = { index: name, schema, table }
      if (building) report('building', evidence)
      else if (!valid || !ready) report('invalid', evidence)
    }
  },
})
