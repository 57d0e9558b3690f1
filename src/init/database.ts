import { sql } from 'kysely'
import { defineCheck } from '../contracts/check.js'
import {
  type Catalog,
  countedIndexes,
  countedTables,
  findTable,
  groupBy,
  heldHere,
  nameOf,
  type Table,
} from '../dialects/catalog.js'
import type { Session } from '../dialects/dialect.js'
import { declarationOf } from '../relationships/configured.js'
import { type Inferred, inferRelationships } from '../relationships/index.js'
import { people } from '../relationships/roles.js'
import { stem, wordsOf } from '../relationships/vocabulary.js'
import type { SeenDatabase, SeenRelationship, SeenUsers } from './seen.js'

/** The share of values that have to have a parent before a relationship is worth a line. */
const worthALine = 0.5
/** A table that so many others point at is one that the application lives on. */
const manyChildren = 3
/** More would be noise. */
const mostPopulated = 5

/** Looks at an open database, as a check does: within the time of a run, and reading only. */
export function lookAtDatabase(onSeen: (seen: SeenDatabase) => void) {
  return defineCheck({
    id: 'schema/first-look',
    title: 'What the database holds',
    severity: 'error',
    after: ['connection/opens'],
    docs: { why: 'A first config expects what is there.', fix: 'Name the database that the application uses.' },
    messages: {
      unreadable: ({ text }: { text: string }) => `the catalog cannot be read: ${text}`,
    },
    async run({ db, depth, report, skip }) {
      const answer = await db.catalog()
      if (answer.outcome === 'failed') {
        const { reason, text } = answer
        return reason ? skip(reason, text) : report('unreadable', { text })
      }
      const catalog = answer.value
      const tables = countedTables(catalog)
      onSeen({
        target: db.target,
        tables: tables.map((table) => nameOf(table, catalog)),
        indexes: countedIndexes(catalog).map((index) => nameOf(index, catalog)),
        foreignKeys: catalog.foreignKeys.length,
        populated: await populatedOf(db, catalog),
        relationships: await relationshipsOf(db, catalog, depth !== 'quick'),
        users: usersOf(tables, catalog),
      })
    },
  })
}

/** Tables of people, and those that many others point at, where they hold rows. */
async function populatedOf(db: Session, catalog: Catalog): Promise<string[]> {
  const rank = (table: Table) => {
    const at = people.indexOf(stem(wordsOf(table.name)))
    return at < 0 ? people.length : at
  }
  const keys = groupBy(catalog.foreignKeys, ({ parent }) => findTable(catalog, parent))
  const children = (table: Table) => new Set((keys.get(table) ?? []).map(({ child }) => nameOf(child, catalog))).size
  const important = countedTables(catalog)
    .filter((table) => table.kind !== 'virtual' && heldHere(catalog, table))
    .filter((table) => rank(table) < people.length || children(table) >= manyChildren)
    .sort((a, b) => rank(a) - rank(b) || children(b) - children(a))
    .slice(0, mostPopulated)
  const populated: string[] = []
  for (const table of important) if (await hasRows(db, table)) populated.push(nameOf(table, catalog))
  return populated
}

async function hasRows(db: Session, { schema, name }: Table): Promise<boolean> {
  const answer = await db.read(async (kysely) => {
    const { rows } = await sql`select 1 as one from ${sql.id(schema, name)} limit 1`.execute(kysely)
    return rows.length > 0
  })
  return answer.outcome === 'answered' && answer.value
}

/** What names tell, held against the rows. */
async function relationshipsOf(db: Session, catalog: Catalog, scan: boolean): Promise<SeenRelationship[]> {
  const seen: SeenRelationship[] = []
  const inferred = inferRelationships(catalog).filter(({ child, parent }) => heldHere(catalog, child, parent))
  for (const relationship of inferred) {
    const values = scan ? await valuesOf(db, relationship, inferred) : null
    const known = values !== null && values.keyed > 0
    const convincing = known ? values.matched / values.keyed >= worthALine : relationship.trust === 'strong'
    if (!convincing) continue
    const { why, trust } = relationship
    seen.push({ declaration: declarationOf(relationship, catalog), why, trust, values })
  }
  return seen
}

async function valuesOf(
  db: Session,
  relationship: Inferred,
  beside: readonly Inferred[],
): Promise<SeenRelationship['values']> {
  const scan = await db.orphans(relationship, 0, beside)
  return scan.outcome === 'answered' && !scan.value.gap
    ? { matched: scan.value.keyed - scan.value.rows, keyed: scan.value.keyed }
    : null
}

/** The table of the people who sign in: one with an address and a hash of a password. */
function usersOf(tables: readonly Table[], { defaultSchema }: Catalog): SeenUsers | null {
  const found = tables.flatMap(({ schema, name, columns }) => {
    const rank = people.indexOf(stem(wordsOf(name)))
    const column = (pattern: RegExp) => columns.find((one) => pattern.test(wordsOf(one.name).join('')))?.name
    const email = column(/^e?mail(address)?$/)
    const passwordHash = column(/^(encrypted|hashed)?(password|passwd|pwd)(hash|digest)?$/)
    if (rank < 0 || email === undefined || passwordHash === undefined) return []
    return [{ rank, schema: schema === defaultSchema ? undefined : schema, table: name, email, passwordHash }]
  })
  const [first] = found.sort((a, b) => a.rank - b.rank)
  if (!first) return null
  const { rank: _, ...users } = first
  return users
}
