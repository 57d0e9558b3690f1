import { type RawBuilder, sql } from 'kysely'
import type { AnyKysely } from '../dialect.js'
import { type AntiJoin, orphansByKey, type Piece, type Seeming, seemingOrphans } from './anti-join.js'
import type { Extent, Sizes } from './extent.js'
import { absentByRuns } from './runs-of-keys.js'

/** One way to look for rows without a parent. Whichever it is, what it finds is the same. */
export interface Way {
  /** The way, and why it is this one: for somebody who wonders what takes so long. */
  readonly words: string
  readonly plan: AntiJoin
  /** What seems to have no parent in a piece of the child, and where the first `most` of it is. */
  seek(kysely: AnyKysely, piece: Piece, most: number): Promise<Seeming>
}

/** How many keys of a parent are read in the time in which one is looked up: fewer where the child's have to be sorted first. */
const readPerLookup = { indexed: 8, sorted: 4 }

/** The fastest way that is exact. `briefly`: none that reads all of the parent for each piece. */
export async function wayFor(
  kysely: AnyKysely,
  plan: AntiJoin,
  extent: Extent,
  briefly: boolean,
  { counted, forRuns }: Sizes,
): Promise<Way> {
  const { rowidKey, missingKeys, indexed, parentTable } = plan
  if (parentTable === null) return along(plan, 'every key counts: the parent is not there')
  const absent = rowidKey && extent.rows >= forRuns ? await absentByRuns(kysely, rowidKey, extent.rows) : null
  if (absent !== null)
    return along(
      { ...plan, join: sql``, absent },
      "compared with the ends of the parent's keys: they are all there between them, but for a few gaps",
    )
  if (missingKeys === null) return along(plan, 'each key looked up: the two sides are not declared alike')
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

function along(plan: AntiJoin, words: string): Way {
  return { words, plan, seek: (kysely, { where }, most) => seemingOrphans(kysely, plan, where, most) }
}

function merging(plan: AntiJoin, words: string): Way {
  let few = true
  return {
    words,
    plan,
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
