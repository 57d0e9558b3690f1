import { basename, dirname } from 'node:path'
import type { MigrationFile, MigrationFolder } from './folder.js'
import type { HistoryRow } from './tools.js'

/** Migrations of a folder that are not applied, and those that are applied and not in the folder, by their names. */
export interface Comparison {
  readonly pending: readonly string[]
  readonly unknown: readonly string[]
}

/** How a tool's files and its history call the same migration. */
interface Naming {
  /** Columns of the history that are needed. */
  readonly columns: readonly string[]
  /** What a file's migration is called in the history; null for a file that is none. */
  readonly ofFile: (file: MigrationFile) => string | null
  readonly ofRow: (row: HistoryRow) => string | null
}

const script = /^([^/]+)\.(?:[cm]?[jt]s|sql|coffee|py)$/
const withoutExtension = (name: string | null | undefined) =>
  name?.replace(/\.(?:[cm]?[jt]s|sql|coffee|py)$/, '') ?? null
const byFileName = ({ path }: MigrationFile) =>
  /\.d\.[cm]?ts$|(^|\/)index\./.test(path) ? null : (script.exec(path)?.[1] ?? null)
const byVersion = ({ path }: MigrationFile) => /^(\d+)[_-][^/]*\.(?:rb|sql|exs)$/.exec(path)?.[1] ?? null

const namings: Readonly<Record<string, Naming>> = {
  // https://www.prisma.io/docs/orm/prisma-migrate: a folder for each migration.
  Prisma: {
    columns: ['migration_name', 'finished_at', 'rolled_back_at'],
    ofFile: ({ path }) => /^([^/]+)\/migration\.sql$/.exec(path)?.[1] ?? null,
    ofRow: (row) => (row.finished_at !== null && row.rolled_back_at === null ? (row.migration_name ?? null) : null),
  },
  Kysely: { columns: ['name'], ofFile: byFileName, ofRow: ({ name }) => withoutExtension(name) },
  Knex: { columns: ['name'], ofFile: byFileName, ofRow: ({ name }) => withoutExtension(name) },
  Sequelize: { columns: ['name'], ofFile: byFileName, ofRow: ({ name }) => withoutExtension(name) },
  'node-pg-migrate': { columns: ['name'], ofFile: byFileName, ofRow: ({ name }) => withoutExtension(name) },
  TypeORM: {
    columns: ['timestamp'],
    ofFile: ({ path }) => /^(\d{13})-[^/]*\.[cm]?[jt]s$/.exec(path)?.[1] ?? null,
    ofRow: ({ timestamp = null }) => timestamp,
  },
  Flyway: {
    columns: ['script', 'success', 'type', 'version'],
    ofFile: ({ path }) => (/^[VR][^/]*__[^/]*\.sql$/.test(basename(path)) ? basename(path) : null),
    ofRow: ({ script: name, success }) =>
      ['1', 't', 'true'].includes((success ?? '').toLowerCase()) && name ? basename(name) : null,
  },
  'Rails or dbmate': { columns: ['version'], ofFile: byVersion, ofRow: ({ version = null }) => version },
  Ecto: { columns: ['version'], ofFile: byVersion, ofRow: ({ version = null }) => version },
  'golang-migrate': {
    columns: ['version'],
    ofFile: ({ path }) => /^0*(\d+)_[^/]*\.up\.\w+$/.exec(path)?.[1] ?? null,
    ofRow: ({ version = null }) => version,
  },
  Django: {
    columns: ['app', 'name'],
    ofFile: ({ path }) => (/^(?!__)[^/]+\.py$/.test(path) ? path.slice(0, -3) : null),
    ofRow: ({ name = null }) => name,
  },
  Alembic: {
    columns: ['version_num'],
    ofFile: ({ head }) => /^revision\b[^=\n]*=\s*["']([^"']+)["']/m.exec(head)?.[1] ?? null,
    ofRow: ({ version_num: version = null }) => version,
  },
  Drizzle: { columns: ['created_at'], ofFile: () => null, ofRow: ({ created_at: at = null }) => at },
}

/** The columns of a tool's history that a comparison needs; none for a tool whose folders nobody can read from outside. */
export function comparedColumns(tool: string): readonly string[] {
  return namings[tool]?.columns ?? []
}

/**
 * Holds a folder of migrations against the history of a tool. Null where the folder holds none of this tool's, so that one folder may
 * be held against all histories of a database.
 */
export function compareMigrations(
  tool: string,
  { folder, files }: MigrationFolder,
  rows: readonly HistoryRow[],
): Comparison | null {
  const naming = namings[tool]
  if (!naming) return null
  const ours = tool === 'Django' ? rows.filter(({ app }) => app === basename(dirname(folder))) : rows
  const applied = new Set(ours.flatMap((row) => naming.ofRow(row) ?? []))
  if (tool === 'Drizzle') return drizzle(files, ours)
  const named = files.flatMap((file) => {
    const name = naming.ofFile(file)
    return name === null ? [] : [{ name, file }]
  })
  if (named.length === 0) return null
  if (tool === 'Alembic') return alembic(named, applied)
  if (tool === 'golang-migrate') return golangMigrate(named, applied)
  const names = new Set(named.map(({ name }) => name))
  // A squashed migration stands for those that it replaces: Django takes it for applied once they are.
  const squashed = named.some(({ file }) => /^\s*replaces\s*=/m.test(file.head))
  const baseline = tool === 'Flyway' ? baselineOf(ours) : null
  return {
    pending: named
      .filter(({ name, file }) => !applied.has(name) && !/^\s*replaces\s*=/m.test(file.head))
      .map(({ name }) => name)
      .filter((name) => baseline === null || !isAtMost(versionIn(name), baseline)),
    unknown: squashed || baseline !== null ? [] : [...applied].filter((name) => !names.has(name) && !/^<</.test(name)),
  }
}

type Named = readonly { readonly name: string; readonly file: MigrationFile }[]

/** The history names the last revisions alone: whatever they follow is applied too. */
function alembic(named: Named, heads: ReadonlySet<string>): Comparison {
  const before = new Map(named.map(({ name, file }) => [name, parentsIn(file.head)]))
  const applied = new Set<string>()
  const left = [...heads]
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    if (applied.has(one)) continue
    applied.add(one)
    left.push(...(before.get(one) ?? []))
  }
  return {
    pending: [...before.keys()].filter((name) => !applied.has(name)),
    unknown: [...heads].filter((name) => !before.has(name)),
  }
}

function parentsIn(head: string): string[] {
  const written = /^down_revision\b[^=\n]*=\s*(\([^)]*\)|[^\n]*)/m.exec(head)?.[1] ?? ''
  return [...written.matchAll(/["']([^"']+)["']/g)].flatMap(([, name]) => name ?? [])
}

/** The history names the version it is at: all up to that one are applied. */
function golangMigrate(named: Named, applied: ReadonlySet<string>): Comparison {
  const [at] = applied
  const names = [...new Set(named.map(({ name }) => name))]
  return {
    pending: names.filter((name) => at === undefined || BigInt(name) > BigInt(at)),
    unknown: at === undefined || names.includes(at) ? [] : [at],
  }
}

/** The journal gives each migration's time; whatever is later than the last time of the history is not applied. */
function drizzle(files: readonly MigrationFile[], rows: readonly HistoryRow[]): Comparison | null {
  const journal = files.find(({ path }) => path === 'meta/_journal.json')
  const entries = journal && entriesOf(journal.head)
  if (!entries) return null
  const times = rows.map((row) => Number(row.created_at))
  const last = Math.max(0, ...times)
  const known = new Set(entries.map(({ when }) => when))
  return {
    pending: entries.filter(({ when }) => when > last).map(({ tag }) => tag),
    unknown: times.filter((time) => !known.has(time)).map(String),
  }
}

function entriesOf(text: string): { tag: string; when: number }[] | null {
  try {
    const { entries } = JSON.parse(text) as { entries?: unknown }
    return Array.isArray(entries)
      ? entries.filter(({ tag, when }) => typeof tag === 'string' && typeof when === 'number')
      : null
  } catch {
    return null
  }
}

/** Flyway does not apply what is not above a baseline. */
function baselineOf(rows: readonly HistoryRow[]): string | null {
  return rows.find(({ type }) => type === 'BASELINE')?.version ?? null
}

const versionIn = (name: string) => /^V([\d._]+?)__/.exec(name)?.[1] ?? null

function isAtMost(version: string | null, limit: string): boolean {
  if (version === null) return false
  const [own, other] = [version, limit].map((text) => text.split(/[._]/).map(Number))
  for (let at = 0; at < Math.max(own?.length ?? 0, other?.length ?? 0); at++) {
    const [a = 0, b = 0] = [own?.[at], other?.[at]]
    if (a !== b) return a < b
  }
  return true
}
