import { type RawBuilder, sql } from 'kysely'
import type { Limits } from '../../contracts/limits.js'
import type { Catalog } from '../catalog.js'
import {
  type Answer,
  type AnyKysely,
  type Failure,
  type Orphans,
  type Read,
  type Relationship,
  unfinished,
} from '../dialect.js'
import {
  type AntiJoin,
  among,
  antiJoinOf,
  anyInHeap,
  candidateLimit,
  countKeyed,
  countOrphans,
  everything,
  findOrphans,
  inTable,
  type Piece,
  type Seeming,
  withoutIndex,
} from './anti-join.js'
import { inBatches, type Position } from './batches.js'
import { type Extent, extentOf, rangesOfKey, type Sizes, type Stretch, stretches, usualSizes } from './extent.js'
import { type Way, wayFor } from './ways.js'

type Sql = RawBuilder<unknown>
interface World {
  /** As the first lane, for what no other lane has seen anything of yet. */
  readonly begin: Read
  /** What may read at the same time: the first for everything, another for what is long. */
  readonly lanes: readonly [Read, ...Read[]]
  readonly catalog: Catalog
  /** Whether one long transaction leaves writers alone. */
  readonly snapshots: boolean
  /** When (`performance.now()`) the time for it is up. */
  readonly expires: number
  readonly advance?: Limits['advance']
  readonly sizes?: Sizes
}

type SizedWorld = World & { readonly sizes: Sizes }

const mostPieces = 4096
/** What will not fit in its time is cut finely, so that its share is known, and goes on for so much of it: the rest is for looking again at what was found. */
const shareOfScan = 0.8

/** How many entries of an index are read in the time in which one parent is looked up. */
const entriesPerLookup = 20

/** What is known of a scan before it begins. */
interface Scan {
  readonly plan: AntiJoin
  readonly way: Way
  readonly extent: Extent
  readonly pieces: readonly (Piece | Stretch)[]
  /** When (`performance.now()`) no more of them are begun. */
  readonly until: number
}

/**
 * Scans a relationship. What is long is cut into pieces, which two processes share; in rollback mode each of them into batches that writers
 * hardly notice. What was found is confirmed in one fresh transaction: a row that was written meanwhile is never called an orphan. Then
 * their keys are looked for in the parent's table itself: an index that lost a key must not make orphans either.
 */
export async function scanOrphans(
  { sizes = usualSizes, ...given }: World,
  relationship: Relationship,
  samples: number,
): Promise<Answer<Orphans>> {
  const world = { ...given, sizes }
  const plan = antiJoinOf(world.catalog, relationship)
  const begun = await world.begin(async (kysely): Promise<Scan | Orphans> => {
    const extent = await extentOf(kysely, plan, sizes)
    const atOnce = fitsInOne(world, plan, extent)
    const indexFirst = mayReadIndexFirst(world, plan, extent)
    // The second process opens the file while the first one finds out what to do.
    if (!atOnce && !indexFirst) for (const lane of helpersOf(world, extent)) lane(async () => {}).catch(() => {})
    const way = await wayFor(kysely, plan, extent, { briefly: !atOnce && !world.snapshots, indexFirst }, sizes)
    if (!atOnce && !way.inOneStep) return { plan, way, extent, ...(await piecesOf(kysely, world, plan, extent)) }
    const keyed = await countKeyed(kysely, plan, sql`1`)
    return settle(kysely, plan, way, keyed, await way.seek(kysely, everything, candidateLimit), samples)
  })
  if (begun.outcome === 'failed' || 'rows' in begun.value) return begun as Answer<Orphans>
  return scanInPieces(world, begun.value, samples)
}

/** Who shares a scan with the first process: nobody where it is not worth a start. */
function helpersOf({ lanes, sizes }: SizedWorld, { rows }: Extent): readonly Read[] {
  return rows >= sizes.forTwo ? lanes.slice(1) : []
}

/** Whether a scan is short enough for one transaction, or cannot be cut. */
function fitsInOne({ snapshots, sizes }: SizedWorld, plan: AntiJoin, { bounds, rows, most }: Extent): boolean {
  if (plan.position.length === 0 || rows <= sizes.counted) return true
  if (bounds === null) return snapshots
  return (snapshots ? rows : most) <= (plan.indexed ? sizes.throughIndex : sizes.throughTable)
}

/** Whether an index of the child may be read in one step beforehand: nobody waits for it, and there is time. */
function mayReadIndexFirst({ snapshots, expires, sizes }: SizedWorld, plan: AntiJoin, { rows }: Extent): boolean {
  const left = expires - performance.now()
  const fits = rows <= sizes.inOneStep && rows < sizes.inMillisecond * entriesPerLookup * left
  return fits && snapshots && plan.declared && plan.indexed && plan.rowidKey !== null && plan.position.length > 0
}

async function piecesOf(
  kysely: AnyKysely,
  { snapshots, expires, sizes }: SizedWorld,
  plan: AntiJoin,
  { bounds, rows }: Extent,
): Promise<Pick<Scan, 'pieces' | 'until'>> {
  if (bounds === null) return { pieces: [everything], until: expires }
  const left = expires - performance.now()
  const fits = rows < sizes.inMillisecond * left
  const parts = Math.min(mostPieces, Math.max(1, Math.round(rows / (fits ? sizes.ofPiece : sizes.ofFinePiece))))
  const byKey = snapshots && fits && plan.indexed ? await rangesOfKey(kysely, plan, bounds, parts) : null
  const pieces = byKey ?? (snapshots && fits && plan.indexed ? [everything] : stretches(plan, bounds, parts))
  return { pieces, until: fits ? expires : expires - left * (1 - shareOfScan) }
}

const nothing = { rows: 0, samples: [], unconfirmed: 0, misread: 0 }

/** Of a foreign key, where SQLite says of the whole file that nothing is wrong. */
export const noneInWhole: Orphans = {
  ...nothing,
  keyed: 0,
  plan: 'one PRAGMA foreign_key_check of the whole file, which is small, sound, and has no orphans',
}

/** Looks again at what seems to have no parent, and says what is left of it. */
async function settle(
  kysely: AnyKysely,
  plan: AntiJoin,
  { now, words }: Way,
  keyed: number,
  { rows: seeming, positions }: Seeming,
  samples: number,
): Promise<Orphans> {
  const told = { keyed, plan: words }
  if (seeming === 0) return { ...nothing, ...told }
  // What an index of the child says of a key counts only where the child's own row says it: looked at again row by row, where they are few.
  const few = positions.length === seeming
  const again = few ? among(plan, positions) : sql`1`
  const own = inTable(few ? plan : await now(kysely))
  const rows = plan.tableAlone && !few ? seeming : await countOrphans(kysely, own, again)
  const misread = plan.tableAlone ? 0 : Math.max(0, seeming - rows)
  if (rows === 0) return { ...nothing, ...told, misread }
  if (await anyInHeap(kysely, own, again, sql`1`))
    return { ...(await withoutIndex(kysely, inTable(plan), rows, samples)), ...told, misread }
  return { rows, ...told, samples: await findOrphans(kysely, own, again, samples), unconfirmed: 0, misread }
}

async function scanInPieces(world: SizedWorld, scan: Scan, samples: number): Promise<Answer<Orphans>> {
  const [read] = world.lanes
  const seen = { pieces: 0, rows: 0, keyed: 0, candidates: [] as Position[], done: [] as number[] }
  const queue = scan.pieces.entries()
  const left: [number, Piece | Stretch][] = []
  let failure: Failure | undefined
  // Two processes may have filled the same room.
  const room = () => Math.max(0, candidateLimit - seen.candidates.length)
  const drain = async (lane: Read, work: Iterable<[number, Piece | Stretch]>, resigns: boolean) => {
    for (const [at, piece] of work) {
      if (failure) return
      if (performance.now() > scan.until) {
        failure = { outcome: 'failed', reason: 'deadline', code: '', text: 'its time was up' }
        return
      }
      const found = await scanPiece(lane, world, scan, piece, room)
      if (found.outcome === 'failed') {
        // What a second process could not do is the first one's again.
        if (resigns && found.reason !== 'deadline' && found.reason !== 'interrupted') left.push([at, piece])
        else failure ??= found
        return
      }
      seen.rows += found.value.rows
      seen.keyed += found.value.keyed
      seen.candidates.push(...found.value.positions)
      seen.done[at] = found.value.rows
      seen.pieces++
      world.advance?.(Math.round((scan.extent.rows * seen.pieces) / scan.pieces.length), scan.extent.rows)
    }
  }
  await Promise.all([
    drain(read, queue, false),
    ...helpersOf(world, scan.extent).map((lane) => drain(lane, queue, true)),
  ])
  await drain(read, left, false)

  const told = { keyed: seen.keyed, plan: scan.way.words }
  const lookAgain = (rows: number): Promise<Answer<Orphans>> => {
    const seeming = { rows, positions: seen.candidates }
    if (world.snapshots) return read((kysely) => settle(kysely, scan.plan, scan.way, seen.keyed, seeming, samples))
    return settleInBatches(read, scan.plan, told, seeming, samples)
  }
  if (failure) {
    // More than were kept for another look are not counted: there are at least so many.
    const found = failure.reason === 'deadline' && seen.rows > 0 ? await lookAgain(seen.candidates.length) : null
    return found?.outcome === 'answered'
      ? unfinished(withShare(failure, scan, seen.done, found.value.rows), found.value)
      : withShare(failure, scan, seen.done)
  }
  if (seen.rows === 0) return { outcome: 'answered', value: { ...nothing, ...told } }
  return lookAgain(seen.rows)
}

async function scanPiece(
  read: Read,
  { snapshots }: World,
  { plan, way }: Scan,
  piece: Piece | Stretch,
  room: () => number,
): Promise<Answer<Seeming & { keyed: number }>> {
  const look = async (kysely: AnyKysely, part: Piece) => ({
    ...(await way.seek(kysely, part, room())),
    keyed: await countKeyed(kysely, plan, part.where),
  })
  if (snapshots) return read((kysely) => look(kysely, piece))
  const bounds = 'end' in piece ? piece : { begin: null, end: null }
  const position = (rowid: bigint | null) => (rowid === null ? null : [rowid])
  const total = { rows: 0, keyed: 0, positions: [] as Position[] }
  const scanned = await inBatches(
    read,
    plan.child,
    plan.position,
    async (kysely, batch) => {
      const { rows, keyed, positions } = await look(kysely, { ...everything, where: batch })
      total.rows += rows
      total.keyed += keyed
      total.positions.push(...positions.slice(0, Math.max(0, room() - total.positions.length)))
    },
    { begin: position(bounds.begin), end: position(bounds.end) },
  )
  return scanned.outcome === 'failed' ? scanned : { outcome: 'answered', value: total }
}

/** As `settle`, in transactions that writers hardly notice. */
async function settleInBatches(
  read: Read,
  plan: AntiJoin,
  told: { readonly keyed: number; readonly plan: string },
  { rows: seeming, positions }: Seeming,
  samples: number,
): Promise<Answer<Orphans>> {
  const own = inTable(plan)
  const again = among(plan, positions)
  const confirmed = await read(async (kysely) => ({
    rows: seeming - positions.length + (await countOrphans(kysely, own, again)),
    samples: await findOrphans(kysely, own, again, samples),
  }))
  if (confirmed.outcome === 'failed') return confirmed

  let unconfirmed = false
  const lookIn = async (kysely: AnyKysely, batch: Sql) => {
    unconfirmed ||= await anyInHeap(kysely, plan, again, batch)
  }
  const looked = plan.heap?.position.length
    ? await inBatches(read, plan.heap.table, plan.heap.position, lookIn)
    : await read((kysely) => lookIn(kysely, sql`1`))
  if (looked.outcome === 'failed') return looked
  if (!unconfirmed) return { outcome: 'answered', value: { ...nothing, ...told, ...confirmed.value } }
  return read(async (kysely) => ({
    ...nothing,
    ...told,
    ...(await withoutIndex(kysely, plan, confirmed.value.rows, samples)),
  }))
}

/** Says how much of a table was compared before the time was up, where that is a stretch of it from the beginning, and what nobody confirmed. */
function withShare(
  failure: Failure,
  { extent: { bounds }, pieces }: Scan,
  done: readonly number[],
  confirmed?: number,
): Failure {
  if (failure.reason !== 'deadline' || bounds === null) return failure
  // A piece that is not done yet has no number of rows there.
  const whole = Array.from(pieces, (_, at) => done[at]).indexOf(undefined)
  const last = pieces[whole - 1]
  if (last === undefined || !('end' in last) || last.end === null) return failure
  const rows = done.slice(0, whole).reduce((sum, more) => sum + more, 0)
  const share = Number((100n * (last.end - BigInt(bounds.low))) / (BigInt(bounds.high) - BigInt(bounds.low) + 1n))
  const seen = `rowids ${bounds.low} to ${last.end - 1n} of ${bounds.high} were compared (${share} %)`
  const none = rows === 0 || confirmed === 0
  const found = none ? ', and each has its parent' : confirmed ? '' : `; ${rows} of them seem to have no parent`
  return { ...failure, text: `${failure.text}; ${seen}${found}` }
}
