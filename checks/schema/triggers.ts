import {
  defineCheck,
  type Failure,
  findTable,
  groupBy,
  listed,
  literal,
  quoted,
  type Session,
  sql,
  type Table,
} from 'dbdoctor'

interface Evidence {
  readonly schema: string
  readonly table: string
  readonly triggers: readonly string[]
  /** What is refused: `insert`, `update`, `delete`. */
  readonly writes: readonly string[]
  readonly text: string
}

export default defineCheck({
  id: 'schema/triggers',
  title: 'Every trigger can fire',
  severity: 'error',
  after: ['connection/opens'],
  docs: {
    why: 'A trigger outlives the table that it writes to. From then on each write to its own table is refused, with the name of a table that nobody has asked for.',
    fix: 'Restore what the trigger needs, or drop the trigger and create it anew from its migration.',
  },
  messages: {
    broken: {
      say: ({ table, triggers, writes, text }: Evidence) =>
        `each ${writes.join(' and ')} of ${quoted(table)} is refused, for ${triggers.length === 1 ? 'trigger' : 'one of the triggers'} ${listed(triggers)} cannot fire: ${text}`,
      next: ({ table }: Evidence) => [
        `select name, sql from sqlite_schema where type = 'trigger' and tbl_name = ${literal(table)}`,
        'Restore what it needs, or drop the trigger.',
      ],
    },
  },
  run: {
    async sqlite({ db, report, coverage, skip }) {
      const answer = await db.catalog()
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      const catalog = answer.value
      const seen = coverage('trigger', catalog.triggers.length)
      for (const [table, triggers] of groupBy(catalog.triggers, ({ table }) => findTable(catalog, table))) {
        if (!table) continue
        const names = triggers.map(({ name }) => name)
        const refusals = await refusalsOf(db, table)
        const hindered = refusals.filter(({ code, text }) => !isBroken(code, text))
        for (const { text, reason } of hindered.slice(0, 1))
          seen.missing(`the triggers of ${table.name}`, reason ?? 'unavailable', text, true)
        if (hindered.length === 0) seen.examined(triggers.length)
        const broken = refusals.filter((refusal) => !hindered.includes(refusal))
        for (const [text, same] of groupBy(broken, (refusal) => refusal.text)) {
          const writes = same.map(({ write }) => write)
          report('broken', { schema: table.schema, table: table.name, triggers: names, writes, text })
        }
      }
    },
  },
})

interface Refusal extends Failure {
  readonly write: string
}

/** What each kind of write would be refused with. SQLite compiles the triggers with the statement, which is explained and never run. */
async function refusalsOf({ read }: Session, { name, kind }: Table): Promise<Refusal[]> {
  const place = sql.id(name)
  const refusals: Refusal[] = []
  for (const write of ['insert', 'update', 'delete'] as const) {
    const answer = await read(async (kysely) => {
      // A trigger may be of some columns alone. Those of a view are not in the catalog.
      const { rows } = await sql<{ name: string }>`
        select name from pragma_table_xinfo(${name}) where hidden = 0`.execute(kysely)
      const changes = rows.map((column) => sql`${sql.id(column.name)} = ${sql.id(column.name)}`)
      const statements = {
        insert: sql`insert into ${place} default values`,
        update: sql`update ${place} set ${sql.join(changes)}`,
        delete: sql`delete from ${place}`,
      }
      await sql`explain ${statements[write]}`.execute(kysely)
    })
    if (answer.outcome === 'answered') continue
    // A view takes the writes that it has triggers for.
    if (kind === 'view' && /^cannot modify/.test(answer.text)) continue
    refusals.push({ ...answer, write })
  }
  return refusals
}

/** Whether what a trigger needs is gone. A function or a module that is not there may be the application's own. */
function isBroken(code: string, text: string): boolean {
  return code === 'SQLITE_ERROR' && /^no such (table|column|view|index)|has no column named/.test(text)
}
