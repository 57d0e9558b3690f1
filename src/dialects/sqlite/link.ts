import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Reply, Request } from './child.js'

/** An error of SQLite's, or of the process that holds it; `code` is SQLite's own, `KILLED` or `EXITED` where the process is gone. */
export class SqliteFailure extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.name = 'SqliteFailure'
    this.code = code
  }
}

/** The parent's end of a child process that holds one SQLite connection. */
export interface Link {
  ask(request: Request): Promise<readonly Record<string, unknown>[]>
  /** As `ask`, of what nobody waits for, whatever comes of it. */
  tell(request: Request): void
  /**
   * Ends the process at once, a running statement included; whoever waits gets a `KILLED` failure. Settles when the process is gone and
   * its private copy with it, or after a while.
   */
  kill(): Promise<void>
  readonly alive: boolean
}

/** How long a killed process may take to be gone, in milliseconds. One that waits for a disk can't even be killed. */
const closeTimeout = 1000

/** Starts a child process. The compiled file is named by the package, so that sources and bundles run the same one. */
export function startLink(): Link {
  const folder = join(tmpdir(), `dbdoctor-${randomUUID()}`)
  const child = fork(createRequire(import.meta.url).resolve('#sqlite-child'), [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: [],
  })
  const waiting = new Map<
    number,
    { resolve: (rows: readonly Record<string, unknown>[]) => void; reject: (error: Error) => void }
  >()
  let alive = true
  let lastId = 0

  const end = (code: string, message: string) => {
    alive = false
    for (const { reject } of waiting.values()) reject(new SqliteFailure(code, message))
    waiting.clear()
  }
  child.on('message', (reply: Reply) => {
    const asked = waiting.get(reply.id)
    waiting.delete(reply.id)
    // One that is being ended keeps this process alive until it is gone: an answer that was on its way changes nothing about that.
    if (alive && waiting.size === 0) rest(child)
    if (reply.ok) asked?.resolve(reply.rows)
    else asked?.reject(new SqliteFailure(reply.code, reply.message))
  })
  child.on('error', (error) => end('EXITED', error.message))
  child.on('exit', (code, signal) => end('EXITED', `the SQLite process ended (${signal ?? `exit code ${code}`})`))
  const remove = () => rm(folder, { recursive: true, force: true }).catch(() => {})
  const gone = new Promise((resolve) => {
    for (const event of ['exit', 'error']) child.once(event, resolve)
  }).then(remove)
  rest(child)

  const ask = (request: Request) =>
    new Promise<readonly Record<string, unknown>[]>((resolve, reject) => {
      if (!alive) return reject(new SqliteFailure('EXITED', 'the SQLite process has ended'))
      const id = ++lastId
      waiting.set(id, { resolve, reject })
      child.ref()
      child.channel?.ref()
      child.send({ id, request })
    })

  // At once: the end of a transaction gives back a lock, and whoever goes on here may keep this process busy for long.
  const tell = (request: Request) => {
    if (alive) child.send({ id: null, request })
  }

  tell({ kind: 'begin', folder })
  return {
    ask,
    tell,
    async kill() {
      end('KILLED', 'the SQLite process was ended')
      // The copy goes first: should this process die here, the child is still there to remove what is left.
      await remove()
      child.kill('SIGKILL')
      child.ref()
      await Promise.race([gone, sleep(closeTimeout, undefined, { ref: false })])
      child.unref()
    },
    get alive() {
      return alive
    },
  }
}

/** An idle child does not keep this process alive. */
function rest(child: ChildProcess): void {
  child.unref()
  child.channel?.unref()
}
