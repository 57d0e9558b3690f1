import { type Answer, type CheckContext, defineCheck, nameOf, quoted, type Session, sql, type Table } from 'dbdoctor'

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

export default defineCheck({
  id: 'schema/migrations',
  title: 'The migration history is clean',
  severity: 'error',
  after: ['connection/opens'],
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
    unreadable: ({ table, text }: Evidence & { text: string; code: string }) =>
      `the migration history in ${quoted(table)} cannot be read: ${text}`,
  },
  run: {
    sqlite: (context) => examine(context, async () => []),
    postgres: (context) => examine(context, advisoryLocks),
  },
})

type Code = 'failed' | 'half-applied' | 'dirty' | 'locked' | 'running' | 'several-heads'
type Messages = Record<Code, (evidence: Evidence) => string> & {
  unreadable: (evidence: Evidence & { text: string; code: string }) => string
}
type Kysely = Parameters<Parameters<Session['read']>[0]>[0]
/** The keys of the advisory locks that are held in this database, and its name. */
type Locks = (kysely: Kysely) => Promise<readonly { readonly database: string; readonly key: number }[]>

async function examine(context: CheckContext<Messages, Record<string, never>, never>, locks: Locks): Promise<void> {
  const { db, config, report, coverage, saw, skip } = context
  const catalog = await db.catalog()
  if (catalog.outcome === 'failed') return skip(catalog.reason ?? 'unavailable', catalog.text)
  const known = catalog.value.tables
    .filter(({ schema }) => !config.schemas || config.schemas.includes(schema))
    .flatMap((table) => {
      const tool = tools.find((candidate) => isOf(candidate, table))
      return tool ? [{ tool, table }] : []
    })
  if (known.length === 0) return skip('not-applicable', 'no migration table of a tool that dbdoctor knows')

  const seen = coverage('migration table')
  const states: string[] = []
  for (const { tool, table } of known) {
    const evidence = { tool: tool.name, schema: table.schema, table: nameOf(table, catalog.value) }
    const answer = await read(db, tool, table, locks)
    if (answer.outcome === 'failed') {
      const { reason, text, code } = answer
      if (reason) seen.missing(evidence.table, reason, text)
      else report('unreadable', { ...evidence, text, code })
      continue
    }
    seen.examined()
    const { state, findings = [] } = answer.value
    if (state) states.push(`${tool.name}${state}`)
    for (const { code, ...more } of findings) report(code, { ...evidence, ...more })
  }
  if (states.length > 0) saw(states.join('; '))
}

/** A value as text, whatever its type: dialects differ in how they give booleans and times. */
type Row = Readonly<Record<string, string | null>>
type Found = Omit<Evidence, 'tool' | 'schema' | 'table'> & { readonly code: Code }

interface History {
  /** What is to be seen where all is well: `, 12 applied`. */
  readonly state?: string
  readonly findings?: readonly Found[]
}

interface Tool {
  readonly name: string
  /** Its history, or its lock. */
  readonly table: string
  /** What tells the table from others of this name. */
  readonly columns: readonly string[]
  /** Columns that are looked at; without any, rows are counted. */
  readonly reads?: readonly string[]
  /** A column that is only asked whether it says something: what it says may hold a secret. */
  readonly asks?: string
  /** Keys of the advisory locks that its migrator holds on PostgreSQL while it runs. */
  readonly locks?: (place: { readonly database: string; readonly schema: string; readonly table: string }) => number[]
  readonly judge: (rows: readonly Row[], running: boolean) => History
}

const counted = ([row]: readonly Row[]): History => ({ state: `, ${row?.count ?? 0} applied` })

/** Where two share a table's name, the one with more columns comes first. */
const tools: readonly Tool[] = [
  {
    name: 'Prisma',
    table: '_prisma_migrations',
    columns: ['migration_name', 'started_at', 'finished_at', 'rolled_back_at'],
    reads: ['migration_name', 'started_at', 'finished_at', 'rolled_back_at'],
    asks: 'logs',
    locks: () => [72707369],
    judge: prisma,
  },
  { name: 'Kysely', table: 'kysely_migration', columns: ['name', 'timestamp'], judge: counted },
  { name: 'Kysely', table: 'kysely_migration_lock', columns: ['is_locked'], reads: ['is_locked'], judge: lock },
  { name: 'Knex', table: 'knex_migrations', columns: ['name', 'batch'], judge: counted },
  { name: 'Knex', table: 'knex_migrations_lock', columns: ['is_locked'], reads: ['is_locked'], judge: lock },
  { name: 'Drizzle', table: '__drizzle_migrations', columns: ['hash', 'created_at'], judge: counted },
  { name: 'TypeORM', table: 'migrations', columns: ['id', 'timestamp', 'name'], judge: counted },
  { name: 'Sequelize', table: 'SequelizeMeta', columns: ['name'], judge: counted },
  { name: 'Alembic', table: 'alembic_version', columns: ['version_num'], reads: ['version_num'], judge: alembic },
  { name: 'Django', table: 'django_migrations', columns: ['app', 'name', 'applied'], judge: counted },
  {
    name: 'Flyway',
    table: 'flyway_schema_history',
    columns: ['installed_rank', 'type', 'script', 'success'],
    reads: ['installed_rank', 'type', 'script', 'success'],
    judge: flyway,
  },
  { name: 'Liquibase', table: 'databasechangelog', columns: ['id', 'author', 'orderexecuted'], judge: counted },
  {
    name: 'Liquibase',
    table: 'databasechangeloglock',
    columns: ['locked', 'lockgranted', 'lockedby'],
    reads: ['locked', 'lockgranted', 'lockedby'],
    judge: lock,
  },
  {
    name: 'golang-migrate',
    table: 'schema_migrations',
    columns: ['version', 'dirty'],
    reads: ['version', 'dirty'],
    locks: golangMigrateLocks,
    judge: golangMigrate,
  },
  { name: 'Ecto', table: 'schema_migrations', columns: ['version', 'inserted_at'], judge: counted },
  { name: 'Rails or dbmate', table: 'schema_migrations', columns: ['version'], judge: counted },
  { name: 'node-pg-migrate', table: 'pgmigrations', columns: ['id', 'name', 'run_on'], judge: counted },
]

/** Names are compared without case: Liquibase writes them as the engine likes them. */
const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()
const columnOf = (table: Table, name: string) => table.columns.find((column) => same(column.name, name))?.name

function isOf({ table: name, columns }: Tool, table: Table): boolean {
  return table.kind === 'table' && same(table.name, name) && columns.every((column) => columnOf(table, column))
}

async function read(db: Session, tool: Tool, table: Table, locks: Locks): Promise<Answer<History>> {
  const rowsOf = async (kysely: Kysely) => {
    const { rows } =
      await sql<Row>`select ${sql.join(selected(tool, table))} from ${sql.id(table.schema, table.name)}`.execute(kysely)
    return rows
  }
  return db.read(async (kysely) => {
    if (!tool.locks) return tool.judge(await rowsOf(kysely), false)
    // Asked before and after: a migrator may come or go while the rows are read.
    const before = await locks(kysely)
    const rows = await rowsOf(kysely)
    const held = [...before, ...(await locks(kysely))]
    const { schema, name } = table
    const running = held.some(({ database, key }) => tool.locks?.({ database, schema, table: name }).includes(key))
    return tool.judge(rows, running)
  })
}

function selected({ reads, asks }: Tool, table: Table) {
  if (!reads) return [sql`cast(count(*) as text) as count`]
  const texts = reads.map((name) => sql`cast(${sql.id(columnOf(table, name) ?? name)} as text) as ${sql.id(name)}`)
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

/** A migration that began this long ago, in milliseconds, may still be running where no lock can tell. */
const recent = 5 * 60_000

function prisma(rows: readonly Row[], running: boolean): History {
  const finished = rows.filter((row) => row.finished_at !== null && row.rolled_back_at === null)
  const open = rows.filter((row) => row.finished_at === null && row.rolled_back_at === null)
  const findings = open.map((row): Found => {
    const since = momentOf(row.started_at)
    const begun = { name: row.migration_name ?? '', ...(since !== null && { since: utc(since) }) }
    // The schema engine writes its log when a step fails, and not before.
    if (row.logs) return { code: 'failed', ...begun }
    const justNow = since !== null && Math.abs(Date.now() - since) < recent
    return { code: running || justNow ? 'running' : 'half-applied', ...begun }
  })
  return { state: `, ${finished.length} applied`, findings }
}

function flyway(rows: readonly Row[]): History {
  const rank = (row: Row) => Number(row.installed_rank)
  const applied = rows.filter((row) => isSet(row.success))
  const failed = rows.filter(
    (row) => !isSet(row.success) && !applied.some((later) => later.script === row.script && rank(later) > rank(row)),
  )
  const migrations = applied.filter(({ type }) => !['SCHEMA', 'BASELINE', 'DELETE'].includes(type ?? ''))
  return {
    state: `, ${new Set(migrations.map(({ script }) => script)).size} applied`,
    findings: failed.map(({ script }) => ({ code: 'failed', name: script ?? '' })),
  }
}

function lock(rows: readonly Row[]): History {
  const held = rows.find((row) => isSet(row.is_locked ?? row.locked))
  if (!held) return {}
  const since = clock(held.lockgranted)
  return { findings: [{ code: 'locked', ...(since && { since }), ...(held.lockedby && { by: held.lockedby }) }] }
}

function golangMigrate([row]: readonly Row[], running: boolean): History {
  const name = row?.version ?? 'none'
  if (!isSet(row?.dirty)) return { state: ` at ${name}` }
  return { findings: [{ code: running ? 'running' : 'dirty', name }] }
}

function alembic(rows: readonly Row[]): History {
  if (rows.length > 1) return { findings: [{ code: 'several-heads', heads: rows.length }] }
  return { state: ` at ${rows[0]?.version_num ?? 'base'}` }
}

function isSet(value: string | null | undefined): boolean {
  return ['1', 't', 'true'].includes((value ?? '').toLowerCase())
}

/** Milliseconds since 1970: Prisma keeps them as they are on SQLite, or a time that is UTC where it names no zone. */
function momentOf(value: string | null | undefined): number | null {
  if (!value) return null
  if (/^\d{12,}$/.test(value)) return Number(value)
  const iso = value.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')
  const moment = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}Z`)
  return Number.isNaN(moment) ? null : moment
}

function utc(moment: number): string {
  return `${new Date(moment).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** A time as it was written down, by a clock whose zone nobody knows. */
function clock(value: string | null | undefined): string {
  return value && /^\d{12,}$/.test(value) ? utc(Number(value)) : (value ?? '').slice(0, 19)
}

/** As `GenerateAdvisoryLockId` of golang-migrate, whose older versions knew fewer names. */
function golangMigrateLocks({ database, schema, table }: { database: string; schema: string; table: string }) {
  const names = [[schema, table, database], [schema, database], [database]]
  return names.map((parts) => Math.imul(crc32(parts.join('\0')), 1486364155) >>> 0)
}

function crc32(text: string): number {
  let sum = -1
  for (const byte of new TextEncoder().encode(text)) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0)
  }
  return ~sum
}

const nobodyMigrates = 'Make sure that no migrator is running.'

/** A name as it may be typed into a shell; any other is left to the reader. */
const typed = (name = '') => (/^[\w.:-]+$/.test(name) ? name : 'NAME')
const identifier = (table: string) => table.split('.').map(quoted).join('.')

const repairs: Readonly<Record<string, (evidence: Evidence) => readonly string[]>> = {
  Prisma: ({ name }) => [
    `See what of prisma/migrations/${typed(name)}/migration.sql is in place, statement by statement.`,
    `Nothing, or you undid it: npx prisma migrate resolve --rolled-back "${typed(name)}" && npx prisma migrate deploy`,
    `All of it, or you completed it: npx prisma migrate resolve --applied "${typed(name)}"`,
  ],
  Flyway: ({ name }) => [
    `See what of ${typed(name)} is in place, and undo it.`,
    'flyway repair',
    `Correct ${typed(name)}, then: flyway migrate`,
  ],
  'golang-migrate': ({ name }) => [
    `See what of the migration to version ${name} is in place, statement by statement.`,
    `All of it, or you completed it: migrate -path FOLDER -database "$DATABASE_URL" force ${name}`,
    'Nothing, or you undid it: the same with the version that it started from.',
  ],
  Kysely: ({ table }) => [`update ${identifier(table)} set is_locked = 0`],
  Knex: ({ table }) => [`npx knex migrate:unlock, or: update ${identifier(table)} set is_locked = 0`],
  Liquibase: () => ['liquibase list-locks', 'liquibase release-locks'],
}

function repairOf(evidence: Evidence): readonly string[] {
  return repairs[evidence.tool]?.(evidence) ?? []
}
