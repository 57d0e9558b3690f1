import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'

/** A process that has a lock on a file. */
export interface LockHolder {
  readonly pid: number
  /** Its program; empty where that cannot be read. */
  readonly name: string
  /** It was stopped (SIGSTOP, a debugger) and does not go on by itself. */
  readonly stopped: boolean
}

/** The bytes of a database that stand for its locks: https://www.sqlite.org/src/doc/trunk/src/os.h (PENDING, RESERVED, the SHARED range). */
const pending = 0x40000000
const shared = pending + 2
/** The byte of the WAL index that stands for its writer: https://www.sqlite.org/walformat.html#wal_locks. */
const walWriter = 120
/** The byte that stands for the first of its read marks. */
const firstMark = 123

interface Lock {
  readonly pid: number
  readonly first: number
  readonly last: number
  readonly exclusive: boolean
}

/** Who keeps others from reading a file; null where nobody does, or the system does not tell. */
export async function exclusiveHolder(path: string): Promise<LockHolder | null> {
  const locks = (await locksOn(path)) ?? []
  const held = locks.find(({ exclusive, first, last }) => exclusive && last >= shared && first <= shared)
  return held ? describe(held.pid) : null
}

/** Who writes to a file, or is about to; null where nobody does, or the system does not tell. */
export async function writerOf(path: string): Promise<LockHolder | null> {
  const [own = [], index = []] = await Promise.all(
    [locksOn(path), locksOn(`${path}-shm`)].map(async (one) => (await one) ?? []),
  )
  const held =
    own.find(({ exclusive }) => exclusive) ??
    index.find(({ exclusive, first, last }) => exclusive && first <= walWriter && last >= walWriter)
  return held ? describe(held.pid) : null
}

/** Who reads by one of these marks of a WAL index, and is none of our own; null where nobody does, or the system does not tell. */
export async function readerAt(path: string, marks: readonly number[]): Promise<LockHolder | null> {
  const locks = (await locksOn(`${path}-shm`)) ?? []
  const holds = ({ first, last }: Lock) => marks.some((mark) => first <= firstMark + mark && last >= firstMark + mark)
  for (const { pid } of locks.filter(holds)) {
    const { parent, ...holder } = await describe(pid)
    if (parent !== process.pid) return holder
  }
  return null
}

/** Whether a process has a lock on the file or its WAL index; null where the system has no list of locks. */
export async function heldBySomebody(path: string): Promise<boolean | null> {
  const lists = await Promise.all([locksOn(path), locksOn(`${path}-shm`)])
  if (lists.some((list) => list === null)) return null
  return lists.some((list) => list && list.length > 0)
}

/** A process in a sentence: `process 4242 (node, stopped)`. */
export function holderNamed({ pid, name, stopped }: LockHolder): string {
  const about = [name, stopped ? 'stopped' : ''].filter(Boolean).join(', ')
  return `process ${pid}${about && ` (${about})`}`
}

/** The locks on a file (proc(5), `/proc/locks`); null where the system has no list of them. */
async function locksOn(path: string): Promise<Lock[] | null> {
  const text = await readFile('/proc/locks', 'utf8').catch(() => null)
  if (text === null) return null
  const inode = await stat(path).then(
    ({ ino }) => ino,
    () => null,
  )
  if (inode === null) return []
  return text.split('\n').flatMap((line) => {
    // A line of somebody who waits has an arrow in it.
    const [, mode, pid, ino, first, last] =
      /^\d+: (?:POSIX|OFDLCK)\s+ADVISORY\s+(READ|WRITE)\s+(-?\d+) [\da-f]+:[\da-f]+:(\d+) (\d+) (\d+|EOF)/.exec(line) ??
      []
    if (ino === undefined || Number(ino) !== inode) return []
    const end = last === 'EOF' ? Number.POSITIVE_INFINITY : Number(last)
    return [{ pid: Number(pid), first: Number(first), last: end, exclusive: mode === 'WRITE' }]
  })
}

async function describe(pid: number): Promise<LockHolder & { readonly parent: number }> {
  const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
  const [command, thread, status] = await Promise.all([read('cmdline'), read('comm'), read('status')])
  // A program may name its threads: from Node 24 on, the first one of each is called MainThread.
  const program = basename(/^[^\0\s]*/.exec(command)?.[0] ?? '')
  const parent = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1])
  return { pid, parent, name: program || thread.trim(), stopped: /^State:\s+[Tt]/m.test(status) }
}
