import { countedIndexes, defineCheck, findTable, identifier, listed, nameOf, pluralize, quoted } from 'dbdoctor'

interface Evidence {
  readonly schema: string
  readonly table: string
  readonly index: string
}

const unqualified = ({ schema, index }: Evidence) =>
  index.startsWith(`${schema}.`) ? index.slice(schema.length + 1) : index
const rebuild = (one: Evidence) => [
  // REINDEX CONCURRENTLY leaves these behind where it fails; the index they were to replace is still there.
  /_cc(new|old)\d*$/.test(one.index)
    ? `drop index concurrently ${identifier(one.schema, unqualified(one))}: a rebuild that failed left it behind`
    : `reindex index concurrently ${identifier(one.schema, unqualified(one))}: it lets others read and write, and waits for transactions that are open`,
]

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
    missing: {
      say: ({ index }: { index: string }) => `index ${quoted(index)} is missing`,
      next: () => [
        'Create it as its migration does: concurrently on PostgreSQL, where writers should not wait until it is built.',
      ],
    },
    unexpected: {
      severity: 'warning',
      say: ({ indexes }: { indexes: readonly string[] }) =>
        `${pluralize(indexes.length, 'index')} more than expected: ${listed(indexes)}`,
    },
    invalid: {
      say: ({ index, table }: Evidence) =>
        `index ${quoted(index)} of ${quoted(table)} is invalid: queries do not use it, and a unique one guarantees nothing`,
      next: rebuild,
    },
    'not-ready': {
      say: ({ index, table }: Evidence) =>
        `index ${quoted(index)} of ${quoted(table)} is not ready: its build failed early, and rows that are written do not get into it`,
      next: rebuild,
    },
    'partition-lacks-it': {
      say: ({ index, table }: Evidence) =>
        `index ${quoted(index)} of ${quoted(table)} is invalid: not every partition has it`,
      next: (one: Evidence) => [
        `select inhrelid::regclass from pg_inherits where inhparent = '${identifier(one.schema, unqualified(one)).replaceAll("'", "''")}'::regclass`,
        `For each partition that is missing there: create index concurrently …, then alter index ${identifier(one.schema, unqualified(one))} attach partition …`,
      ],
    },
    building: {
      severity: 'info',
      say: ({ index, table }: Evidence) => `index ${quoted(index)} of ${quoted(table)} is being built now`,
    },
  },
  async run({ db, config, report, coverage, fact, skip }) {
    const catalog = await db.catalog()
    if (catalog.outcome === 'failed') return skip(catalog.reason ?? 'unavailable', catalog.text)
    const indexes = countedIndexes(catalog.value).filter(
      ({ schema }) => !config.schemas || config.schemas.includes(schema),
    )
    const names = indexes.map((index) => nameOf(index, catalog.value))
    const expected = config.expect.indexes
    fact('schema.indexes', indexes.length)
    const seen = coverage('index')
    seen.examined(indexes.length)

    if (typeof expected === 'number') {
      fact('schema.indexes.expected', expected)
      if (indexes.length !== expected) report('count-differs', { indexes: indexes.length, expected })
    } else if (expected) {
      fact('schema.indexes.expected', expected.length)
      for (const index of expected.filter((name) => !names.includes(name))) report('missing', { index })
      const unexpected = names.filter((name) => !expected.includes(name))
      if (unexpected.length > 0) report('unexpected', { indexes: unexpected })
    }
    // A part of an index that is not whole is told with the whole.
    const alone = catalog.value.indexes.filter(
      ({ schema, attached }) => !attached && (!config.schemas || config.schemas.includes(schema)),
    )
    for (const index of alone) {
      const { schema, table, valid, ready, building } = index
      const evidence = { index: nameOf(index, catalog.value), schema, table }
      const partitioned = findTable(catalog.value, { schema, name: table })?.kind === 'partitioned'
      if (building) report('building', evidence)
      else if (building === null)
        seen.missing(evidence.index, 'unavailable', 'whether it is being built now, only the primary server knows')
      else if (!valid && partitioned) report('partition-lacks-it', evidence)
      else if (!ready) report('not-ready', evidence)
      else if (!valid) report('invalid', evidence)
    }
  },
})
