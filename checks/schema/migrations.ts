import {
  type Answer,
  agreeing,
  type CheckContext,
  type Comparison,
  defineCheck,
  type HistoryRow,
  type HistoryTable,
  identifier,
  listed,
  literal,
  type MigrationFolder,
  type MigrationHistory,
  type MigrationState,
  type MigrationTool,
  migrationTools,
  nameOf,
  pluralize,
  quoted,
  type Repair,
  type Session,
  sql,
  type Table,
} from 'dbdoctor'

interface Evidence {
  readonly tool: string
  readonly schema: string
  readonly table: string
  /** The migration, or the version that it leads to. */
  readonly name?: string
  readonly since?: string
  /** Who took the lock. */
  readonly by?: string
  readonly heads?: number
}

/** What a folder and a history do not have in common. */
interface Difference extends Evidence {
  readonly migrations: readonly string[]
}

export default defineCheck({
  id: 'schema/migrations',
  title: 'The migration history is clean',
  severity: 'error',
  after: ['connection/opens'],
  needs: ['migrations?'],
  docs: {
    why: 'A migration that stopped half-way leaves a schema that is neither the old one nor the new one, and the next deployment refuses to migrate.',
    fix: 'See what of the migration is in place, undo or complete it, and only then tell the tool; release a lock only where no migrator runs.',
  },
  messages: {
    failed: {
      severity: 'error',
      say: ({ tool, name = '' }: Evidence) =>
        `${tool}: migration ${quoted(name)} failed, and no other is applied until that is resolved`,
      next: (evidence: Evidence) => repairOf(evidence),
    },
    'half-applied': {
      severity: 'error',
      say: ({ tool, name = '', since }: Evidence) =>
        `${tool}: migration ${quoted(name)} began${since ? ` at ${since}` : ''} and did not finish: it may be applied in part`,
      next: (evidence: Evidence) => [nobodyMigrates, ...repairOf(evidence)],
    },
    dirty: {
      severity: 'error',
      say: ({ tool, name = '' }: Evidence) =>
        `${tool}: version ${name} is dirty: the migration to it did not finish, and may be applied in part`,
      next: (evidence: Evidence) => [nobodyMigrates, ...repairOf(evidence)],
    },
    locked: {
      severity: 'warning',
      say: ({ tool, table, since, by }: Evidence) =>
        `${tool}: the lock in ${quoted(table)} is held${by ? ` by ${by}` : ''}${since ? ` since ${since}` : ''}: a migrator is running, or one that was stopped left it behind`,
      next: (evidence: Evidence) => [nobodyMigrates, ...repairOf(evidence)],
      repair: releasing,
    },
    running: {
      severity: 'info',
      say: ({ tool, name = '', since }: Evidence) =>
        `${tool} is migrating now: ${quoted(name)}${since ? `, since ${since}` : ''}`,
    },
    'several-heads': {
      severity: 'info',
      say: ({ tool, table, heads }: Evidence) =>
        `${tool}: ${quoted(table)} names ${heads} heads: the history has branches`,
      next: () => ['Where no branches are meant: alembic merge heads, then alembic upgrade head'],
    },
    pending: {
      severity: 'warning',
      say: ({ tool, migrations }: Difference) =>
        `${tool}: ${agreeing(migrations.length, 'migration', 'wait')} in the folder, not applied yet: ${listed(migrations)}`,
      next: (evidence: Difference) => [toolOf(evidence)?.applies ?? 'Apply them with the tool that wrote the history.'],
    },
    unknown: {
      severity: 'warning',
      say: ({ tool, migrations }: Difference) =>
        `${tool}: ${pluralize(migrations.length, 'migration')} in the history that the folder does not hold: ${listed(migrations)}`,
      next: () => [
        'Compare what is deployed with what is checked out: another version may have migrated this database.',
      ],
    },
    'no-history': {
      severity: 'warning',
      say: ({ folder, files }: { folder: string; files: number }) =>
        `the folder of migrations holds ${pluralize(files, 'file')}, and the database has no history of migrations: ${folder}`,
      next: () => ['Make sure that this is the database that was meant, and that the migrator has run on it.'],
    },
    unreadable: ({ table, text }: Evidence & { text: string; code: string }) =>
      `the migration history in ${quoted(table)} cannot be read: ${text}`,
  },
  run: {
    sqlite: (context) => examine(context, async () => []),
    postgres: (context) => examine(context, advisoryLocks),
  },
})

type Messages = Record<MigrationState['code'], (evidence: Evidence) => string> & {
  pending: (evidence: Difference) => string
  unknown: (evidence: Difference) => string
  'no-history': (evidence: { folder: string; files: number }) => string
  unreadable: (evidence: Evidence & { text: string; code: string }) => string
}
type Kysely = Parameters<Parameters<Session['read']>[0]>[0]
/** The keys of the advisory locks that are held in this database, and its name. */
type Locks = (kysely: Kysely) => Promise<readonly { readonly database: string; readonly key: number }[]>

async function examine(
  context: CheckContext<Messages, Record<string, never>, 'migrations?'>,
  locks: Locks,
): Promise<void> {
  const { db, config, given, report, coverage, saw, skip } = context
  const catalog = await db.catalog()
  if (catalog.outcome === 'failed') return skip(catalog.reason ?? 'unavailable', catalog.text)
  const known = catalog.value.tables
    .filter(({ schema }) => !config.schemas || config.schemas.includes(schema))
    .flatMap((table) => {
      const kept = kinds.find(({ kind }) => isOf(kind, table)) ?? kinds.find(({ kind }) => isLike(kind, table))
      return kept ? [{ ...kept, table }] : []
    })
  const { migrations: folder } = given
  if (known.length === 0 && folder && folder.files.length > 0)
    return report('no-history', { folder: folder.folder, files: folder.files.length })
  if (known.length === 0) return skip('not-applicable', 'no migration table of a tool that dbdoctor knows')

  const seen = coverage('migration table')
  const states: string[] = []
  let compared = 0
  for (const { tool, kind, table } of known) {
    const evidence = { tool: tool.name, schema: table.schema, table: nameOf(table, catalog.value) }
    const answer = await read(db, tool, kind, table, locks, folder)
    if (answer.outcome === 'failed') {
      const { reason, text, code } = answer
      if (reason) seen.missing(evidence.table, reason, text)
      else report('unreadable', { ...evidence, text, code })
      continue
    }
    seen.examined()
    const { state, findings = [], comparison } = answer.value
    if (comparison) {
      compared++
      const { pending, unknown } = comparison
      if (pending.length > 0) report('pending', { ...evidence, migrations: pending })
      if (unknown.length > 0) report('unknown', { ...evidence, migrations: unknown })
    }
    if (state) states.push(`${tool.name}${state}`)
    for (const { code, ...more } of findings) report(code, { ...evidence, ...more })
  }
  if (folder && compared === 0)
    seen.missing(folder.folder, 'unavailable', 'it holds no migration of the tools that left a history here')
  if (states.length > 0) saw(states.join('; '))
}

/** The tables that tools leave, each with its tool. */
const kinds = migrationTools.flatMap((tool) => tool.tables.map((kind) => ({ tool, kind })))

/** A history, and what the config's folder has that it lacks, and the other way round. */
type Read = MigrationHistory & { readonly comparison?: Comparison | null }

/** Names are compared without case: Liquibase writes them as the engine likes them. */
const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()
const columnOf = (table: Table, name: string) => table.columns.find((column) => same(column.name, name))?.name

function isOf({ table: name, columns }: HistoryTable, table: Table): boolean {
  return table.kind === 'table' && same(table.name, name) && columns.every((column) => columnOf(table, column))
}

/**
 * Whether a table of another name is a tool's: its name ends in the tool's own (`billing_schema_migrations`), and it has the tool's columns
 * and no other. A table of the application's may have some of them by chance.
 */
function isLike({ table: name, columns }: HistoryTable, table: Table): boolean {
  const ending = table.name.toLowerCase().endsWith(`_${name.toLowerCase().replace(/^_+/, '')}`)
  return (
    table.kind === 'table' &&
    ending &&
    columns.length === table.columns.length &&
    columns.every((column) => columnOf(table, column))
  )
}

async function read(
  db: Session,
  { compare }: MigrationTool,
  kind: HistoryTable,
  table: Table,
  locks: Locks,
  folder: MigrationFolder | undefined,
): Promise<Answer<Read>> {
  const select = async (kysely: Kysely, columns: readonly ReturnType<typeof sql>[]) => {
    const { rows } =
      await sql<HistoryRow>`select ${sql.join(columns)} from ${sql.id(table.schema, table.name)}`.execute(kysely)
    return rows
  }
  const rowsOf = (kysely: Kysely) => select(kysely, selected(kind, table))
  return db.read(async (kysely) => {
    const history = await judged(kysely)
    const compared = compare?.columns.filter((name) => columnOf(table, name)) ?? []
    if (!folder || !compare || compared.length === 0) return history
    return { ...history, comparison: compare.with(folder, await select(kysely, asTexts(compared, table))) }
  })

  async function judged(kysely: Kysely): Promise<MigrationHistory> {
    if (!kind.locks) return kind.judge(await rowsOf(kysely), false)
    // Asked before and after: a migrator may come or go while the rows are read.
    const before = await locks(kysely)
    const rows = await rowsOf(kysely)
    const held = [...before, ...(await locks(kysely))]
    const { schema, name } = table
    const running = held.some(({ database, key }) => kind.locks?.({ database, schema, table: name }).includes(key))
    return kind.judge(rows, running)
  }
}

const asTexts = (columns: readonly string[], table: Table) =>
  columns.map((name) => sql`cast(${sql.id(columnOf(table, name) ?? name)} as text) as ${sql.id(name)}`)

function selected({ reads, asks }: HistoryTable, table: Table) {
  if (!reads) return [sql`cast(count(*) as text) as count`]
  const texts = asTexts(reads, table)
  const asked = asks === undefined ? undefined : columnOf(table, asks)
  if (asks === undefined || asked === undefined) return texts
  return [...texts, sql`case when ${sql.id(asked)} <> '' then 'yes' end as ${sql.id(asks)}`]
}

const advisoryLocks: Locks = async (kysely) => {
  const { rows } = await sql<{ database: string; key: number }>`
    select current_database()::text as database, l.objid::bigint as key
    from pg_catalog.pg_locks l
    where l.locktype = 'advisory' and l.granted and l.classid = 0 and l.objsubid = 1
      and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())`.execute(
    kysely,
  )
  return rows
}

const nobodyMigrates = 'Make sure that no migrator is running.'

function toolOf({ tool }: Evidence): MigrationTool | undefined {
  return migrationTools.find(({ name }) => name === tool)
}

/** Where the lock is a row that the tool's own advice sets. */
function releasing(evidence: Evidence): readonly Repair[] {
  const release = / set is_locked = 0$/
  return repairOf(evidence)
    .map((step) => step.replace(/;? --.*$/, ''))
    .filter((step) => release.test(step))
    .map((statement) => ({
      kind: 'statements',
      class: 'data',
      what: `release the lock of ${evidence.tool}`,
      statements: [statement],
      rows: 1,
      lock: `ROW EXCLUSIVE on ${quoted(evidence.table)}`,
      undo: `select ${literal(statement.replace(release, ' set is_locked = 1'))}`,
    }))
}

function repairOf(evidence: Evidence): readonly string[] {
  const { name = '', table } = evidence
  return toolOf(evidence)?.repair?.({ name, table: identifier(...table.split('.')) }) ?? []
}
