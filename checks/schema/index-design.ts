import {
  type Catalog,
  countedIndexes,
  defineCheck,
  type ForeignKey,
  findTable,
  type Index,
  identifier,
  indexesOf,
  nameOf,
  quoted,
  remarked,
  rowsOfEach,
  type Session,
  sql,
  takenRelations,
} from 'dbdoctor'

interface Redundant {
  readonly schema: string
  readonly table: string
  readonly index: string
  /** The index that does the same, or more. */
  readonly by: string
  readonly same: boolean
}

interface Uncovered {
  readonly schema: string
  readonly table: string
  readonly constraint: string | undefined
  readonly columns: readonly string[]
  readonly parent: string
}

export default defineCheck({
  id: 'schema/index-design',
  title: 'No index is redundant, and each foreign key has one',
  severity: 'info',
  after: ['connection/opens'],
  docs: {
    why: 'An index that another one replaces costs every write and helps no query. A foreign key without an index makes each delete of a parent read the whole child table.',
    fix: 'Drop the index that is not needed, once its statistics say on all servers that nobody uses it alone; create the one that is missing.',
  },
  messages: {
    redundant: {
      say: ({ index, table, by, same }: Redundant & { drop: string }) =>
        `index ${quoted(index)} of ${quoted(table)} is redundant: ${quoted(by)} ${same ? 'is the same' : 'begins with the same columns'}`,
      next: ({ drop, index }: Redundant & { drop: string }) => [
        `Look first at idx_scan of ${quoted(index)} in pg_stat_user_indexes, on standbys too, or at the plans of your queries`,
        drop,
      ],
    },
    'key-uncovered': {
      say: ({ table, columns, parent }: Uncovered & { create: string }) =>
        `no index of ${quoted(table)} begins with (${columns.join(', ')}), which references ${quoted(parent)}: deleting there reads all of ${quoted(table)}`,
      next: ({ create }: Uncovered & { create: string }) => [create],
    },
  },
  run: {
    async sqlite({ db, report, coverage, skip }) {
      const answer = await db.catalog()
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      const catalog = answer.value
      const plain = await signaturesOf(db)
      if (plain.outcome === 'failed') return skip(plain.reason ?? 'unavailable', plain.text)
      coverage('index').examined(catalog.indexes.length)
      for (const { index, by, same } of redundantAmong(catalog.indexes, plain.value.signatures)) {
        const { schema, table, name } = index
        report('redundant', {
          schema,
          table,
          index: name,
          by: by.name,
          same,
          drop: remarked(`drop index ${identifier(name)}`, 'waits for writers, and they wait for it'),
        })
      }
      for (const key of catalog.foreignKeys.filter((one) => !isCovered(catalog, one, plain.value))) {
        const { schema, name: table } = key.child
        const columns = key.columns.map((column) => identifier(column)).join(', ')
        const create = remarked(
          `create index ${identifier(`${table}_${key.columns.join('_')}`)} on ${identifier(table)} (${columns})`,
          'writers wait until it is built',
        )
        report('key-uncovered', {
          schema,
          table,
          constraint: undefined,
          columns: key.columns,
          parent: key.parent.name,
          create,
        })
      }
    },

    async postgres({ db, config, report, coverage, skip }) {
      const [catalog, answer] = await Promise.all([db.catalog(), designOf(db)])
      if (catalog.outcome === 'failed') return skip(catalog.reason ?? 'unavailable', catalog.text)
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      const wanted = ({ schema }: { schema: string }) => !config.schemas || config.schemas.includes(schema)
      const seen = coverage('index')
      seen.examined(countedIndexes(catalog.value).filter(wanted).length)
      for (const table of answer.value.taken.filter(wanted))
        seen.missing(nameOf(table, catalog.value), 'unavailable', 'somebody has this table locked')
      const named = (schema: string, name: string) => nameOf({ schema, name }, catalog.value)
      for (const one of answer.value.redundant.filter(wanted)) {
        const drop = remarked(
          `drop index concurrently ${identifier(one.schema, one.index)}`,
          'waits for transactions that use it, and blocks nobody',
        )
        report('redundant', {
          ...one,
          table: named(one.schema, one.table),
          index: named(one.schema, one.index),
          by: named(one.schema, one.by),
          drop,
        })
      }
      for (const { parentSchema, ...one } of answer.value.uncovered.filter(wanted)) {
        const columns = one.columns.map((column) => identifier(column)).join(', ')
        const create = remarked(
          `create index concurrently on ${identifier(one.schema, one.table)} (${columns})`,
          'blocks nobody',
        )
        report('key-uncovered', {
          ...one,
          table: named(one.schema, one.table),
          parent: named(parentSchema, one.parent),
          create,
        })
      }
    },
  },
})

type Signatures = ReadonlyMap<string, readonly string[]>

interface Definitions {
  readonly signatures: Signatures
  /** Partial indexes over all rows whose columns are not null. */
  readonly ofAllKeys: ReadonlySet<string>
}

/** The key columns of SQLite's indexes, each with its collation and direction; null for an expression. */
function signaturesOf({ read }: Session) {
  return read(async (kysely): Promise<Definitions> => {
    const { rows } = await sql<{
      index: string
      column: string | null
      collation: string
      descending: number
      sql: string | null
    }>`
      select i.name as "index", x.name as "column", x.coll as collation, x.desc as descending, i.sql
      from sqlite_schema i, pragma_index_xinfo(i.name) x where i.type = 'index' and x.key = 1 order by i.name, x.seqno`.execute(
      kysely,
    )
    const signatures = new Map<string, string[]>()
    for (const { index, column, collation, descending } of rows) {
      const part = column === null ? `expression of ${index}` : `${column}/${collation}/${descending}`
      signatures.set(index, [...(signatures.get(index) ?? []), part])
    }
    const ofAllKeys = rows.filter(({ sql: text }) =>
      /\bwhere\s+\(*\s*["`[]?\w+["`\]]?\s+(is\s+not\s+null|notnull)\s*\)*$/i.test(text ?? ''),
    )
    return { signatures, ofAllKeys: new Set(ofAllKeys.map(({ index }) => index)) }
  })
}

/** Indexes whose columns another one begins with. One that is unique, or partial, or of a constraint, does what no other does. */
function redundantAmong(indexes: readonly Index[], signatures: Signatures) {
  const able = indexes.filter(({ partial }) => !partial)
  return able.flatMap((index) => {
    if (index.backs) return []
    const own = signatures.get(index.name) ?? []
    const by = able.find((other) => {
      const theirs = signatures.get(other.name) ?? []
      if (other === index || other.table !== index.table || !own.every((part, at) => theirs[at] === part)) return false
      const same = theirs.length === own.length
      if (index.unique && !(same && other.unique)) return false
      // Of two that are the same the later one goes, and never one that a constraint needs.
      return (
        !same ||
        other.backs !== null ||
        (other.unique && !index.unique) ||
        (other.unique === index.unique && other.name < index.name)
      )
    })
    return by ? [{ index, by, same: (signatures.get(by.name) ?? []).length === own.length }] : []
  })
}

function isCovered(catalog: Catalog, { child, columns }: ForeignKey, { ofAllKeys }: Definitions): boolean {
  const table = findTable(catalog, child)
  const begins = (key: readonly (string | null)[]) =>
    key.length >= columns.length && columns.every((column) => key.slice(0, columns.length).includes(column))
  const primary = table?.keys.find((key) => key.primary)?.columns ?? []
  return (
    begins(primary) ||
    indexesOf(catalog, child).some((index) => (!index.partial || ofAllKeys.has(index.name)) && begins(index.columns))
  )
}

/**
 * Redundant indexes have the method, predicate, operator classes, collations and options of another one, whose first columns they are; a
 * foreign key is covered by an index that begins with its columns in any order, for all rows or for those where they are not null.
 */
function designOf({ read }: Session) {
  return read(async (kysely) => {
    const [redundant, uncovered, taken] = await rowsOfEach(
      kysely,
      sql<Redundant>`
        with ${takenRelations}, own as (
          select i.indexrelid, i.indrelid, i.indisunique, x.relname as index, t.relname as table, n.nspname as schema, x.relam,
            i.indnkeyatts as n, i.indnatts as natts, i.indisreplident, coalesce(pg_get_expr(i.indpred, i.indrelid), '') as predicate,
            array(select pg_get_indexdef(i.indexrelid, k, false) || '/' || i.indclass[k - 1] || '/' || i.indcollation[k - 1] || '/' || i.indoption[k - 1]
              from generate_series(1, i.indnkeyatts) k) as signature,
            i.indexrelid in (select c.conindid from pg_constraint c where c.contype in ('p', 'u', 'x', 'f')) as backs
          from pg_index i join pg_class x on x.oid = i.indexrelid and x.relkind = 'i' join pg_class t on t.oid = i.indrelid
          join pg_namespace n on n.oid = t.relnamespace
          where i.indrelid not in (select relation from taken) and i.indisvalid and i.indislive and not t.relispartition and t.relpersistence <> 't'
            and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
            and not exists (select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = t.oid and e.deptype = 'e')
            -- Only one that begins alike can take another's place.
            and (i.indrelid, i.indkey[0]) in (select o.indrelid, o.indkey[0] from pg_index o group by 1, 2 having count(*) > 1)
        )
        select distinct on (a.schema, a.index) a.schema, a.table, a.index, b.index as by, a.n = b.n as same
        from own a join own b on a.indrelid = b.indrelid and a.indexrelid <> b.indexrelid and a.relam = b.relam
          and a.predicate = b.predicate and a.signature = b.signature[1:a.n]
        where not a.backs and not a.indisreplident and a.natts = a.n and (not a.indisunique or (b.indisunique and a.n = b.n))
          and (a.n < b.n or b.backs or (b.indisunique and not a.indisunique) or (a.indisunique = b.indisunique and a.indexrelid > b.indexrelid))
          and (a.n = b.n or a.relam = (select oid from pg_am where amname = 'btree'))
        order by a.schema, a.index, same desc, b.index`,
      sql<Omit<Uncovered, 'constraint'> & { constraint: string; parentSchema: string }>`
        with ${takenRelations}
        select n.nspname as schema, c.relname as table, k.conname as constraint, pn.nspname as "parentSchema", p.relname as parent,
          (select json_agg(a.attname order by o.position) from unnest(k.conkey) with ordinality as o (number, position)
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = o.number) as columns
        from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
        join pg_class p on p.oid = k.confrelid join pg_namespace pn on pn.oid = p.relnamespace
        where k.conrelid not in (select relation from taken)
          and k.contype = 'f' and k.conparentid = 0 and not c.relispartition and c.relpersistence <> 't'
          and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
          and not exists (select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
          and not exists (
            select from pg_index i join pg_class x on x.oid = i.indexrelid join pg_am m on m.oid = x.relam
            where i.indrelid = k.conrelid and i.indisvalid and i.indislive and m.amname in ('btree', 'hash', 'gist', 'spgist')
              and (select array_agg(v order by v) from unnest((i.indkey::int2[])[0:cardinality(k.conkey) - 1]) v)
                = (select array_agg(v order by v) from unnest(k.conkey) v)
              and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) ~* ('^\\(*"?(' || (select string_agg(a.attname, '|')
                from pg_attribute a where a.attrelid = k.conrelid and a.attnum = any (k.conkey)) || ')"? is not null\\)*$')))
        order by 1, 2, 3`,
      sql<{ schema: string; name: string }>`
        with ${takenRelations}
        select n.nspname as schema, c.relname as name from taken t
        join pg_class c on c.oid = t.relation and c.relkind in ('r', 'p') join pg_namespace n on n.oid = c.relnamespace
        where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
        order by 1, 2`,
    )
    return { redundant, uncovered, taken }
  })
}
