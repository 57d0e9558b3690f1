import { sql } from 'kysely'
import { type Catalog, findTable, type Relation } from '../dialects/catalog.js'
import type { Answer, Orphans, Relationship, Session } from '../dialects/dialect.js'

/** What applications write where there is no parent. */
const sentinels = ['0', '-1', '', '00000000-0000-0000-0000-000000000000']

/** A value that means "none", and how many rows hold it. */
export interface None {
  readonly value: string
  readonly rows: number
}

/**
 * The values of a relationship's column that mean "none": its default, 0, -1, the empty text and the nil UUID, where rows hold them and no
 * parent has them.
 */
export async function nonesOf(
  db: Session,
  catalog: Catalog,
  { child, columns, parent, parentColumns, kind }: Relationship,
  deep: boolean,
): Promise<Answer<readonly None[]>> {
  const [column, ...more] = columns
  const [key] = parentColumns
  if (column === undefined || key === undefined || more.length > 0) return { outcome: 'answered', value: [] }
  const own = defaultOf(findTable(catalog, child)?.columns.find(({ name }) => name === column)?.default ?? null)
  const candidates = own === null ? sentinels : [...new Set([...sentinels, own])]
  return db.scan(async (kysely) => {
    const ofKind = kind ? sql`and cast(${sql.id(kind.column)} as text) = ${kind.value}` : sql``
    const held = await sql<{ value: string; rows: number }>`
      select cast(${sql.id(column)} as text) as value, count(*) as rows from ${sql.id(child.schema, child.name)}
      where cast(${sql.id(column)} as text) in (${sql.join(candidates)}) ${ofKind} group by 1`.execute(kysely)
    const nones: None[] = []
    for (const { value, rows } of held.rows) {
      const there = await sql`select 1 from ${sql.id(parent.schema, parent.name)}
        where cast(${sql.id(key)} as text) = ${value} limit 1`.execute(kysely)
      if (there.rows.length === 0) nones.push({ value, rows: Number(rows) })
    }
    return nones
  }, deep)
}

/** The one value that means "none" and that all orphaned rows hold, if it is that; null where nobody can tell. */
export async function noneOfAll(
  db: Session,
  catalog: Catalog,
  relationship: Relationship,
  { rows, samples }: Orphans,
  deep: boolean,
): Promise<string | null> {
  // Where the rows that are shown differ, nobody need look at the others.
  if (new Set(samples.map(({ key }) => Object.values(key).map(String).join())).size > 1) return null
  const nones = await nonesOf(db, catalog, relationship, deep)
  const [none] = nones.outcome === 'answered' ? nones.value : []
  return none?.rows === rows ? none.value : null
}

/** The value of a default that is a constant, as text; null where it is worked out. */
function defaultOf(expression: string | null): string | null {
  const [, quoted, plain] =
    /^'((?:[^']|'')*)'(?:::[\w ."]+)?$|^\(?(-?\d+)\)?(?:::[\w ."]+)?$/.exec(expression?.trim() ?? '') ?? []
  return quoted?.replaceAll("''", "'") ?? plain ?? null
}

/** Whether a relation holds no row at all; false where nobody can tell. */
export async function isEmpty(db: Session, { schema, name }: Relation): Promise<boolean> {
  const answer = await db.read((kysely) => sql`select 1 from ${sql.id(schema, name)} limit 1`.execute(kysely))
  return answer.outcome === 'answered' && answer.value.rows.length === 0
}
