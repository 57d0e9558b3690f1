import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import pg from 'pg'
import { afterAll, describe, inject } from 'vitest'
import builtIn from '../../checks/index.js'
import type { CheckId } from '../../src/check.js'
import { givenBy } from '../../src/config/given.js'
import { type ConfigInput, parseConfig } from '../../src/config.js'
import type { Depth } from '../../src/depth.js'
import type { DialectName } from '../../src/dialects/dialect.js'
import type { Plugin } from '../../src/plugin.js'
import { createRegistry } from '../../src/registry.js'
import type { Result } from '../../src/report.js'
import { type Examination, type RunEvent, run } from '../../src/run.js'
import { select } from '../../src/select.js'
import { dialectOf, parseTarget } from '../../src/target.js'

/** A throw-away database that a test made. */
export interface TestDatabase {
  /** As a user would write it. */
  readonly target: string
  /** Runs statements on it, as its owner. */
  execute(statements: string): Promise<void>
}

const cleanups: (() => Promise<unknown> | unknown)[] = []
let databases = 0

// This module is loaded anew for each file of tests, and so is its hook.
afterAll(async () => {
  while (cleanups.length > 0) await cleanups.pop()?.()
})

/** Runs something after the tests of this file, last come first. */
export function afterwards(cleanup: () => Promise<unknown> | unknown): void {
  cleanups.push(cleanup)
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
  return dialect === 'sqlite' ? sqliteDatabase(statements) : postgresDatabase(statements)
}

async function sqliteDatabase(statements: string): Promise<TestDatabase> {
  const file = join(await testFolder(), 'test.db')
  const execute = async (more: string) => {
    const database = new BetterSqlite(file)
    // Orphans are what most tests are about: nothing here may refuse them.
    database.pragma('foreign_keys = off')
    database.exec(more)
    database.close()
  }
  // A header, even where no statement writes one.
  await execute(`pragma user_version = 1; ${statements}`)
  return { target: `sqlite:${file}`, execute }
}

async function postgresDatabase(statements: string): Promise<TestDatabase> {
  const name = `test_${process.pid}_${++databases}`
  const url = new URL(inject('postgres'))
  await asSuperuser(url.href, `create database ${name} template template0`)
  afterwards(() => asSuperuser(url.href, `drop database ${name} with (force)`))
  const target = new URL(url)
  target.pathname = `/${name}`
  const execute = (more: string) => asSuperuser(target.href, more)
  if (statements) await execute(statements)
  return { target: target.href, execute }
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

/** How a test runs dbdoctor. */
export interface Examined {
  readonly config?: ConfigInput
  readonly only?: readonly string[]
  readonly depth?: Depth
  readonly samples?: number
  readonly showValues?: boolean
  readonly deadline?: number
  readonly wait?: number
  readonly interrupt?: AbortSignal
  readonly plugins?: readonly Plugin[]
  readonly onEvent?: (event: RunEvent) => void
}

/** Examines a database, or none, through the real runner. */
export async function examine(target: string | null, options: Examined = {}): Promise<Examination> {
  const { config = {}, only, depth = 'standard', samples = 5, showValues = false, plugins = [builtIn] } = options
  const registry = createRegistry(plugins)
  const parsed = parseConfig(config, 'the test')
  const selection = select(registry, parsed, { ...(only && { only }), depth })
  return run({
    registry,
    selection,
    config: parsed,
    ...givenBy(parsed, selection.needs, { environment: process.env, folder: process.cwd() }),
    dialect: target === null ? null : await dialectOf(parseTarget(target), process.env),
    version: '0.0.0',
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

/** What a user would read: the sentences of the findings, or in a word why there are none. */
export function said({ status, findings, skip, error, coverage }: Result): string | string[] {
  if (error) return `crash: ${error.name}: ${error.message}`
  if (findings.length > 0) return findings.map(({ message }) => message)
  if (status === 'skip') return `skip: ${skip?.reason}: ${coverage?.missing[0]?.detail ?? skip?.detail}`
  return status
}
