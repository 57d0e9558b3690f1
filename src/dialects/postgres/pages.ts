import { sql } from 'kysely'
import { ahead } from '../../values/ahead.js'
import { identifier, pluralize, quoted } from '../../values/text.js'
import { nameOf } from '../catalog.js'
import type { Answer, Failure, PageFault, PageLook, PageScope, Read } from '../dialect.js'
import { counting, crossCount } from './cross-count.js'
import { type Amcheck, amcheckOf, type Heap, heapsOf, lostPagesOf } from './heaps.js'
import { withoutIndexes } from './orphans.js'
import { askTogether } from './tables.js'

/**
 * Reads each heap from its first page to its last, counts it against an index, and walks its b-trees with amcheck. Heaps come first: an
 * index scan over a hole in one would mark the entries dead that bear witness. The server's own are many, small and rarely ill: their
 * b-trees are walked together first.
 */
export async function* lookAtPages(read: Read, scope: PageScope, primary: boolean): AsyncGenerator<PageLook> {
  const listed = await read(async (kysely) => ({
    heaps: await heapsOf(kysely, scope, primary),
    amcheck: await amcheckOf(kysely),
  }))
  if (listed.outcome === 'failed') return yield { part: 'system', object: 'the catalog', ...outcomeOf(listed, nowhere) }
  const { heaps, amcheck } = listed.value
  const whole = await askTogether(
    read,
    heaps.filter(({ own, small, vacuumed }) => own && small && !vacuumed),
    ({ indexes }) => 1 + indexes.length,
    counting,
    withoutIndexes,
  )
  const looks = ahead(
    heaps.filter(({ own }) => own),
    (heap) => lookAtHeap(read, heap, amcheck, scope.deep, whole.has(heap)),
  )
  for await (const [, look] of looks) if (look) yield look
  const system = heaps.filter(({ own }) => !own)
  const trees = system.flatMap(({ indexes }) => indexes)
  const walked = amcheck?.btrees && (await walk(read, amcheck, trees, scope.deep)).outcome === 'answered'
  for (const heap of system) {
    const look = await lookAtHeap(read, walked ? { ...heap, indexes: [] } : heap, amcheck, scope.deep)
    if (look) yield look
  }
  const count = heaps.reduce((sum, { own, indexes }) => sum + (own ? indexes.length : 0), 0)
  const gap = count > 0 ? gapOf(amcheck, count) : null
  if (gap) yield { part: 'indexes', object: 'b-tree indexes', faults: [], gap }
}

type Found = Pick<PageLook, 'faults' | 'gap'>
/** What is looked at, and the files that an error may name instead. */
type Place = Pick<PageFault, 'schema' | 'table' | 'index'> & Partial<Pick<Heap, 'path' | 'indexes'>>
const nowhere: Place = { schema: 'pg_catalog', table: undefined, index: undefined }

async function lookAtHeap(
  read: Read,
  heap: Heap,
  amcheck: Amcheck | undefined,
  deep: boolean,
  isRead = false,
): Promise<PageLook | null> {
  const { schema, oid, own, counted, path, indexes } = heap
  const table = nameOf(heap, { defaultSchema: 'public' })
  const place = { schema, table, index: undefined, path, indexes }
  const found: Found[] = []
  if (own && !isRead) found.push(await rowsOf(read, heap, place))
  if (heap.lost > 0) found.push(await fileOf(read, heap, place))
  if (amcheck?.btrees) {
    found.push(...(await btreesOf(read, amcheck, indexes, place, deep)))
    if (deep && amcheck.heaps) found.push(await tuplesOf(read, amcheck, oid, place))
  }
  // Somebody may have dropped it meanwhile.
  if (found.some(({ faults, gap }) => faults.length > 0 || gap) && (await isGone(read, oid))) return null
  return {
    part: counted ? 'table' : 'system',
    object: table,
    faults: eachOnce(found.flatMap(({ faults }) => faults)),
    gap: found.find(({ gap }) => gap !== null)?.gap ?? null,
  }
}

/** A file that is gone or was cut: what is kept apart from a table is missed by nobody before its values are read. */
async function fileOf(read: Read, { oid, keeps }: Heap, place: Place): Promise<Found> {
  const answer = await read((kysely) => lostPagesOf(kysely, oid))
  if (answer.outcome === 'failed') return outcomeOf(answer, place)
  if (answer.value === 0) return sound
  const text = `its file lacks ${pluralize(answer.value, 'page')}, and it keeps long values of ${quoted(keeps ?? '')}`
  return { faults: [faultAt(place, 'page-damaged', text)], gap: null }
}

/** Reads all pages of a heap; of one that was vacuumed, an index has to count the same. */
async function rowsOf(read: Read, heap: Heap, place: Place): Promise<Found> {
  const counted = await read((kysely) => crossCount(kysely, heap, heap.vacuumed), withoutIndexes)
  if (counted.outcome === 'failed') return outcomeOf(counted, place)
  const { rows, index } = counted.value
  if (!index || index.rows === rows) return sound
  const { name } = index
  const fault =
    index.rows < rows
      ? faultAt(place, 'index-damaged', `it lacks ${pluralize(rows - index.rows, 'row')} of the table`, name)
      : faultAt(
          place,
          'page-damaged',
          `its pages lack ${pluralize(index.rows - rows, 'row')} that ${quoted(name)} leads to`,
        )
  return { faults: [fault], gap: null }
}

/** Walks b-trees together, and each by itself where that fails: one that is damaged hides no other. */
async function btreesOf(
  read: Read,
  amcheck: Amcheck,
  indexes: Heap['indexes'],
  place: Place,
  deep: boolean,
): Promise<Found[]> {
  if (indexes.length === 0) return []
  if ((await walk(read, amcheck, indexes, deep)).outcome === 'answered') return [sound]
  const found: Found[] = []
  for (const index of indexes) {
    const answer = await walk(read, amcheck, [index], deep)
    const [oid, name] = index
    if (answer.outcome === 'failed' && !(await isGone(read, oid)))
      found.push(outcomeOf(answer, { ...place, index: name }))
  }
  return found
}

/** Walks b-trees in one statement. */
function walk(read: Read, { schema }: Amcheck, indexes: Heap['indexes'], deep: boolean): Promise<Answer<true>> {
  const check = sql.id(schema, 'bt_index_check')
  const oids = indexes.map(([oid]) => oid)
  return read(async (kysely) => {
    await sql`select ${check}(i.oid::oid::regclass ${deep ? sql`, true` : sql``}) from unnest(${oids}::int8[]) as i (oid)`.execute(
      kysely,
    )
    return true as const
  })
}

/** Looks at each tuple's header, and at what of it is stored apart. */
async function tuplesOf(read: Read, { schema }: Amcheck, oid: number, place: Place): Promise<Found> {
  const answer = await read(async (kysely) => {
    const { rows } = await sql<{ text: string; problems: number }>`
      select msg as text, count(*) over () as problems
      from ${sql.id(schema, 'verify_heapam')}(${oid}::int8::oid::regclass, check_toast => true) limit 1`.execute(kysely)
    return rows
  })
  if (answer.outcome === 'failed') return outcomeOf(answer, place)
  const faults = answer.value.map(({ text, problems }) => ({ ...faultAt(place, 'page-damaged', text), problems }))
  return { faults, gap: null }
}

const sound: Found = { faults: [], gap: null }
const restore = ['Restore the table from a backup; whatever still reads, save with pg_dump first']
/** The server's own indexes can't be built beside those in use; a unique one is not built over values that are there twice. */
function rebuild(schema: string, index: string, unique: boolean): string[] {
  const statement = `reindex index ${schema === 'pg_catalog' ? '' : 'concurrently '}${identifier(schema, index)}`
  // Nobody looks for duplicates among the server's own.
  if (!unique || schema === 'pg_catalog') return [statement]
  return [
    `Keep one row of each value that integrity/constraints names as a duplicate, where it does; then: ${statement}`,
  ]
}

/**
 * https://www.postgresql.org/docs/current/errcodes-appendix.html: XX002 is index_corrupted. Planning a count opens the indexes too, and
 * walking an index may read the table: a file that the error names tells which of them is ill.
 */
function outcomeOf({ reason, code, text }: Failure, place: Place): Found {
  if (reason) return { faults: [], gap: { reason, detail: text, optional: false } }
  const { path = null, indexes = [] } = place
  const named = (file: string | null) => file !== null && text.split(/[^\w/]/).includes(file)
  const guilty = indexes.find(([, , file]) => named(file))?.[1]
  const index = guilty ?? (named(path) ? undefined : place.index)
  const ofIndex = guilty !== undefined || code === 'XX002' || text.includes('lacks matching index tuple')
  const kind = index !== undefined && ofIndex ? 'index-damaged' : 'page-damaged'
  return { faults: [faultAt(place, kind, text, index)], gap: null }
}

function faultAt(
  { schema, table, indexes = [] }: Place,
  kind: PageFault['kind'],
  text: string,
  index?: string,
): PageFault {
  return {
    kind,
    schema,
    table,
    index,
    text,
    problems: 1,
    repair:
      index === undefined
        ? restore
        : rebuild(
            schema,
            index,
            indexes.some(([, name, , unique]) => name === index && unique),
          ),
  }
}

/** Two looks may find the same: the first speaks for both. */
function eachOnce(faults: readonly PageFault[]): PageFault[] {
  const same = (one: PageFault) => (other: PageFault) => one.kind === other.kind && one.index === other.index
  return faults.filter((fault, at) => faults.findIndex(same(fault)) === at)
}

async function isGone(read: Read, oid: number): Promise<boolean> {
  const answer = await read(async (kysely) => {
    const { rows } = await sql`select from pg_class where oid = ${oid}::int8::oid`.execute(kysely)
    return rows.length === 0
  })
  return answer.outcome === 'answered' && answer.value
}

function gapOf(amcheck: Amcheck | undefined, indexes: number): PageLook['gap'] {
  const what = `the b-trees of ${indexes} ${indexes === 1 ? 'index' : 'indexes'} were not examined`
  if (!amcheck)
    return {
      reason: 'unavailable',
      detail: `${what}: amcheck is not installed: create extension amcheck`,
      optional: false,
    }
  if (amcheck.btrees) return null
  const grant = `grant execute on all functions in schema ${identifier(amcheck.schema)} to the role`
  return { reason: 'no-permission', detail: `${what}: the role may not call amcheck: ${grant}`, optional: false }
}
