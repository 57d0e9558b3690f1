import { agreeing, defineCheck, pluralize, type Session, sql } from 'dbdoctor'

interface Dangling {
  /** The catalog whose rows are wrong, and in which column. */
  readonly catalog: string
  readonly column: string
  /** What they should refer to. */
  readonly refers: string
  readonly rows: number
  /** The first of them, as far as it can be named. */
  readonly first: string
}

export default defineCheck({
  id: 'storage/catalog',
  title: 'The system catalog refers to what is there',
  severity: 'error',
  after: ['connection/opens'],
  depth: 'standard',
  docs: {
    why: 'A catalog that lost a row loses the table, the key or the index with it: queries fail, or do not see what was there, and no constraint guards it.',
    fix: 'Stop writing, and copy the data directory before anything is repaired; then restore a backup, or dump what can be read into a new cluster. Do not mend the catalog by hand.',
  },
  messages: {
    dangling: {
      say: ({ catalog, column, refers, rows, first }: Dangling) =>
        `${agreeing(rows, 'row', 'refer').replace(/^(.*) (refers?)$/, `$1 of ${catalog} $2`)} to ${refers} that is not there (${column}${first && `, the first: ${first}`})`,
      next: () => [
        'Stop what writes, and copy the data directory before anything is repaired.',
        'Restore a backup; or pg_dump what can be read, into a new cluster.',
      ],
    },
    'columns-differ': {
      say: ({ rows, first }: { catalog: string; rows: number; first: string }) =>
        `${pluralize(rows, 'relation')} ${rows === 1 ? 'has' : 'have'} another number of columns than pg_class says (the first: ${first})`,
      next: () => ['Stop what writes, and copy the data directory before anything is repaired.'],
    },
  },
  run: {
    async postgres({ db, report, coverage, skip }) {
      const answer = await danglingIn(db)
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      const seen = coverage('reference')
      seen.examined(references.length + 1)
      for (const one of answer.value) {
        if (one.catalog === 'pg_class' && one.column === 'relnatts')
          report('columns-differ', { catalog: one.catalog, rows: one.rows, first: one.first })
        else report('dangling', one)
      }
    },
  },
})

type Reference = readonly [catalog: string, column: string, refers: string, of: string, names?: string]

/**
 * What refers to what, by oid, as pg_catcheck knows it (https://github.com/EnterpriseDB/pg_catcheck). Zero means "none" where a column may
 * be empty; the last part says what names a row.
 */
const references: readonly Reference[] = [
  ['pg_class', 'relnamespace', 'pg_namespace', 'a schema', 'x.relname'],
  ['pg_class', 'reltype', 'pg_type', 'a type', 'x.relname'],
  ['pg_class', 'reltoastrelid', 'pg_class', 'a TOAST table', 'x.relname'],
  ['pg_attribute', 'attrelid', 'pg_class', 'a relation', 'x.attname'],
  ['pg_attribute', 'atttypid', 'pg_type', 'a type', 'x.attname'],
  ['pg_attrdef', 'adrelid', 'pg_class', 'a table'],
  ['pg_constraint', 'conrelid', 'pg_class', 'a table', 'x.conname'],
  ['pg_constraint', 'confrelid', 'pg_class', 'a table', 'x.conname'],
  ['pg_constraint', 'conindid', 'pg_class', 'an index', 'x.conname'],
  ['pg_constraint', 'contypid', 'pg_type', 'a domain', 'x.conname'],
  ['pg_index', 'indexrelid', 'pg_class', 'an index'],
  ['pg_index', 'indrelid', 'pg_class', 'a table'],
  ['pg_inherits', 'inhrelid', 'pg_class', 'a table'],
  ['pg_inherits', 'inhparent', 'pg_class', 'a table'],
  ['pg_rewrite', 'ev_class', 'pg_class', 'a view', 'x.rulename'],
  ['pg_sequence', 'seqrelid', 'pg_class', 'a sequence'],
  ['pg_trigger', 'tgrelid', 'pg_class', 'a table', 'x.tgname'],
  ['pg_trigger', 'tgfoid', 'pg_proc', 'a function', 'x.tgname'],
  ['pg_type', 'typnamespace', 'pg_namespace', 'a schema', 'x.typname'],
  ['pg_proc', 'pronamespace', 'pg_namespace', 'a schema', 'x.proname'],
]

/** One statement, and so one moment: what somebody creates or drops meanwhile is seen whole or not at all. No table of a user's is locked. */
function danglingIn({ read }: Session) {
  const looks = references.map(([catalog, column, of, refers, name = "''"]) => {
    const value = sql`x.${sql.id(column)}`
    return sql`select ${sql.lit(catalog)} as catalog, ${sql.lit(column)} as "column", ${sql.lit(refers)} as refers, count(*)::int as rows,
        coalesce(min(${sql.raw(name)}::text), '') as first
      from pg_catalog.${sql.id(catalog)} x where ${value} <> 0 and not exists (select from pg_catalog.${sql.id(of)} y where y.oid = ${value})
      having count(*) > 0`
  })
  const columns = sql`select 'pg_class', 'relnatts', '', count(*)::int, coalesce(min(x.relname::text), '') from pg_catalog.pg_class x
    where x.relnatts <> (select count(*) from pg_catalog.pg_attribute a where a.attrelid = x.oid and a.attnum > 0) having count(*) > 0`
  const dependencies = sql`select 'pg_depend', 'refobjid', 'a relation', count(*)::int, '' from pg_catalog.pg_depend x
    where x.refclassid = 'pg_catalog.pg_class'::regclass and not exists (select from pg_catalog.pg_class y where y.oid = x.refobjid) having count(*) > 0`
  return read(async (kysely) => {
    const { rows } = await sql<Dangling>`${sql.join([...looks, columns, dependencies], sql` union all `)}`.execute(
      kysely,
    )
    return rows
  })
}
