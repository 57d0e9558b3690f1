import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pLimit from 'p-limit'
import type { Limits } from '../../contracts/limits.js'
import type { TargetInfo } from '../../report/report.js'
import { milliseconds, pluralize } from '../../values/text.js'
import type { Catalog } from '../catalog.js'
import type {
  Answer,
  AnyKysely,
  CrashTrace,
  Database,
  Failure,
  Opening,
  RoundTrip,
  Session,
  Unopened,
} from '../dialect.js'
import { stopped } from '../dialect.js'
import { diskOf } from '../disk.js'
import { readAlone } from './alone.js'
import { privateCopyOf } from './aside.js'
import { readCatalog } from './catalog.js'
import { readDefinitions } from './definitions.js'
import { overtime } from './failure.js'
import { fingerprint, missingBytes, sizeOf } from './file.js'
import { type Link, startLink } from './link.js'
import { holderNamed, writerOf } from './locks.js'
import { namesakesOf } from './namesakes.js'
import { type Opened, openFile } from './opening.js'
import { scanOrphans } from './orphans.js'
import { lookAtPages } from './pages.js'
import { rehearse } from './rehearsal.js'
import { readableTables, rowCount } from './tables.js'
import { asAnswer, inBriefTransaction, inTransaction, type Work } from './transactions.js'

/** Opens the file at `path` over a link that was started for it. */
export async function openDatabase(path: string, target: TargetInfo, link: Link, limits: Limits): Promise<Opening> {
  const began = performance.now()
  const holder = holderOf(path, link)
  const opened = await openPersistently(path, holder, limits)
  const ms = performance.now() - began
  if (opened.outcome === 'opened') {
    const found = { ...target, version: opened.version }
    const database = databaseOver(path, holder, found, opened.traces)
    return { outcome: 'opened', ms, database, remarks: opened.remarks }
  }
  await holder.close()
  const lost = opened.outcome === 'missing' || opened.outcome === 'empty'
  const near = lost ? await namesakesOf(path, limits.signal) : []
  const remedies = near.map(
    (one) => `${one.path} has ${pluralize(one.tables, 'table')}: is that the one that was meant?`,
  )
  return { ...opened, ...(remedies.length > 0 && { remedies }), ms }
}

/** How long a file that is locked is tried again, in milliseconds: a writer that never rests still pauses between two commits. */
const longestTry = 5000
/** How long somebody who writes may keep a look waiting that has begun, in milliseconds. */
const longestBusy = 10_000
/** Milliseconds between two attempts. */
const pause = 20

/** Opens a file, again and again while it is locked and half of the time is left; then says for how long, and by whom. */
async function openPersistently(path: string, { open }: Holder, { signal, expires }: Limits) {
  const began = performance.now()
  const until = Math.min(began + longestTry, began + (expires - began) / 2)
  for (;;) {
    const opened = await open(signal)
    if (opened.outcome !== 'locked' || signal.aborted) return opened
    if (performance.now() < until) {
      await sleep(pause)
      continue
    }
    const writer = await writerOf(path)
    const words = [
      opened.text,
      `tried for ${milliseconds(performance.now() - began)}`,
      ...(writer && !opened.text.includes(String(writer.pid)) ? [`${holderNamed(writer)} holds the lock`] : []),
    ]
    return { ...opened, text: words.join('; ') }
  }
}

function databaseOver(path: string, holder: Holder, target: TargetInfo, traces: readonly CrashTrace[]): Database {
  let catalog: Promise<Answer<Catalog>> | undefined

  const session = (limits: Limits): Session => {
    const read = <T>(work: (kysely: AnyKysely) => Promise<T>) => holder.read(work, limits.signal)
    // Whoever asks for depth has time, and so have the application's writers.
    const scan = <T>(work: Work<T>, deep: boolean) => (deep ? read(work) : holder.readBriefly(work, limits.signal))
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
      scan,
      crashTraces: () => traces,
      catalog: knownCatalog,
      definitions: () => read(readDefinitions),
      rehearse: (work) => rehearse(path, work, limits.signal),
      readable: (tables, touch) => readableTables(read, tables, touch),
      count: (table) => rowCount(read, table),
      orphans: async (relationship, samples) => {
        const known = await knownCatalog()
        if (known.outcome === 'failed') return known
        const world = { read, catalog: known.value, snapshots: holder.snapshots, ...limits }
        return scanOrphans(world, relationship, samples)
      },
      async *pages({ deep }) {
        const reader = {
          read,
          readLong: <T>(work: Work<T>) => scan(work, deep),
          missingBytes: () => holder.missingBytes(limits.signal),
          bytes: (await sizeOf(path)) ?? 0,
          log: traces.some(({ kind }) => kind === 'wal-left-behind') ? target.name : null,
          readAlone: <T>(work: Work<T>) => readAlone(path, work, limits.signal),
        }
        yield* lookAtPages(reader, deep)
      },
      namesakes: () => namesakesOf(path, limits.signal),
      disk: () => diskOf(dirname(path)),
      roundTrip: () => holder.roundTrip(limits.signal),
    }
  }
  return { target, session, lost: () => false, close: holder.close }
}

type Holder = ReturnType<typeof holderOf>

/** Keeps one child process with the file open, and starts another when the first was killed or the file changed its state. */
function holderOf(path: string, first: Link) {
  const turn = pLimit(1)
  const links: Link[] = [first]
  const aside = privateCopyOf(path)
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
      const busyUntil = performance.now() + longestBusy
      for (let attempt = 1; ; attempt++) {
        if (signal.aborted) return stopped(signal)
        const opened = await open(signal)
        if (opened.outcome !== 'opened') return signal.aborted ? stopped(signal) : unopened(opened)
        let answer = await asAnswer(opened.link, signal, work)
        // A transaction that could not begin has read nothing yet.
        while (isBusy(answer) && opened.link.alive && !signal.aborted && performance.now() < busyUntil) {
          await sleep(pause)
          answer = await asAnswer(opened.link, signal, work)
        }
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

    read: <T>(work: Work<T>, signal: AbortSignal): Promise<Answer<T>> =>
      withLink(signal, (link) => inTransaction(link, work)),

    /** As `read`, for what may take long: where writers would wait for it, it goes on in a private copy. */
    async readBriefly<T>(work: Work<T>, signal: AbortSignal): Promise<Answer<T>> {
      const answer = await withLink(signal, (link) =>
        current?.way === 'read-only' ? inBriefTransaction(link, work) : inTransaction(link, work),
      )
      if (answer.outcome === 'answered' || answer.code !== overtime) return answer
      return turn(() => aside.read(work, signal))
    },

    missingBytes: (signal: AbortSignal): Promise<Answer<number>> =>
      withLink(signal, () => (current && current.way !== 'copy' ? missingBytes(current.file) : Promise.resolve(0))),

    roundTrip: (signal: AbortSignal): Promise<Answer<RoundTrip>> =>
      withLink(signal, async (link) => {
        const [times] = await link.ask({ kind: 'round-trip' })
        return { connect: Number(times?.connect), query: Number(times?.query) }
      }),

    async close() {
      await Promise.all([aside.close(), ...links.map((link) => link.kill())])
    },
  }
}

/** Whether somebody else has the lock that was wanted. */
function isBusy(answer: Answer<unknown>): boolean {
  return answer.outcome === 'failed' && answer.code.startsWith('SQLITE_BUSY')
}

/** Whether the way the file was opened no longer fits: an immutable view of a file that is written to, or a writer died meanwhile. */
async function outdated({ way, file, print }: Opened, answer: Answer<unknown>): Promise<boolean> {
  if (way === 'at-rest') return (await fingerprint(file).catch(() => '')) !== print
  return answer.outcome === 'failed' && answer.code.startsWith('SQLITE_READONLY_')
}

function stoppedOpening(signal: AbortSignal): Omit<Unopened, 'ms' | 'place'> {
  const { reason, text } = stopped(signal)
  return { outcome: reason, code: '', text }
}

function unopened({ code, text }: Omit<Unopened, 'ms'>): Failure {
  return { outcome: 'failed', reason: 'blocked', code, text: `the file could not be opened again: ${text}` }
}
