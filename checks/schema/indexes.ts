import {
  countedIndexes,
  countedTables,
  defineCheck,
  findTable,
  identifier,
  isEmpty,
  listed,
  literal,
  nameOf,
  ownName,
  pluralize,
  quoted,
  type Repair,
  remarked,
} from 'dbdoctor'

interface Evidence {
  readonly schema: string
  readonly table: string
  readonly index: string
}

interface Built extends Evidence {
  readonly unique: boolean
  /** The constraint that stands on it, if any. */
  readonly backs: string | null
  /** Empty where an expression is indexed, or some rows alone. */
  readonly columns: readonly string[]
}

const nameIn = ({ schema, index }: Evidence) => identifier(schema, ownName(schema, index))
const tableIn = ({ schema, table }: Evidence) => identifier(schema, ownName(schema, table))

/** What shows the rows that keep a unique index from being built. */
function duplicatesOf(one: Built): string {
  const columns = one.columns.map((column) => identifier(column)).join(', ')
  if (columns === '')
    return remarked(`select pg_get_indexdef(${literal(nameIn(one))}::regclass)`, 'and look for what is there twice')
  return `select ${columns}, count(*) from ${tableIn(one)} group by ${columns} having count(*) > 1`
}

const rebuild = (one: Built) => {
  const drop = `drop index concurrently ${nameIn(one)}`
  const again = remarked(
    `reindex index concurrently ${nameIn(one)}`,
    'lets others read and write, and waits for transactions that are open',
  )
  // REINDEX CONCURRENTLY leaves these behind where it fails: the new one, or, later, the old one.
  if (/_ccnew\d*$/.test(one.index))
    return [remarked(drop, 'a rebuild that failed left it behind, and the index that it was to replace is still there')]
  if (/_ccold\d*$/.test(one.index)) return [remarked(drop, 'a rebuild has replaced it, and could not remove it')]
  if (!one.unique) return [again, `Or, where nobody needs it: ${drop}`]
  const merge = 'Keep one row of each value, and delete or change the others.'
  return one.backs === null
    ? [duplicatesOf(one), merge, again, `Or, where it need not be unique: ${drop}`]
    : [duplicatesOf(one), merge, again]
}

const rebuilding = (one: Built): Repair[] => {
  const leftBehind = /_cc(new|old)\d*$/.test(one.index)
  return [
    {
      kind: 'statements',
      class: 'safe',
      what: `${leftBehind ? 'drop' : 'rebuild'} index ${quoted(one.index)}`,
      statements: [`${leftBehind ? 'drop' : 'reindex'} index concurrently ${nameIn(one)}`],
      lock: `SHARE UPDATE EXCLUSIVE on ${quoted(one.table)}`,
      validates: one.unique && !leftBehind,
      alone: true,
      leftovers: `select format('drop index concurrently %s', i.indexrelid::regclass) from pg_index i join pg_class c on c.oid = i.indexrelid
        where not i.indisvalid and i.indrelid = ${literal(tableIn(one))}::regclass and starts_with(c.relname, ${literal(`${ownName(one.schema, one.index)}_ccnew`)})`,
    },
  ]
}

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
      say: ({ index, table, unique }: Built) =>
        unique
          ? `unique index ${quoted(index)} of ${quoted(table)} is invalid: queries do not use it, and values may be there twice`
          : `index ${quoted(index)} of ${quoted(table)} is invalid: queries do not use it`,
      next: rebuild,
      repair: rebuilding,
    },
    'not-ready': {
      say: ({ index, table }: Built) =>
        `index ${quoted(index)} of ${quoted(table)} is not ready: its build failed early, and rows that are written do not get into it`,
      next: rebuild,
      repair: rebuilding,
    },
    'partition-lacks-it': {
      say: ({ index, table }: Evidence) =>
        `index ${quoted(index)} of ${quoted(table)} is invalid: not every partition has it`,
      next: (one: Evidence) => [
        `select inhrelid::regclass from pg_inherits where inhparent = ${literal(nameIn(one))}::regclass`,
        `For each partition that is missing there: create index concurrently …, then alter index ${nameIn(one)} attach partition …`,
      ],
    },
    'none-at-all': {
      severity: 'warning',
      say: ({ tables }: { tables: readonly string[] }) =>
        `${pluralize(tables.length, 'table')} hold rows, and none has a primary key, an index or a foreign key: a restore that stopped before its last part leaves this`,
      next: () => ['Restore again into an empty database, or run the last part alone: pg_restore --section=post-data'],
    },
    building: {
      severity: 'info',
      say: ({ index, table }: Evidence) => `index ${quoted(index)} of ${quoted(table)} is being built now`,
    },
  },
  async run({ db, config, depth, report, coverage, fact, skip }) {
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
    fact('schema.indexes.plain', indexes.filter(({ backs }) => backs === null).length)

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
      const { schema, table, valid, ready, building, unique, backs, partial } = index
      const columns = partial ? [] : index.columns.filter((column) => column !== null)
      const evidence = {
        ...{ index: nameOf(index, catalog.value), schema, table, unique, backs },
        columns: columns.length === index.columns.length ? columns : [],
      }
      const partitioned = findTable(catalog.value, { schema, name: table })?.kind === 'partitioned'
      if (building) report('building', evidence)
      else if (building === null)
        seen.missing(evidence.index, 'unavailable', 'whether it is being built now, only the primary server knows')
      else if (!valid && partitioned) report('partition-lacks-it', evidence)
      else if (!ready) report('not-ready', evidence)
      else if (!valid) report('invalid', evidence)
    }

    if (depth === 'quick' || catalog.value.indexes.length + catalog.value.foreignKeys.length > 0) return
    // Tables that somebody imported have no keys either, and no column that has to hold a value.
    const keyless = countedTables(catalog.value).filter(
      ({ kind, keys, columns }) => kind === 'table' && keys.length === 0 && columns.some(({ nullable }) => !nullable),
    )
    const full: string[] = []
    for (const table of keyless) if (!(await isEmpty(db, table))) full.push(nameOf(table, catalog.value))
    if (full.length >= enough && expected === undefined) report('none-at-all', { tables: full })
  },
})

/** Tables full of rows and without any key: fewer may be meant so. */
const enough = 4
