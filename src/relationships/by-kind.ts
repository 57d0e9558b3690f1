import { sql } from 'kysely'
import type { DatabaseConfig } from '../config/database.js'
import type { Coverage } from '../contracts/check.js'
import { type Catalog, heldHere, nameOf } from '../dialects/catalog.js'
import type { Answer, Session } from '../dialects/dialect.js'
import { quoted } from '../values/text.js'
import { ignoring } from './configured.js'
import type { Inferred } from './inferred.js'
import { type Polymorphic, polymorphicColumns, relationshipOfKind } from './polymorphic.js'

/** Kinds that one column may name before it is taken for something else. */
const kindLimit = 100

/** What columns whose parent varies by row point at: a relationship for each kind that names a table. Kinds that nobody can tell are a gap. */
export async function relationshipsByKind(
  db: Session,
  catalog: Catalog,
  config: DatabaseConfig,
  deep: boolean,
  seen: Coverage,
): Promise<Inferred[]> {
  if (!config.relationships.infer) return []
  const ignored = ignoring(config.relationships.ignore)
  const pairs = polymorphicColumns(catalog).filter(
    ({ child, column }) =>
      (!config.schemas || config.schemas.includes(child.schema)) &&
      heldHere(catalog, child) &&
      !ignored(child, [column.name]),
  )
  const looked = await Promise.all(pairs.map(async (pair) => ({ pair, kinds: await kindsOf(db, pair, deep) })))
  return looked
    .flatMap(({ pair, kinds }) => {
      const name = `${nameOf(pair.child, catalog)} (${pair.kind.name}, ${pair.column.name})`
      if (kinds.outcome === 'failed') {
        seen.missing(name, kinds.reason ?? 'unavailable', kinds.text)
        return []
      }
      if (kinds.value.length > kindLimit) {
        seen.missing(name, 'unsafe', `${quoted(pair.kind.name)} names more than ${kindLimit} kinds of parents`, true)
        return []
      }
      return kinds.value.flatMap((kind) => relationshipOfKind(catalog, pair, kind) ?? [])
    })
    .filter(({ parent }) => heldHere(catalog, parent))
}

/** The kinds that a column names, up to one more than the limit. */
function kindsOf(db: Session, { child, kind }: Polymorphic, deep: boolean): Promise<Answer<string[]>> {
  return db.scan(async (kysely) => {
    const { rows } = await sql<{ kind: string }>`
      select distinct cast(${sql.id(kind.name)} as text) as kind from ${sql.id(child.schema, child.name)}
      where ${sql.id(kind.name)} is not null limit ${kindLimit + 1}`.execute(kysely)
    return rows.map((row) => row.kind)
  }, deep)
}
