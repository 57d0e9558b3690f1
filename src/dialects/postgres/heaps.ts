import { sql } from 'kysely'
import { type Relation, small } from '../catalog.js'
import type { AnyKysely, PageScope } from '../dialect.js'

/** A relation with rows in a heap, and its b-trees. */
export interface Heap extends Relation {
  readonly oid: number
  /** Not one of the server's own: those are looked at through their b-trees alone. */
  readonly own: boolean
  /** A user would count it. */
  readonly counted: boolean
  /** It is read in a moment. */
  readonly small: boolean
  /** Nearly all of its pages are known to hold only rows that everybody sees. */
  readonly vacuumed: boolean
  /** Pages that its file no longer has; see `lostPages`. */
  readonly lost: number
  /** The table whose long values it keeps (TOAST); null for any other. */
  readonly keeps: string | null
  /** Where its files are; null where it has none. */
  readonly path: string | null
  readonly indexes: readonly [oid: number, name: string, path: string | null, unique: boolean][]
}

/** Where amcheck is installed, and what the role may call. Functions of older versions are fewer: null. */
export interface Amcheck {
  readonly schema: string
  readonly btrees: boolean | null
  readonly heaps: boolean | null
}

/**
 * Pages that VACUUM counted and the file no longer has, of what keeps long values (TOAST): nothing but VACUUM makes its file shorter. Of other
 * heaps the count proves nothing: it may come from a backup with its statistics (PostgreSQL 18), from before a crash that emptied an unlogged
 * table, or be left as it was by VACUUM in another database, where all share a table.
 */
const lostPages = sql<number>`case when c.relkind = 't' and c.relpersistence = 'p' and not c.relisshared
  then greatest(0, c.relpages - coalesce(pg_relation_size(c.oid), 0) / current_setting('block_size')::int)::int else 0 end`

/** As `lostPages`, now: VACUUM cuts a file a moment before it writes its count. */
export async function lostPagesOf(kysely: AnyKysely, oid: number): Promise<number> {
  const { rows } = await sql<{ lost: number }>`
    select ${lostPages} as lost from pg_class c where c.oid = ${oid}::int8::oid`.execute(kysely)
  return rows[0]?.lost ?? 0
}

/** Only functions of the extension itself: others may bear their names. */
export async function amcheckOf(kysely: AnyKysely): Promise<Amcheck | undefined> {
  const allowed = (name: string) => sql`(
    select bool_and(has_function_privilege(p.oid, 'execute')) and has_schema_privilege(n.oid, 'usage')
    from pg_proc p join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
    where d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and p.proname = ${sql.lit(name)})`
  const { rows } = await sql<Amcheck>`
    select n.nspname as schema, ${allowed('bt_index_check')} as btrees, ${allowed('verify_heapam')} as heaps
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'amcheck'`.execute(kysely)
  return rows[0]
}

/**
 * Heaps of this server that others may read: no temporary table, on a standby no unlogged one. The server's own and what tables keep
 * apart (TOAST) are among them.
 */
export async function heapsOf(kysely: AnyKysely, { schemas }: PageScope, primary: boolean): Promise<Heap[]> {
  const inScope = schemas ? sql`coalesce(kn.nspname, n.nspname) = any(${schemas}::text[])` : sql`true`
  const { rows } = await sql<Heap>`
    select c.oid::int8 as oid, n.nspname as schema, c.relname as name, s.own,
      s.own and c.relkind = 'r' and not exists (select from pg_depend e
        where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e') as counted,
      c.relpages::int8 * current_setting('block_size')::int8 < ${sql.lit(small)} as small,
      c.relpages > 0 and c.relallvisible >= 0.9 * c.relpages as vacuumed,
      ${lostPages} as lost,
      k.relname as keeps,
      pg_relation_filepath(c.oid) as path,
      coalesce((select json_agg(json_build_array(x.oid::int8, x.relname, pg_relation_filepath(x.oid), i.indisunique) order by x.relname)
        from pg_index i join pg_class x on x.oid = i.indexrelid join pg_am a on a.oid = x.relam
        where i.indrelid = c.oid and a.amname = 'btree' and x.relkind = 'i' and i.indisvalid and i.indisready), '[]') as indexes
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_class k on c.relkind = 't' and k.reltoastrelid = c.oid
    left join pg_namespace kn on kn.oid = k.relnamespace
    cross join lateral (select n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_toast' as own) s
    where c.relkind in ('r', 'm', 't') and c.relpersistence <> 't' and (${primary} or c.relpersistence = 'p')
      and c.relispopulated and (${inScope} or n.nspname = 'pg_catalog')
    order by s.own desc, n.nspname, c.relname`.execute(kysely)
  return rows
}
