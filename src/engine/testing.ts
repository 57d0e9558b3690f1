import type { AnyCheck } from '../contracts/check.js'
import type { Plugin } from '../contracts/plugin.js'
import type { Scratch } from '../dialects/scratch.js'
import type { Report, Result } from '../report/report.js'
import { type DiagnoseOptions, examineFor } from './diagnose.js'

/** What the throw-away database of a test is made of: statements, and for PostgreSQL a server whose role may create databases. */
export type TestDatabase = { readonly sqlite: string } | { readonly postgres: string; readonly ddl: string }

/** As for `diagnose`. The check's own options are in the config: `{ checks: { [check.id]: { options } } }`. */
export type TestOptions = Omit<DiagnoseOptions, 'target' | 'only' | 'skip'>

/** Makes a database, runs one check on it as `dbdoctor check --only` does, and removes the database again. */
export async function examineOn(
  check: AnyCheck,
  database: TestDatabase,
  options: TestOptions,
  builtIn: () => Promise<Plugin>,
): Promise<Result> {
  const scratch = await scratchOf(database)
  try {
    await scratch.execute('sqlite' in database ? database.sqlite : database.ddl)
    const { depth = check.depth === 'deep' ? 'deep' : 'standard' } = options
    const { results } = await examineFor({ ...options, depth, target: scratch.target, only: [check.id] }, async () => {
      const { checks = [], ...rest } = await builtIn()
      return { ...rest, checks: [...checks.filter(({ id }) => id !== check.id), check] }
    })
    const result = results.find(({ id }) => id === check.id)
    if (result) return result
    throw new Error(`no result of ${check.id}`)
  } finally {
    await scratch.remove()
  }
}

/** Makes a database, examines it whole as `diagnose` does, and removes it again. */
export async function reportOn(
  database: TestDatabase,
  options: Omit<DiagnoseOptions, 'target'>,
  builtIn: () => Promise<Plugin>,
): Promise<Report> {
  const scratch = await scratchOf(database)
  try {
    await scratch.execute('sqlite' in database ? database.sqlite : database.ddl)
    return await examineFor({ ...options, target: scratch.target }, builtIn)
  } finally {
    await scratch.remove()
  }
}

async function scratchOf(database: TestDatabase): Promise<Scratch> {
  return 'sqlite' in database
    ? (await import('../dialects/sqlite/scratch.js')).sqliteScratch()
    : (await import('../dialects/postgres/scratch.js')).postgresScratch(database.postgres)
}

/** What a user would read: the sentences of the findings, or in a word why there are none. */
export function said({ status, findings, skip, error, coverage }: Result): string | string[] {
  if (error) return `crash: ${error.name}: ${error.message}`
  if (findings.length > 0) return findings.map(({ message }) => message)
  if (status === 'skip') return `skip: ${skip?.reason}: ${coverage?.missing[0]?.detail ?? skip?.detail}`
  return status
}
