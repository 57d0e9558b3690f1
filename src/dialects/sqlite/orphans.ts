import { type RawBuilder, sql } from 'kysely'
import type { Limits } from '../../contracts/limits.js'
import type { Catalog } from '../catalog.js'
import type { Answer, AnyKysely, Orphans, Relationship } from '../dialect.js'
import {
  type AntiJoin,
  among,
  antiJoinOf,
  anyInHeap,
  byRuns,
  candidateLimit,
  countKeyed,
  countOrphans,
  findOrphans,
  inTable,
  orphansByKey,
  seemingOrphans,
  withoutIndex,
} from './anti-join.js'
import { inBatches } from './batches.js'

type Sql = RawBuilder<unknown>

interface World {
  readonly read: <T>(work: (kysely: AnyKysely) => Promise<T>) => Promise<Answer<T>>
  readonly catalog: Catalog
  /** Whether one long transaction leaves writers alone. */
  readonly snapshots: boolean
  /** When (`performance.now()`) the time for it is up. */
  readonly expires: number
  readonly advance?: Limits['advance']
}

/** Rows that a look at each parent gets through in a millisecond, on a slow machine: what will not fit is scanned so that its share is known. */
const rowsInMillisecond = 250
/** Rows of a table that are scanned at once where nobody has to see how far it is; through an index they always are. */
const rowsUnseen = 2_000_000
/**
 * Scans a relationship. In rollback mode a long scan is cut into batches of the table's own order, and what it found is confirmed in one fresh
 * transaction: a row that was written meanwhile is never called an orphan. Then their keys are looked for in the parent's table itself:
 * an index that lost a key must not make orphans either.
 */
export async function scanOrphans(world: World, relationship: Relationship, samples: number): Promise<Answer<Orphans>> {
  const plan = antiJoinOf(world.catalog, relationship)
  const { rowid } = plan
  const atOnce = (kysely: AnyKysely) => scanAtOnce(kysely, plan, samples, 0)
  if (plan.position.length === 0 || (world.snapshots && !rowid)) return world.read(atOnce)
  if (!rowid) return scanInWindows(world, plan, samples)

  const scanned = await world.read(async (kysely): Promise<Bounds | Orphans> => {
    const bounds = await boundsOf(kysely, plan.childTable, rowid)
    const rows = Number(BigInt(bounds.high) - BigInt(bounds.low)) + 1
    const fits = rows < rowsInMillisecond * (world.expires - performance.now())
    const whole = fits && (plan.indexed || rows < rowsUnseen)
    return rows <= plan.rowsAtOnce || (world.snapshots && whole) ? scanAtOnce(kysely, plan, samples, rows) : bounds
  })
  if (scanned.outcome === 'failed') return scanned
  if (!('low' in scanned.value)) return { outcome: 'answered', value: scanned.value }
  return scanInWindows(world, plan, samples, scanned.value)
}

interface Bounds {
  readonly low: Rowid
  readonly high: Rowid
}

type Rowid = number | bigint

async function boundsOf(kysely: AnyKysely, table: Sql, rowid: Sql): Promise<Bounds> {
  const { rows } = await sql<{ low: Rowid | null; high: Rowid | null }>`
    select (select min(${rowid}) from ${table}) as low, (select max(${rowid}) from ${table}) as high`.execute(kysely)
  return { low: rows[0]?.low ?? 0, high: rows[0]?.high ?? 0 }
}

/** In one transaction, of a table with as many rows, or gaps between them, as `span`. */
async function scanAtOnce(kysely: AnyKysely, plan: AntiJoin, samples: number, span: number): Promise<Orphans> {
  const fast = await byRuns(kysely, plan, span)
  const keyed = await countKeyed(kysely, plan, sql`1`)
  const seeming = (await orphansByKey(kysely, fast)) ?? (await seemingOrphans(kysely, fast, sql`1`, candidateLimit))
  if (seeming.rows === 0) return { rows: 0, keyed, samples: [], unconfirmed: 0, misread: 0 }
  // What an index of the child says of a key counts only where the child's own row says it: looked at again row by row, where they are few.
  const few = seeming.positions.length === seeming.rows
  const again = few ? among(plan, seeming.positions) : sql`1`
  const own = inTable(few ? plan : fast)
  const rows = plan.tableAlone ? seeming.rows : await countOrphans(kysely, own, again)
  const misread = Math.max(0, seeming.rows - rows)
  if (rows === 0) return { rows, keyed, samples: [], unconfirmed: 0, misread }
  if (await anyInHeap(kysely, own, again, sql`1`))
    return { ...(await withoutIndex(kysely, inTable(fast), rows, samples)), keyed, misread }
  return { rows, keyed, samples: await findOrphans(kysely, own, again, samples), unconfirmed: 0, misread }
}

async function scanInWindows(
  world: World,
  plan: AntiJoin,
  samples: number,
  bounds: Bounds | null = null,
): Promise<Answer<Orphans>> {
  let [rows, keyed] = [0, 0]
  let reached: unknown
  const candidates: Sql[] = []
  // Parents that come later have later children: those only seem orphaned, and are looked at again below.
  const span = bounds === null ? 0 : doneOf(bounds, bounds.high)[1]
  const known = await world.read((kysely) => byRuns(kysely, plan, span))
  if (known.outcome === 'failed') return known
  const fast = known.value
  const scanned = await inBatches(world.read, plan.child, plan.position, async (kysely, batch, end) => {
    const seeming = await seemingOrphans(kysely, fast, batch, candidateLimit - candidates.length)
    candidates.push(...seeming.positions)
    rows += seeming.rows
    keyed += await countKeyed(kysely, plan, batch)
    reached = end?.[0]
    if (bounds && isRowid(reached)) world.advance?.(...doneOf(bounds, reached))
  })
  if (scanned.outcome === 'failed') {
    const share = bounds && shareOf(bounds, reached, rows)
    return share === null || scanned.reason !== 'deadline' ? scanned : { ...scanned, text: `${scanned.text}; ${share}` }
  }
  if (rows === 0) return { outcome: 'answered', value: { rows, keyed, samples: [], unconfirmed: 0, misread: 0 } }

  const own = inTable(plan)
  const again = among(plan, candidates)
  const confirmed = await world.read(async (kysely) => ({
    rows: rows - candidates.length + (await countOrphans(kysely, own, again)),
    samples: await findOrphans(kysely, own, again, samples),
  }))
  if (confirmed.outcome === 'failed') return confirmed

  let unconfirmed = false
  const lookIn = async (kysely: AnyKysely, batch: Sql) => {
    unconfirmed ||= await anyInHeap(kysely, plan, again, batch)
  }
  const looked = plan.heap?.position.length
    ? await inBatches(world.read, plan.heap.table, plan.heap.position, lookIn)
    : await world.read((kysely) => lookIn(kysely, sql`1`))
  if (looked.outcome === 'failed') return looked
  if (!unconfirmed) return { outcome: 'answered', value: { ...confirmed.value, keyed, unconfirmed: 0, misread: 0 } }
  return world.read(async (kysely) => ({
    ...(await withoutIndex(kysely, plan, confirmed.value.rows, samples)),
    ...{ keyed, misread: 0 },
  }))
}

function isRowid(value: unknown): value is Rowid {
  return typeof value === 'number' || typeof value === 'bigint'
}

/** How many rowids of how many come before one. */
function doneOf({ low, high }: Bounds, reached: Rowid): [done: number, of: number] {
  return [Number(BigInt(reached) - BigInt(low)), Number(BigInt(high) - BigInt(low)) + 1]
}

/** How much of a table was compared before the time was up; null where that was nothing. */
function shareOf({ low, high }: Bounds, reached: unknown, rows: number): string | null {
  if (!isRowid(reached)) return null
  const [done, of] = doneOf({ low, high }, reached)
  const seen = `rowids ${low} to ${BigInt(reached) - 1n} of ${high} were compared (${Math.floor((100 * done) / of)} %)`
  return `${seen}${rows === 0 ? ', and each has its parent' : `; ${rows} of them seem to have no parent`}`
}
