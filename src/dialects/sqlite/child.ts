/**
 * The process that holds the SQLite connection. better-sqlite3 is synchronous and can't be interrupted; a process can be killed.
 * It serves one parent over IPC, one request at a time, and removes its private copy when the parent is gone.
 */
import { closeSync, openSync, readSync, rmSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type BetterSqlite from 'better-sqlite3'
import { copyDatabase } from './copy.js'

export type Request =
  | { readonly kind: 'begin'; readonly folder: string }
  | { readonly kind: 'copy'; readonly path: string }
  /** `index`: a WAL index whose beginning is wanted. */
  | { readonly kind: 'open'; readonly uri: string; readonly readonly: boolean; readonly index?: string }
  /** `first`: a statement that goes before it, whose rows nobody wants. */
  | { readonly kind: 'query'; readonly first?: string; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly kind: 'round-trip' }

export type Reply =
  | { readonly id: number; readonly ok: true; readonly rows: readonly Record<string, unknown>[] }
  | { readonly id: number; readonly ok: false; readonly code: string; readonly message: string }

/** What a WAL index begins with: its header, twice, and what checkpoints know. */
const indexBytes = 136
/** How long a statement waits for another process's lock, in milliseconds. Only this process waits. */
const busyTimeout = 1000
/**
 * Page cache in KiB: enough for the upper levels of large b-trees. No file is mapped: a disk that fails to read would end the process. A
 * foreign key that leads nowhere would be an error of each statement about its tables that is compiled.
 */
const settings = ['cache_size = -65536', 'temp_store = file', 'foreign_keys = off']

// Read by better-sqlite3 when its addon is loaded: without it `file:` addresses would be taken for file names.
process.env.SQLITE_USE_URI = '1'
const driver = import('better-sqlite3')
// Whoever opens is told; until then it is nobody's.
driver.catch(() => {})

/** Where a private copy goes: named by the parent, and made only when it is needed. */
let folder = ''

let location: Extract<Request, { kind: 'open' }> | undefined
let connection: BetterSqlite.Database | undefined
let guarded = false

// The parent decides what a signal means; a Ctrl-C in the terminal reaches the whole process group.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

process.on('disconnect', () => process.exit())
process.on('exit', () => {
  connection?.close()
  if (folder) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

// Without an id, nobody wants to know what came of it.
process.on('message', ({ id, request }: { id: number | null; request: Request }) => {
  const answered = answer(request)
  if (id === null) return void answered.catch(() => {})
  answered.then(
    (rows) => reply({ id, ok: true, rows }),
    (error: Error & { code?: string }) => reply({ id, ok: false, code: error.code ?? '', message: error.message }),
  )
})

/** A parent that is gone needs no answer, and its absence is no error. */
function reply(answer: Reply): void {
  process.send?.(answer, undefined, undefined, () => {})
}

async function answer(request: Request): Promise<Record<string, unknown>[]> {
  switch (request.kind) {
    case 'begin':
      folder = request.folder
      return []
    case 'copy':
      guard()
      connection?.close()
      return [{ ...(await copyDatabase(request.path, folder)) }]
    case 'open': {
      location = request
      const index = request.index === undefined || connection ? null : beginningOf(request.index)
      connection = await connect(request)
      // Not before the answer is on its way: the parent waits for it.
      setImmediate(guard)
      return [{ ...firstQuery(connection), ...version(connection), index }]
    }
    case 'query':
      if (request.first !== undefined) query(opened(), request.first, [])
      return query(opened(), request.sql, request.parameters)
    case 'round-trip':
      return [await roundTrip()]
  }
}

/** Whoever closes a file gives up all locks that its process has on it: only before there is a connection. Null where it can't be read. */
function beginningOf(index: string): Buffer | null {
  try {
    const file = openSync(index, 'r')
    const bytes = Buffer.alloc(indexBytes)
    const read = readSync(file, bytes)
    closeSync(file)
    return read === indexBytes ? bytes : null
  } catch {
    return null
  }
}

/** Watches the parent from a thread of its own, which a statement does not block. */
function guard(): void {
  if (guarded) return
  guarded = true
  new Worker(new URL('./guard.js', import.meta.url), { workerData: { parent: process.ppid, folder } }).unref()
}

async function connect({ uri, readonly }: { uri: string; readonly: boolean }): Promise<BetterSqlite.Database> {
  const { default: Database } = await driver
  const database = new Database(uri, { readonly, fileMustExist: true, timeout: busyTimeout })
  database.defaultSafeIntegers(true)
  if (!readonly) database.pragma('query_only = 1')
  for (const setting of settings) database.pragma(setting)
  return database
}

function query(
  database: BetterSqlite.Database,
  sql: string,
  parameters: readonly unknown[],
): Record<string, unknown>[] {
  const statement = database.prepare(sql)
  if (!statement.reader) {
    statement.run(...parameters)
    return []
  }
  return (statement.all(...parameters) as Record<string, unknown>[]).map(withNumbers)
}

/** Integers as numbers where that loses nothing, as bigint where it would. */
function withNumbers(row: Record<string, unknown>): Record<string, unknown> {
  for (const key in row) {
    const value = row[key]
    if (typeof value === 'bigint' && BigInt.asIntN(54, value) === value) row[key] = Number(value)
  }
  return row
}

async function roundTrip(): Promise<{ connect: number; query: number }> {
  if (!location) throw new Error('not opened')
  const before = performance.now()
  const fresh = await connect(location)
  const between = performance.now()
  firstQuery(fresh)
  const after = performance.now()
  fresh.close()
  return { connect: between - before, query: after - between }
}

function firstQuery(database: BetterSqlite.Database): Record<string, unknown> {
  return query(database, 'select count(*) as objects from sqlite_schema', [])[0] ?? {}
}

function version(database: BetterSqlite.Database): Record<string, unknown> {
  return query(database, 'select sqlite_version() as version', [])[0] ?? {}
}

function opened(): BetterSqlite.Database {
  if (!connection) throw new Error('not opened')
  return connection
}
