import {
  type AnyKysely,
  defineCheck,
  type Failure,
  findTable,
  groupBy,
  identifier,
  listed,
  literal,
  nameOf,
  pluralize,
  quoted,
  type Relation,
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

interface Unnamed {
  readonly schema: string
  readonly table: string
  readonly trigger: string
  readonly function: string
  /** The statement that shows the function. */
  readonly definition: string
  /** What the function names and is not there: tables that it writes to, columns of its row. */
  readonly names: readonly string[]
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
    // A function is compiled when it is called: whether it gets so far is not known.
    'names-gone': {
      severity: 'warning',
      say: ({ table, trigger, function: runs, names }: Unnamed) =>
        `trigger ${quoted(trigger)} of ${quoted(table)} runs ${quoted(runs)}, which names ${listed(names)}: nothing of that name is there, and a write that gets so far is refused`,
      next: ({ definition }: Unnamed) => [
        definition,
        'Restore what it names, or correct the function from its migration.',
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

    async postgres({ db, config, report, coverage, saw, skip }) {
      const catalog = await db.catalog()
      if (catalog.outcome === 'failed') return skip(catalog.reason ?? 'unavailable', catalog.text)
      if (catalog.value.triggers.length === 0) return void coverage('trigger', 0)
      const answer = await db.read(triggersIn)
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      const triggers = answer.value.filter(({ schema }) => !config.schemas || config.schemas.includes(schema))
      const written = new Map(triggers.map((one) => [one, tablesWritten(one.source)]))
      const there = await db.read((kysely) => relationsCalled(kysely, [...written.values()].flat()))
      if (there.outcome === 'failed') return skip(there.reason ?? 'unavailable', there.text)
      coverage('trigger', triggers.length).examined(triggers.length)
      if (triggers.length > 0) saw(`${pluralize(triggers.length, 'trigger')}, by what they name`)
      for (const [one, tables] of written) {
        const names = [
          ...tables.filter((name) => !there.value.some((place) => isCalled(place, name))).map((name) => name.join('.')),
          ...columnsMissed(one),
        ]
        if (names.length === 0) continue
        const { schema, trigger, table, function: runs } = one
        const evidence = { schema, table: nameOf({ schema, name: table }, catalog.value), trigger }
        report('names-gone', {
          ...evidence,
          function: nameOf(runs, catalog.value),
          definition: `select pg_get_functiondef(${literal(`${identifier(runs.schema, runs.name)}()`)}::regprocedure)`,
          names: [...new Set(names)],
        })
      }
    },
  },
})

interface Trigger {
  readonly schema: string
  readonly table: string
  readonly trigger: string
  readonly function: Relation
  /** The body of its function, in PL/pgSQL. */
  readonly source: string
  readonly columns: readonly string[]
  /** Whether the row that its function is about is always one of this table. */
  readonly alone: boolean
}

/** A name as it would be looked up: of a table, with its schema where that is said. */
type Name = readonly string[]

async function triggersIn(kysely: AnyKysely): Promise<readonly Trigger[]> {
  const { rows } = await sql<Trigger>`
    select n.nspname as schema, c.relname as "table", t.tgname as trigger, json_build_object('schema', f.nspname, 'name', p.proname) as function, p.prosrc as source,
      (select json_agg(a.attname) from pg_attribute a where a.attrelid = c.oid and not a.attisdropped) as columns,
      t.tgoldtable is null and t.tgnewtable is null
        and not exists (select from pg_trigger o where o.tgfoid = p.oid and o.tgrelid <> c.oid and o.tgparentid = 0) as alone
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
      join pg_proc p on p.oid = t.tgfoid join pg_namespace f on f.oid = p.pronamespace join pg_language l on l.oid = p.prolang
    where not t.tgisinternal and t.tgparentid = 0 and t.tgenabled in ('O', 'A') and l.lanname = 'plpgsql'
      and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
    order by 1, 2, 3`.execute(kysely)
  return rows
}

/** Which of these names are those of relations, in any schema. */
async function relationsCalled(kysely: AnyKysely, names: readonly Name[]): Promise<readonly Name[]> {
  if (names.length === 0) return []
  const { rows } = await sql<{ schema: string; name: string }>`
    select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relname = any (${names.map((name) => name.at(-1) ?? '')}::text[])`.execute(
    kysely,
  )
  return rows.map(({ schema, name }) => [schema, name])
}

function isCalled([schema, relation]: Name, name: Name): boolean {
  return name.at(-1) === relation && (name.length === 1 || name[0] === schema)
}

const identifierPattern = String.raw`(?:"(?:[^"]|"")*"|[a-z_\u0080-\uffff][\w$\u0080-\uffff]*)`
const identifiers = new RegExp(identifierPattern, 'gi')
const writes = new RegExp(
  String.raw`\b(?:insert\s+into|delete\s+from(?:\s+only)?|update(?:\s+only)?(?=\s+\S+(?:\s+(?:as\s+)?\w+)?\s+set\b))\s+(${identifierPattern}(?:\s*\.\s*${identifierPattern})?)`,
  'gi',
)
/** What gives `new` and `old` another meaning, or the row another name. */
const renaming = /\balias\s+for\b|\b(?:as|for)\s+(?:new|old)\b|\b(?:new|old)\s+(?:record\b|[\w."]+\s*%\s*rowtype\b)/i
const fields = new RegExp(String.raw`(?<![\w."])(new|old)\s*\.\s*(${identifierPattern})`, 'gi')

/** The tables that a function writes to, by statements of its own; none where it may make tables first. */
function tablesWritten(source: string): readonly Name[] {
  if (/\bcreate\s[^;]*\b(?:table|view)\b|\btemp(?:orary)?\b/i.test(source)) return []
  return [...codeOf(source).matchAll(writes)].map(([, name = '']) =>
    [...name.matchAll(identifiers)].map(([part]) => lookedUp(part)),
  )
}

/** The columns of its row that a function names and its table lacks. */
function columnsMissed({ source, columns, alone }: Trigger): readonly string[] {
  const code = codeOf(source)
  if (!alone || renaming.test(code)) return []
  return [...code.matchAll(fields)]
    .map(([, row = '', name = '']) => ({ row: row.toLowerCase(), name: lookedUp(name) }))
    .filter(({ name }) => !columns.includes(name))
    .map(({ row, name }) => `${row}.${name}`)
}

/** A body without its comments and its texts. */
function codeOf(source: string): string {
  const token = /"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\be'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|(\$\w*\$)[\s\S]*?\1/gi
  return source.replace(token, (text) => (text.startsWith('"') ? text : ' '))
}

/** https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS */
function lookedUp(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase()
}

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
