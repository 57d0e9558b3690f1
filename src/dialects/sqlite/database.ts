import { realpath } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import pLimit from 'p-limit'
import type { Limits } from '../../limits.js'
import type { TargetInfo } from '../../report.js'
import type { Catalog } from '../catalog.js'
import type { Answer, AnyKysely, Database, Failure, Opening, RoundTrip, Session, Trace, Unopened } from '../dialect.js'
import { stopped } from '../dialect.js'
import { readCatalog } from './catalog.js'
import type { Copy } from './copy.js'
import { kyselyOver } from './driver.js'
import { classify } from './failure.js'
import { examineFile, fingerprint, type Way } from './file.js'
import { type Link, SqliteFailure, startLink } from './link.js'
import { scanOrphans } from './orphans.js'
import { readableTables, rowCount } from './tables.js'
import { tracesOf } from './traces.js'

/** An open link, how it was opened, and the state of the file that its answers are true for. */
interface Opened {
  readonly outcome: 'opened'
  readonly link: Link
  /** Where the file really is: its side files are there, not beside a link to it. */
  readonly file: string
  readonly way: Way
  readonly print: string
  readonly version: string
  readonly traces: readonly Trace[]
}

/** Opens the file at `path` over a link that was started for it. */
export async function openDatabase(path: string, target: TargetInfo, link: Link, { signal }: Limits): Promise<Opening> {
  const began = performance.now()
  const holder = holderOf(path, link)
  const opened = await holder.open(signal)
  const ms = performance.now() - began
  if (opened.outcome === 'opened') {
    const found = { ...target, version: opened.version }
    return { outcome: 'opened', ms, database: databaseOver(holder, found, opened.traces) }
  }
  await holder.close()
  return { ...opened, ms }
}

function databaseOver(holder: Holder, target: TargetInfo, traces: readonly Trace[]): Database {
  let catalog: Promise<Answer<Catalog>> | undefined

  const session = (limits: Limits): Session => {
    const read = <T>(work: (kysely: AnyKysely) => Promise<T>) => holder.read(work, limits.signal)
    const knownCatalog = async () => {
      catalog ??= read(readCatalog)
      const known = await catalog
      // What one check ran out of time for, the next one may still learn.
      if (known.outcome === 'failed') catalog = undefined
      return known
    }
    return {
      dialect: 'sqlite',
      target,
      read,
      traces: () => traces,
      catalog: knownCatalog,
      readable: (tables, touch) => readableTables(read, tables, touch),
      count: (table) => rowCount(read, table),
      orphans: async (relationship, samples) => {
        const known = await knownCatalog()
        if (known.outcome === 'failed') return known
        return scanOrphans({ read, catalog: known.value, snapshots: holder.snapshots }, relationship, samples)
      },
      roundTrip: () => holder.roundTrip(limits.signal),
    }
  }
  return { target, session, close: holder.close }
}

type Holder = ReturnType<typeof holderOf>

/** Keeps one child process with the file open, and starts another when the first was killed or the file changed its state. */
function holderOf(path: string, first: Link) {
  const turn = pLimit(1)
  const links: Link[] = [first]
  let current: Opened | undefined

  const open = async (signal: AbortSignal): Promise<Opened | Omit<Unopened, 'ms'>> => {
    if (current?.link.alive) return current
    const link = first.alive && !current ? first : startLink()
    if (link !== first) links.push(link)
    const stop = () => void link.kill()
    signal.addEventListener('abort', stop, { once: true })
    try {
      const opened = await openFile(path, link)
      if (opened.outcome === 'opened') current = opened
      else await link.kill()
      if (signal.aborted) return { ...stoppedOpening(signal), place: path }
      return opened
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  /** One piece of work at a time: the child is one connection, and a latency measured beside a scan would be a lie. */
  const withLink = <T>(signal: AbortSignal, work: (link: Link) => Promise<T>): Promise<Answer<T>> =>
    turn(async () => {
      for (let attempt = 1; ; attempt++) {
        if (signal.aborted) return stopped(signal)
        const opened = await open(signal)
        if (opened.outcome !== 'opened') return signal.aborted ? stopped(signal) : unopened(opened)
        const answer = await attend(opened.link, signal, work)
        if (signal.aborted || !(await outdated(opened, answer))) return answer
        // Open it in the way that fits now.
        await opened.link.kill()
        if (attempt === 3)
          return { outcome: 'failed', reason: 'unsafe', code: '', text: 'the file keeps changing while it is read' }
      }
    })

  return {
    open,
    /** Whether a long transaction leaves writers alone: true in every way but `read-only`, where a reader's lock stops a commit. */
    get snapshots() {
      return current !== undefined && current.way !== 'read-only'
    },

    read: <T>(work: (kysely: AnyKysely) => Promise<T>, signal: AbortSignal): Promise<Answer<T>> =>
      withLink(signal, async ({ ask }) => {
        // Neither is waited for: the child takes one request after the other.
        const begun = ask({ kind: 'query', sql: 'begin', parameters: [] })
        try {
          const value = await work(kyselyOver(ask))
          await begun
          return value
        } finally {
          begun.then(() => ask({ kind: 'query', sql: 'rollback', parameters: [] })).catch(() => {})
        }
      }),

    roundTrip: (signal: AbortSignal): Promise<Answer<RoundTrip>> =>
      withLink(signal, async (link) => {
        const [times] = await link.ask({ kind: 'round-trip' })
        return { connect: Number(times?.connect), query: Number(times?.query) }
      }),

    async close() {
      await Promise.all(links.map((link) => link.kill()))
    },
  }
}

/** Whether the way the file was opened no longer fits: an immutable view of a file that is written to, or a writer died meanwhile. */
async function outdated({ way, file, print }: Opened, answer: Answer<unknown>): Promise<boolean> {
  if (way === 'at-rest') return (await fingerprint(file).catch(() => '')) !== print
  return answer.outcome === 'failed' && answer.code.startsWith('SQLITE_READONLY_')
}

/** Runs work on a link; an abort kills the process and answers with the abort's reason. */
async function attend<T>(link: Link, signal: AbortSignal, work: (link: Link) => Promise<T>): Promise<Answer<T>> {
  const stop = () => void link.kill()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return { outcome: 'answered', value: await work(link) }
  } catch (error) {
    if (signal.aborted) return stopped(signal)
    if (error instanceof SqliteFailure) return classify(error)
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

async function openFile(path: string, link: Link): Promise<Opened | Omit<Unopened, 'ms'>> {
  const file = await realpath(path).catch(() => path)
  const state = await examineFile(file)
  if (state.outcome !== 'openable') return { ...state, place: path }
  const ways: Way[] = state.way === 'copy' ? ['copy'] : [state.way, 'copy']
  const left = await tracesOf(file)
  let failure: Omit<Unopened, 'ms'> | undefined

  for (const way of ways) {
    try {
      const print = await fingerprint(file)
      const where = way === 'copy' ? await copyOf(file, link) : ({ outcome: 'in-place', path: file } as const)
      if (where.outcome !== 'in-place' && where.outcome !== 'copied') return { ...where, place: path, code: '' }
      const uri = `${pathToFileURL(where.path).href}?${parameters[way]}`
      const [first] = await link.ask({ kind: 'open', uri, readonly: way !== 'copy' })
      // What SQLite opens in place without a word of recovery was no hot journal.
      const traces = left.filter(({ kind }) => kind !== 'hot-journal' || way === 'copy')
      return { outcome: 'opened', link, file, way, print, version: String(first?.version), traces }
    } catch (error) {
      if (!(error instanceof SqliteFailure)) throw error
      const { outcome } = whyNot(error)
      failure ??= {
        outcome: outcome === 'damaged' && state.note ? 'truncated' : outcome,
        place: path,
        code: error.code,
        text: [error.message, state.note].filter(Boolean).join('; '),
      }
      // Only what recovery could mend is worth a copy.
      if (!/^SQLITE_(READONLY|CANTOPEN|PROTOCOL)/.test(error.code)) break
    }
  }
  return failure ?? { outcome: 'other', place: path, code: '', text: 'it could not be opened' }
}

async function copyOf(file: string, link: Link): Promise<Copy> {
  const [copy] = await link.ask({ kind: 'copy', path: file })
  if (copy?.outcome === 'copied') return { outcome: 'copied', path: String(copy.path) }
  return { outcome: copy?.outcome === 'unsafe' ? 'unsafe' : 'unreadable', text: String(copy?.text) }
}

/** https://www.sqlite.org/uri.html; `readonly_shm` is SQLite's own, for reading beside a writer without touching the WAL index. */
const parameters: Record<Way, string> = {
  'read-only': 'mode=ro',
  'beside-a-writer': 'mode=ro&readonly_shm=1',
  'at-rest': 'mode=ro&immutable=1',
  copy: 'mode=rw',
}

function whyNot({ code, message }: SqliteFailure): { outcome: Unopened['outcome'] } {
  if (code === 'SQLITE_NOTADB') return { outcome: 'not-a-database' }
  if (/^SQLITE_(CORRUPT|IOERR)/.test(code) || /unsupported file format/.test(message)) return { outcome: 'damaged' }
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return { outcome: 'locked' }
  if (/^SQLITE_(CANTOPEN|PERM|READONLY)/.test(code)) return { outcome: 'unreadable' }
  // Not SQLite's word: the driver could not be loaded, or its process died.
  return { outcome: code.startsWith('SQLITE_') ? 'other' : 'unavailable' }
}

function stoppedOpening(signal: AbortSignal): Omit<Unopened, 'ms' | 'place'> {
  const { reason, text } = stopped(signal)
  return { outcome: reason, code: '', text }
}

function unopened({ code, text }: Omit<Unopened, 'ms'>): Failure {
  return { outcome: 'failed', reason: 'blocked', code, text: `the file could not be opened again: ${text}` }
}
