import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Limits } from '../../contracts/limits.js'
import type { TargetInfo } from '../../report/report.js'
import { milliseconds, pluralize } from '../../values/text.js'
import type { Catalog } from '../catalog.js'
import {
  type Answer,
  type Database,
  isDeclared,
  type Opening,
  type Read,
  type RoundTrip,
  type Session,
} from '../dialect.js'
import { diskOf } from '../disk.js'
import { readAlone } from './alone.js'
import { privateCopyOf } from './aside.js'
import { readCatalog } from './catalog.js'
import { readDefinitions } from './definitions.js'
import { overtime } from './failure.js'
import { missingBytes, sizeOf } from './file.js'
import { laneOf, pause } from './lane.js'
import type { Link } from './link.js'
import { holderNamed, writerOf } from './locks.js'
import { namesakesOf } from './namesakes.js'
import type { Opened } from './opening.js'
import { noneInWhole, scanOrphans } from './orphans.js'
import { lookAtPages } from './pages.js'
import { rehearse } from './rehearsal.js'
import { readableTables, rowCount } from './tables.js'
import type { Work } from './transactions.js'
import { backlogIn } from './wal-index.js'
import { wholeOf } from './whole.js'

/** Opens the file at `path` over a link that was started for it. */
export async function openDatabase(path: string, target: TargetInfo, link: Link, limits: Limits): Promise<Opening> {
  const began = performance.now()
  const holder = holderOf(path, link)
  const opened = await openPersistently(path, holder, limits)
  const ms = performance.now() - began
  if (opened.outcome === 'opened') {
    const found = { ...target, version: opened.version }
    const database = databaseOver(path, holder, found, opened)
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

function databaseOver(path: string, holder: Holder, target: TargetInfo, { file, index, traces }: Opened): Database {
  let catalog: Promise<Answer<Catalog>> | undefined
  const whole = wholeOf(path)

  const session = (limits: Limits): Session => {
    const read: Read = (work) => holder.read(work, limits)
    const join: Read = (work) => holder.read(work, limits, { joining: true })
    const brief: Read = (work) => holder.readBriefly(work, limits)
    // Whoever asks for depth has time, and so have the application's writers.
    const scan = <T>(work: Work<T>, deep: boolean) => (deep ? read(work) : brief(work))
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
      rehearse: (work) => rehearse(path, work, limits),
      readable: (tables, touch) => readableTables(read, tables, touch),
      // It is no journey away, and answers one statement at a time.
      together: async () => new Map(),
      count: (table) => rowCount(read, table),
      orphans: async (relationship, samples) => {
        const known = await knownCatalog()
        if (known.outcome === 'failed') return known
        if (isDeclared(relationship) && (await whole.isReferential(brief)))
          return { outcome: 'answered', value: noneInWhole }
        const readBeside: Read = (work) => holder.readBeside(work, limits)
        const lanes: readonly [Read, ...Read[]] = holder.second ? [read, readBeside] : [read]
        const world = { begin: join, lanes, catalog: known.value, snapshots: holder.snapshots, ...limits }
        return scanOrphans(world, relationship, samples)
      },
      async *pages({ deep }) {
        const reader = {
          read,
          readLong: <T>(work: Work<T>) => scan(work, deep),
          isSound: () => whole.isSound((work) => scan(work, deep)),
          missingBytes: () => holder.missingBytes(limits.signal),
          bytes: (await sizeOf(path)) ?? 0,
          log: traces.some(({ kind }) => kind === 'wal-left-behind') ? target.name : null,
          readAlone: <T>(work: Work<T>) => readAlone(path, work, limits),
        }
        yield* lookAtPages(reader, deep)
      },
      namesakes: () => namesakesOf(path, limits.signal),
      disk: () => diskOf(dirname(path)),
      backlog: async () => index && backlogIn(index, file),
      roundTrip: () => holder.roundTrip(limits.signal),
    }
  }
  return { target, session, lost: () => false, close: holder.close }
}

type Holder = ReturnType<typeof holderOf>

/** What has the file open: a process for everything, one beside it for what takes long, and a private copy where writers would wait. */
function holderOf(path: string, first: Link) {
  const lane = laneOf(path, first)
  const beside = laneOf(path)
  const aside = privateCopyOf(path)

  return {
    open: lane.open,
    /** Whether a long transaction leaves writers alone: true in every way but `read-only`, where a reader's lock stops a commit. */
    get snapshots() {
      return lane.opened !== undefined && lane.opened.way !== 'read-only'
    },
    /** Whether a second process may read at the same time. Nobody makes a second private copy for one. */
    get second() {
      return lane.opened?.way !== 'copy' && availableParallelism() > 1
    },

    read: lane.read,
    readBeside: beside.read,

    /** As `read`, for what may take long: where writers would wait for it, it goes on in a private copy. */
    async readBriefly<T>(work: Work<T>, limits: Limits): Promise<Answer<T>> {
      const answer = await lane.read(work, limits, { briefly: true, joining: true })
      if (answer.outcome === 'answered' || answer.code !== overtime) return answer
      return lane.keepFree(() => aside.read(work, limits))
    },

    missingBytes: (signal: AbortSignal): Promise<Answer<number>> =>
      lane.work(signal, () => {
        const { opened } = lane
        return opened && opened.way !== 'copy' ? missingBytes(opened.file) : Promise.resolve(0)
      }),

    /** A latency that is measured beside a scan would be a lie. */
    roundTrip: (signal: AbortSignal): Promise<Answer<RoundTrip>> =>
      beside.keepFree(() =>
        lane.work(signal, async (link) => {
          const [times] = await link.ask({ kind: 'round-trip' })
          return { connect: Number(times?.connect), query: Number(times?.query) }
        }),
      ),

    async close() {
      await Promise.all([aside.close(), lane.close(), beside.close()])
    },
  }
}
