import {
  type Answer,
  defineCheck,
  identifier,
  nameOf,
  ownName,
  quoted,
  roleSearchPath,
  type Session,
  sql,
  type Table,
} from 'dbdoctor'

interface Evidence {
  readonly schema: string
  readonly table: string
}

/** How long one view may take to give its first row, in milliseconds: whoever takes longer is there, and busy. */
const patience = 1000

export default defineCheck({
  id: 'schema/views',
  title: 'Every view can be queried',
  severity: 'error',
  after: ['connection/opens'],
  docs: {
    why: 'A view outlives what it was made of: a table that was renamed, a column that was dropped, a function that is gone. Nobody notices until a report runs.',
    fix: 'Restore what the view needs, or create it anew from its migration; fill a materialised view with refresh materialized view.',
  },
  messages: {
    broken: {
      say: ({ table, text }: Evidence & { text: string; code: string }) =>
        `view ${quoted(table)} cannot be queried: ${text}`,
      next: () => ['Restore what it needs, or create the view anew; until then, whoever queries it gets this error.'],
    },
    'never-filled': {
      severity: 'info',
      say: ({ table }: Evidence) => `materialised view ${quoted(table)} was never filled`,
      next: ({ schema, table }: Evidence) => [
        `refresh materialized view ${identifier(schema, ownName(schema, table))}`,
      ],
    },
  },
  async run({ db, config, depth, report, coverage, skip }) {
    const catalog = await db.catalog()
    if (catalog.outcome === 'failed') return skip(catalog.reason ?? 'unavailable', catalog.text)
    const views = catalog.value.tables.filter(
      ({ kind, schema }) =>
        (kind === 'view' || kind === 'materialized view') && (!config.schemas || config.schemas.includes(schema)),
    )
    const seen = coverage('view')
    const empty = await unfilled(db, views)
    const path = roleSearchPath[db.dialect]
    const settings = path && sql`${path}; set local statement_timeout = ${sql.lit(patience)}`
    const questions = new Map(
      views.filter((view) => !empty.has(view)).map((view) => [view, firstRow(view, depth !== 'quick')]),
    )
    const together = await db.together(questions, settings)
    for (const view of views) {
      const evidence = { schema: view.schema, table: nameOf(view, catalog.value) }
      const question = questions.get(view)
      if (!question) {
        seen.examined()
        report('never-filled', evidence)
        continue
      }
      const answer: Answer<unknown> = together.has(view)
        ? { outcome: 'answered', value: together.get(view) }
        : await db.read((kysely) => question.execute(kysely), settings)
      // What the view needs is gone; anything else that goes wrong says more of this role, or of this moment.
      if (answer.outcome === 'failed' && isGone(answer)) {
        seen.examined()
        report('broken', { ...evidence, text: answer.text, code: answer.code })
      } else if (answer.outcome === 'failed')
        seen.missing(evidence.table, answer.reason ?? 'unavailable', answer.text, true)
      else seen.examined()
    }
  },
})

/** Asks a view for its first row, as its users would; without `touch` only whether it can be planned. */
function firstRow({ schema, name }: Table, touch: boolean) {
  return sql`select * from ${sql.id(schema, name)} limit ${sql.lit(touch ? 1 : 0)}`
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html, and SQLite's own words, which have no codes of their own. */
function isGone({ code, text }: { readonly code: string; readonly text: string }): boolean {
  if (/^(42P01|42703|42883|42704|3F000|XX000)$/.test(code)) return true
  // A function or a module that is not there may be the application's own.
  return code === 'SQLITE_ERROR' && /no such (table|column|view)|no such index/.test(text)
}

/** Materialised views that hold nothing yet. */
async function unfilled(db: Session, views: readonly Table[]): Promise<ReadonlySet<Table>> {
  if (!views.some(({ kind }) => kind === 'materialized view')) return new Set()
  const answer = await db.read(async (kysely) => {
    const { rows } = await sql<{ schema: string; name: string }>`
      select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'm' and not c.relispopulated`.execute(kysely)
    return rows
  })
  if (answer.outcome === 'failed') return new Set()
  const names = new Set(answer.value.map(({ schema, name }) => identifier(schema, name)))
  return new Set(views.filter(({ schema, name }) => names.has(identifier(schema, name))))
}
