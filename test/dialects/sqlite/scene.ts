import { execFile, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { chmod, chown, lstat, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { executable } from '../../support/cli.js'
import { afterwards } from '../../support/databases.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const privileged = process.getuid?.() === 0

/** Who runs a process; without an id, whoever runs the tests. */
export interface Person {
  readonly name: string
  readonly ids: { readonly uid?: number; readonly gid?: number }
}

/** Owns the files and runs the application. */
export const owner: Person = { name: 'the owner', ids: privileged ? { uid: 21_001, gid: 21_001 } : {} }
/** Somebody without any right of their own. */
export const stranger: Person = { name: 'a third user', ids: privileged ? { uid: 65_534, gid: 65_534 } : {} }
/** Everybody who may run dbdoctor. Only root can become another user: without it, all are one. */
export const people: readonly Person[] = privileged ? [{ name: 'root', ids: {} }, owner, stranger] : [owner]

/** The nearest folder above a path, the path included, that not everybody may enter; null where everybody reaches it. */
function closedAbove(path: string): string | null {
  if ((statSync(path).mode & 0o001) === 0) return path
  return dirname(path) === path ? null : closedAbove(dirname(path))
}

/** A folder of the application's, open to everybody, and one for temporary files; both are gone after the tests of this file. */
export async function scene(): Promise<{ folder: string; file: string; temporary: string }> {
  const closed = privileged ? closedAbove(root) : null
  if (closed) throw new Error(`these tests run dbdoctor as other users, who may not enter ${closed}: chmod o+x it`)
  const base = await mkdtemp(join(tmpdir(), 'dbdoctor-test-'))
  afterwards(async () => {
    for (const path of ['folder', 'temporary']) await chmod(join(base, path), 0o700)
    await rm(base, { recursive: true })
  })
  await chmod(base, 0o755)
  const [folder, temporary] = [join(base, 'folder'), join(base, 'temporary')]
  execFileSync('mkdir', [folder, temporary])
  for (const path of [folder, temporary]) await chmod(path, 0o777)
  if (owner.ids.uid !== undefined) await chown(folder, owner.ids.uid, owner.ids.uid)
  return { folder, file: join(folder, 'app.db'), temporary }
}

/** A process of the application's. */
export interface Application {
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>
  /** Closes the database and ends, as an orderly stop would. */
  close(): Promise<void>
  /** What it has printed. */
  output(): string
}

/** Starts an application as the files' owner: it opens `file` as `db`, runs the script, and then stays with the file open. */
export async function application(file: string, script: string): Promise<Application> {
  const code = `
    const db = new (require('better-sqlite3'))(process.env.FILE, { timeout: 1000 })
    process.stdin.resume().on('end', () => { db.close(); process.exit() })
    ;(async () => { ${script} })().then(() => console.log('ready'), (error) => { console.log(error.stack); process.exit(1) })`
  const child = spawn(process.execPath, ['-e', code], {
    ...owner.ids,
    cwd: root,
    env: { ...process.env, FILE: file },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let said = ''
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const kill = async () => {
    child.kill('SIGKILL')
    await ended
  }
  afterwards(kill)
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      said += chunk
      if (said.includes('ready\n')) resolve()
    })
    child.once('exit', () => reject(new Error(`the application ended: ${said}`)))
  })
  return {
    kill,
    async close() {
      child.stdin.end()
      await ended
    },
    output: () => said,
  }
}

/** Runs statements as the files' owner, in a process of its own, and closes the file. */
export async function write(file: string, statements: string): Promise<void> {
  await promisify(execFile)(
    process.execPath,
    [
      '-e',
      `const db = new (require('better-sqlite3'))(process.env.FILE); db.unsafeMode(); db.pragma("foreign_keys = off"); db.exec(process.env.SQL); db.close()`,
    ],
    { ...owner.ids, cwd: root, env: { ...process.env, FILE: file, SQL: statements } },
  )
}

/** Everything that can be said of a folder's files without opening a database: what dbdoctor may not change. */
export async function stateOf(folder: string): Promise<Record<string, object>> {
  const names = (await readdir(folder)).sort()
  const entries = [folder, ...names.map((name) => join(folder, name))].map(async (path) => {
    const { ino, uid, gid, mode, size, mtimeNs, nlink } = await lstat(path, { bigint: true })
    const hash =
      mode & 0o100000n
        ? createHash('sha256')
            .update(await readFile(path))
            .digest('hex')
        : ''
    return [path, { ino, uid, gid, mode: mode.toString(8), size, mtimeNs, nlink, hash }]
  })
  return Object.fromEntries(await Promise.all(entries))
}

/** A config in a file that everybody can read. */
export async function configFile(config: object): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dbdoctor-test-'))
  afterwards(() => rm(folder, { recursive: true }))
  await chmod(folder, 0o755)
  const file = join(folder, 'dbdoctor.config.json')
  await writeFile(file, JSON.stringify(config))
  return file
}

/** How a test runs the command line as somebody, with temporary files in a folder of the test's, and without a home. */
export function as({ ids }: Person, temporary: string) {
  return { ...ids, cwd: root, env: { TMPDIR: temporary, HOME: undefined } }
}

/** A run of the command line that is under way. */
export interface Run {
  readonly pid: number
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; ms: number }>
  stdout(): string
}

/** Starts the command line, to be disturbed. */
export function start(arguments_: readonly string[], temporary: string, person: Person = owner): Run {
  const began = performance.now()
  const child = spawn(process.execPath, [executable, 'check', ...arguments_, '--format', 'json'], {
    ...person.ids,
    cwd: root,
    env: { ...process.env, TMPDIR: temporary, DATABASE_URL: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let stdout = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  afterwards(() => child.kill('SIGKILL'))
  return {
    pid: child.pid ?? 0,
    ended: new Promise((resolve) =>
      child.once('close', (code, signal) => resolve({ code, signal, ms: performance.now() - began })),
    ),
    stdout: () => stdout,
  }
}

/** The processes that a process has started and that still run. */
export function childrenOf(pid: number): number[] {
  return processes().flatMap(({ pid: child, parent }) => (parent === pid ? [child] : []))
}

/** Whether a process runs; one that has ended and was not fetched by its parent does not. */
export function runs(pid: number): boolean {
  return processes().some((process) => process.pid === pid)
}

function processes() {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' }).trim().split('\n')
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , state]) => !state?.startsWith('Z'))
    .map(([pid, parent]) => ({ pid: Number(pid), parent: Number(parent) }))
}

/** Waits until something holds that a test begins with; after `ms`, however busy the machine is, it never will. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, ms = 15_000): Promise<void> {
  const end = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${ms} ms`)
    await sleep(5)
  }
}

/**
 * A table whose scan takes some 20 s in one statement: its key is worked out from 20 MB a row. Writing a row would work it out too, so
 * the rows come first.
 */
export const endless = `
  create table parents (id integer primary key);
  create table children (id integer primary key, parent_id integer generated always as (1) virtual references parents (id));
  insert into parents values (1);
  with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000) insert into children select i from n;
  pragma writable_schema = on;
  update sqlite_schema set sql = replace(sql, 'as (1)', 'as (length(hex(zeroblob(10000000 + id % 2))) / 20000000)') where name = 'children';`
