import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { describe, inject } from 'vitest'
import builtIn from '../../checks/index.js'
import { query } from '../../fixtures/postgres/server.js'
import type { BaselineEntry } from '../../src/config/baseline.js'
import { type ConfigInput, parseConfig } from '../../src/config/config.js'
import { givenBy } from '../../src/config/given.js'
import type { CheckId } from '../../src/contracts/check.js'
import type { Depth } from '../../src/contracts/depth.js'
import type { Plugin } from '../../src/contracts/plugin.js'
import type { DialectName } from '../../src/dialects/dialect.js'
import { postgresScratch } from '../../src/dialects/postgres/scratch.js'
import type { Scratch } from '../../src/dialects/scratch.js'
import { sqliteScratch } from '../../src/dialects/sqlite/scratch.js'
import { dialectOf, parseTarget } from '../../src/dialects/target.js'
import { createRegistry } from '../../src/engine/registry.js'
import { type RunEvent, run } from '../../src/engine/run.js'
import { select } from '../../src/engine/selection.js'
import type { Examination, Result } from '../../src/report/report.js'
import { afterwards } from './cleanups.js'

export { said } from '../../src/engine/testing.js'
export { afterwards } from './cleanups.js'

/** A throw-away database that a test made. */
export interface TestDatabase {
  /** As a user would write it. */
  readonly target: string
  /** Runs statements on it, as its owner. */
  execute(statements: string): Promise<void>
  /** Another one like it, with these statements run. */
  copy(statements: string): Promise<TestDatabase>
}

/** The tests of a block, on SQLite and on PostgreSQL. */
export function onEachDialect(tests: (dialect: DialectName) => void): void {
  for (const dialect of ['sqlite', 'postgres'] as const) describe(`on ${dialect}`, () => tests(dialect))
}

/** A folder that is gone after the tests of this file. */
export async function testFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dbdoctor-test-'))
  afterwards(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A fresh database with these statements run. */
export async function testDatabase(dialect: DialectName, statements = ''): Promise<TestDatabase> {
  return kept(await (dialect === 'sqlite' ? sqliteScratch() : postgresScratch(inject('postgres'))), statements)
}

async function kept(scratch: Scratch, statements: string): Promise<TestDatabase> {
  afterwards(scratch.remove)
  if (statements) await scratch.execute(statements)
  return { ...scratch, copy: async (more) => kept(await scratch.copy(), more) }
}

/** Runs statements on a connection of their own. */
export async function asSuperuser(url: string, statements: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statements)
  } finally {
    await client.end()
  }
}

/** The major version of the server that the tests use: some features are newer than the oldest that dbdoctor examines. */
export async function postgresVersion(): Promise<number> {
  const { version } = await query(inject('postgres'), "select current_setting('server_version_num') as version")
  return Math.floor(Number(version) / 10_000)
}

/**
 * Milliseconds in which the busiest machine has done what an idle one does at once: what takes longer was not ended, it hung. No test
 * says how fast something is; benchmarks do.
 */
export const hung = 20_000

/** How a test runs dbdoctor. */
export interface Examined {
  readonly config?: ConfigInput
  readonly only?: readonly string[]
  readonly depth?: Depth
  readonly samples?: number
  readonly showValues?: boolean
  readonly deadline?: number
  readonly wait?: number
  readonly baseline?: readonly BaselineEntry[]
  readonly interrupt?: AbortSignal
  readonly plugins?: readonly Plugin[]
  readonly onEvent?: (event: RunEvent) => void
}

/** How fast a machine answers is no matter of what a database holds. */
const unhurried: ConfigInput['checks'] = { 'connection/latency': { options: { connect: '1m', query: '1m' } } }

/** Examines a database, or none, through the real runner; however slow that is, unless the config has a word on it. */
export async function examine(target: string | null, options: Examined = {}): Promise<Examination> {
  const { config = {}, only, depth = 'standard', samples = 5, showValues = false, plugins = [builtIn] } = options
  const registry = createRegistry(plugins)
  const checks = { ...(plugins.includes(builtIn) && unhurried), ...config.checks }
  const parsed = parseConfig({ ...config, checks }, 'the test')
  const selection = select(registry, parsed, { ...(only && { only }), depth })
  return run({
    registry,
    selection,
    config: parsed,
    ...givenBy(parsed, selection.needs, { environment: process.env, folder: process.cwd() }),
    dialect: target === null ? null : await dialectOf(parseTarget(target), process.env),
    version: '0.0.0',
    baseline: options.baseline ?? [],
    depth,
    wait: options.wait ?? 0,
    deadline: options.deadline ?? 60_000,
    concurrency: 4,
    samples,
    showValues,
    interrupt: options.interrupt ?? new AbortController().signal,
    onEvent: options.onEvent ?? (() => {}),
  })
}

/** The result of one check. */
export async function examineOne(id: CheckId, target: string, options: Examined = {}): Promise<Result> {
  const { results } = await examine(target, { ...options, only: [id] })
  const result = results.find((candidate) => candidate.id === id)
  if (!result) throw new Error(`no result of ${id}`)
  return result
}
