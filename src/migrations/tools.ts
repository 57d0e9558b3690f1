/** A value as text, whatever its type: dialects differ in how they give booleans and times. */
export type HistoryRow = Readonly<Record<string, string | null>>
/** Something that a history says of a migration, or of a lock. */
export interface MigrationState {
  readonly code: 'failed' | 'half-applied' | 'dirty' | 'locked' | 'running' | 'several-heads'
  /** The migration, or the version that it leads to. */
  readonly name?: string
  readonly since?: string
  /** Who took the lock. */
  readonly by?: string
  readonly heads?: number
}

/** What a tool's table tells. */
export interface MigrationHistory {
  /** What is to be seen where all is well: `, 12 applied`. */
  readonly state?: string
  readonly findings?: readonly MigrationState[]
}

/** A tool that migrates databases: the table that it leaves, and how to read it. */
export interface MigrationTool {
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
  readonly judge: (rows: readonly HistoryRow[], running: boolean) => MigrationHistory
}

const counted = ([row]: readonly HistoryRow[]): MigrationHistory => ({ state: `, ${row?.count ?? 0} applied` })

/** Where two share a table's name, the one with more columns comes first. */
export const migrationTools: readonly MigrationTool[] = [
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

/** A migration that began this long ago, in milliseconds, may still be running where no lock can tell. */
const recent = 5 * 60_000

function prisma(rows: readonly HistoryRow[], running: boolean): MigrationHistory {
  const finished = rows.filter((row) => row.finished_at !== null && row.rolled_back_at === null)
  const open = rows.filter((row) => row.finished_at === null && row.rolled_back_at === null)
  const findings = open.map((row): MigrationState => {
    const since = momentOf(row.started_at)
    const begun = { name: row.migration_name ?? '', ...(since !== null && { since: utc(since) }) }
    // The schema engine writes its log when a step fails, and not before.
    if (row.logs) return { code: 'failed', ...begun }
    const justNow = since !== null && Math.abs(Date.now() - since) < recent
    return { code: running || justNow ? 'running' : 'half-applied', ...begun }
  })
  return { state: `, ${finished.length} applied`, findings }
}

function flyway(rows: readonly HistoryRow[]): MigrationHistory {
  const rank = (row: HistoryRow) => Number(row.installed_rank)
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

function lock(rows: readonly HistoryRow[]): MigrationHistory {
  const held = rows.find((row) => isSet(row.is_locked ?? row.locked))
  if (!held) return {}
  const since = clock(held.lockgranted)
  return { findings: [{ code: 'locked', ...(since && { since }), ...(held.lockedby && { by: held.lockedby }) }] }
}

function golangMigrate([row]: readonly HistoryRow[], running: boolean): MigrationHistory {
  const name = row?.version ?? 'none'
  if (!isSet(row?.dirty)) return { state: ` at ${name}` }
  return { findings: [{ code: running ? 'running' : 'dirty', name }] }
}

function alembic(rows: readonly HistoryRow[]): MigrationHistory {
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
