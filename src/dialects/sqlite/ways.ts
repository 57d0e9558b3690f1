import { type RawBuilder, sql } from 'kysely'
import type { AnyKysely } from '../dialect.js'
import { type AntiJoin, findPositions, orphansByKey, type Piece, type Seeming, seemingOrphans } from './anti-join.js'
import type { Extent, Sizes } from './extent.js'
import {
  absentByRuns,
  beyond,
  type Ends,
  endsNow,
  type Gaps,
  gapsBetween,
  holdsIntegers,
  type RowidKey,
} from './runs-of-keys.js'

/** One way to look for rows without a parent. Whichever it is, what it finds is the same. */
export interface Way {
  /** The way, and why it is this one: for somebody who wonders what takes so long. */
  readonly words: string
  /** It gets through all of the child in one step. */
  readonly inOneStep?: true
  /** As it is at this moment, for whoever counts all of it again. */
  now(kysely: AnyKysely): Promise<AntiJoin>
  /** What seems to have no parent in a piece of the child, and where the first `most` of it is. */
  seek(kysely: AnyKysely, piece: Piece, most: number): Promise<Seeming>
}

/** How many keys of a parent are read in the time in which one is looked up: fewer where the child's have to be sorted first. */
const readPerLookup = { indexed: 8, sorted: 4 }

/**
 * The fastest way that is exact. `briefly`: none that reads all of the parent for each piece; `indexFirst`: there is time to read an index of
 * the child beforehand.
 */
export async function wayFor(
  kysely: AnyKysely,
  plan: AntiJoin,
  extent: Extent,
  { briefly, indexFirst }: { readonly briefly: boolean; readonly indexFirst: boolean },
  { counted, forRuns }: Sizes,
): Promise<Way> {
  const { rowidKey, missingKeys, indexed, parentTable } = plan
  if (parentTable === null) return along(plan, 'every key counts: the parent is not there')
  const gaps = rowidKey && extent.rows >= forRuns ? await gapsBetween(kysely, rowidKey, extent.rows, briefly) : null
  if (rowidKey && gaps) {
    const integers = indexFirst && (await holdsIntegers(kysely, plan.child, rowidKey, extent.most))
    return integers ? outsideRuns(plan, rowidKey, gaps) : besideRuns(plan, rowidKey, gaps)
  }
  if (missingKeys === null) return along(plan, `each key looked up: ${whyNoOther(plan, extent.rows < forRuns)}`)
  if (briefly) return along(plan, 'each key looked up: what takes longer would keep writers waiting')
  const worth = extent.rows * readPerLookup[indexed ? 'indexed' : 'sorted']
  if (extent.parents > worth || (extent.parents > counted && (await holdsMore(kysely, parentTable, worth))))
    return along(plan, 'each key looked up: the parent has many more keys than the child')
  return merging(
    plan,
    indexed
      ? 'both indexes read side by side: the two sides are declared alike, and compared by bytes'
      : "keys sorted, and read beside the parent's index: the two sides are declared alike, and compared by bytes",
  )
}

function whyNoOther({ rowidKey }: AntiJoin, few: boolean): string {
  if (rowidKey === null) return 'the two sides are not declared alike, or not compared by bytes'
  return few ? 'there are few' : "the parent's keys have many gaps"
}

const byEnds = "compared with the ends of the parent's keys: they are all there between them, but for a few gaps"

function byRuns(plan: AntiJoin, key: RowidKey, ends: Ends, gaps: Gaps): AntiJoin {
  return { ...plan, join: sql``, keyed: plan.meant, absent: absentByRuns(key, ends, gaps) }
}

function besideRuns(plan: AntiJoin, key: RowidKey, gaps: Gaps): Way {
  // The ends are those of the moment: a parent that has come meanwhile is one, too.
  const now = async (kysely: AnyKysely) => byRuns(plan, key, await endsNow(kysely, key), gaps)
  return {
    words: byEnds,
    now,
    seek: async (kysely, { where }, most) => seemingOrphans(kysely, await now(kysely), where, most),
  }
}

/** As `besideRuns`, of a child that holds nothing but integers: an index leads to those that are no keys. */
function outsideRuns(plan: AntiJoin, key: RowidKey, gaps: Gaps): Way {
  const { now, seek } = besideRuns(plan, key, gaps)
  return {
    words: `${byEnds}; and an index leads to what is outside`,
    inOneStep: true,
    now,
    async seek(kysely, piece, most) {
      const ends = await endsNow(kysely, key)
      const outside = beyond(key.column, ends, gaps)
      const positions = await findPositions(kysely, byRuns(plan, key, ends, gaps), outside, most + 1)
      // Many are counted faster one after the other.
      return positions.length > most ? seek(kysely, piece, most) : { rows: positions.length, positions }
    },
  }
}

function along(plan: AntiJoin, words: string): Way {
  return { words, now: async () => plan, seek: (kysely, { where }, most) => seemingOrphans(kysely, plan, where, most) }
}

function merging(plan: AntiJoin, words: string): Way {
  let few = true
  return {
    words,
    now: async () => plan,
    async seek(kysely, piece, most) {
      const byKey = few ? await orphansByKey(kysely, plan, piece) : null
      if (byKey) return { ...byKey, positions: byKey.positions.slice(0, Math.max(0, most)) }
      // Where many are missing here, they will be elsewhere: nobody has to find that out again.
      few = false
      return seemingOrphans(kysely, plan, piece.where, most)
    },
  }
}

async function holdsMore(kysely: AnyKysely, table: RawBuilder<unknown>, than: number): Promise<boolean> {
  const { rows } = await sql<{ found: number }>`
    select count(*) as found from (select 1 from ${table} limit ${than + 1})`.execute(kysely)
  return (rows[0]?.found ?? 0) > than
}
