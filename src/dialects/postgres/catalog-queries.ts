import { sql } from 'kysely'
import { takenRelations } from './taken.js'

/** Schemas and relations that are the user's own. */
export const userSchema = sql`n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'`
export const ofExtension = (catalog: string, oid: string) =>
  sql`exists (select from pg_depend e where e.classid = ${sql.lit(catalog)}::regclass and e.objid = ${sql.ref(oid)} and e.deptype = 'e')`

export const schemaQuery = sql<{ name: string }>`
  select n.nspname as name from pg_namespace n where ${userSchema} order by n.nspname`

export interface RelationRow {
  oid: number
  schema: string
  name: string
  kind: 'r' | 'p' | 'f' | 'v' | 'm'
  partition: boolean
  unlogged: boolean
  parent_schema: string | null
  parent_name: string | null
  rows: number
  bytes: number
}
export const relationQuery = sql<RelationRow>`
  select c.oid::int8 as oid, n.nspname as schema, c.relname as name, c.relkind as kind, c.relispartition as partition,
    c.relpersistence = 'u' as unlogged, pn.nspname as parent_schema, p.relname as parent_name,
    c.reltuples::float8 as rows, c.relpages::int8 * current_setting('block_size')::int8 as bytes
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  left join pg_inherits i on i.inhrelid = c.oid and c.relispartition
  left join pg_class p on p.oid = i.inhparent
  left join pg_namespace pn on pn.oid = p.relnamespace
  where c.relkind in ('r', 'p', 'f', 'v', 'm') and ${userSchema} and not ${ofExtension('pg_class', 'c.oid')}
  order by n.nspname, c.relname`

/** The columns of a relation. A row for each would be most of what a catalog is, and take longer to receive than all the rest. */
export interface ColumnsRow {
  relation: number
  columns: readonly ColumnTuple[]
}
export type ColumnTuple = readonly [
  number: number,
  name: string,
  type: string,
  nullable: boolean,
  generated: boolean,
  byDefault: string | null,
]
export const columnQuery = sql<ColumnsRow>`
  with ${takenRelations}
  select a.attrelid::int8 as relation, json_agg(json_build_array(
    a.attnum, a.attname, format_type(a.atttypid, null), not a.attnotnull, a.attgenerated <> '',
    case when d.adbin is not null and a.attrelid not in (select relation from taken) then pg_get_expr(d.adbin, d.adrelid) end
    ) order by a.attnum) as columns
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid
  join pg_namespace n on n.oid = c.relnamespace
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where c.relkind in ('r', 'p', 'f', 'v', 'm') and a.attnum > 0 and not a.attisdropped and ${userSchema}
  group by a.attrelid`

export interface IndexRow {
  relation: number
  name: string
  keys: string
  key_count: number
  unique: boolean
  valid: boolean
  ready: boolean
  building: boolean | null
  partial: boolean
  expression: boolean
  backs: 'p' | 'u' | 'x' | null
  attached: boolean
}
/**
 * Whether somebody builds this index now (`builds`: the view is read once, and so are the constraints, which have no index on the index
 * that they use). The view names one index at a time, and REINDEX TABLE has made them all; a role without rights on
 * the builder is shown that it builds, not what.
 */
const building = sql`exists (select from builds b where (b.index_relid = i.indexrelid
      or not i.indisvalid and (b.relid is null or b.relid = i.indrelid and b.command = 'REINDEX CONCURRENTLY')))`
export const indexQuery = sql<IndexRow>`
  with builds as materialized (select * from pg_stat_progress_create_index where datname = current_database()),
    backing as materialized (select distinct on (conindid) conindid, contype from pg_constraint where contype in ('p', 'u', 'x'))
  select i.indrelid::int8 as relation, ic.relname as name, i.indkey::text as keys, i.indnkeyatts as key_count,
    i.indisunique as unique, i.indisvalid as valid, i.indisready as ready,
    case when i.indisvalid or not pg_is_in_recovery() then ${building} end as building,
    i.indpred is not null as partial, i.indexprs is not null as expression,
    k.contype as backs,
    exists (select from pg_inherits h where h.inhrelid = i.indexrelid) as attached
  from pg_index i
  join pg_class ic on ic.oid = i.indexrelid
  join pg_class c on c.oid = i.indrelid
  join pg_namespace n on n.oid = c.relnamespace
  left join backing k on k.conindid = i.indexrelid
  where ${userSchema} and not ${ofExtension('pg_class', 'c.oid')}
  order by n.nspname, ic.relname`

export interface KeyRow {
  relation: number
  primary: boolean
  /** Numbers of columns, and numbers of collations, 0 for none, as `1 2`. */
  columns: string
  collations: string
  key_count: number
  nulls_distinct: boolean
}
/** Keys that a foreign key may reference: constraints, and unique indexes over whole columns of every row. */
export const keyQuery = sql<KeyRow>`
  select i.indrelid::int8 as relation, i.indisprimary as primary, i.indkey::text as columns, i.indcollation::text as collations,
    i.indnkeyatts as key_count,
    i.indisprimary or not coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) as nulls_distinct
  from pg_index i
  join pg_class c on c.oid = i.indrelid
  join pg_namespace n on n.oid = c.relnamespace
  where i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null and ${userSchema}
  order by i.indrelid, i.indisprimary desc, i.indexrelid`

export interface ForeignKeyRow {
  name: string
  relation: number
  /** Numbers of columns, as `1 2`. */
  columns: string
  parent: number
  parent_schema: string
  parent_table: string
  parent_partitioned: boolean
  parent_columns: string
  match: 's' | 'f' | 'p'
  validated: boolean
  enforced: boolean
  deferrable: boolean
  /** Numbers of operators. */
  operators: string
}
/** PostgreSQL 18 brought the column: to turn a row into JSON, whatever columns it has, costs more than to read it. */
const isEnforced = sql`case when current_setting('server_version_num')::int < 180000 then true
    else coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true) end`
/** A foreign key of a partitioned table is one; those that its partitions inherit (`conparentid`) are the same one again. */
export const foreignKeyQuery = sql<ForeignKeyRow>`
  select k.conname as name, k.conrelid::int8 as relation, array_to_string(k.conkey, ' ') as columns,
    k.confrelid::int8 as parent, pn.nspname as parent_schema, p.relname as parent_table,
    p.relkind = 'p' as parent_partitioned, array_to_string(k.confkey, ' ') as parent_columns,
    k.confmatchtype as match, k.convalidated as validated, ${isEnforced} as enforced,
    k.condeferrable as deferrable, array_to_string(k.conpfeqop, ' ') as operators
  from pg_constraint k
  join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
  join pg_class p on p.oid = k.confrelid join pg_namespace pn on pn.oid = p.relnamespace
  where k.contype = 'f' and k.conparentid = 0 and ${userSchema} and not ${ofExtension('pg_class', 'c.oid')}
  order by n.nspname, c.relname, k.conname`

export interface CheckRow {
  name: string
  schema: string
  table: string
  definition: string
  validated: boolean
  /** The column whose domain has it; null where it is the table's own. */
  column: string | null
}
/** Constraints of tables, and those of domains once for each column that is of one. */
export const checkQuery = sql<CheckRow>`
  with ${takenRelations}
  select k.conname as name, n.nspname as schema, c.relname as table, pg_get_constraintdef(k.oid) as definition, k.convalidated as validated,
    null as "column"
  from pg_constraint k
  join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
  where k.contype = 'c' and k.conparentid = 0 and c.oid not in (select relation from taken)
    and ${userSchema} and not ${ofExtension('pg_class', 'c.oid')}
  union all
  select k.conname, n.nspname, c.relname, pg_get_constraintdef(k.oid), k.convalidated, a.attname
  from pg_constraint k
  join pg_attribute a on a.atttypid = k.contypid and a.attnum > 0 and not a.attisdropped
  join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p') join pg_namespace n on n.oid = c.relnamespace
  where k.contype = 'c' and k.contypid <> 0 and ${userSchema} and not ${ofExtension('pg_class', 'c.oid')}
  order by 2, 3, 1, 6`

export interface SequenceRow {
  schema: string
  name: string
  start: number
  increment: number
  owner: [schema: string, table: string, column: string] | null
}
export const sequenceQuery = sql<SequenceRow>`
  select n.nspname as schema, c.relname as name, s.seqstart as start, s.seqincrement as increment,
    (select json_build_array(tn.nspname, t.relname, a.attname)
      from pg_depend d
      join pg_class t on t.oid = d.refobjid join pg_namespace tn on tn.oid = t.relnamespace
      join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
      where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.objid = c.oid
        and d.deptype in ('a', 'i') and d.refobjsubid > 0 limit 1) as owner
  from pg_sequence s
  join pg_class c on c.oid = s.seqrelid
  join pg_namespace n on n.oid = c.relnamespace
  where ${userSchema} and not ${ofExtension('pg_class', 'c.oid')}
  order by n.nspname, c.relname`

export interface TriggerRow {
  name: string
  schema: string
  table: string
  enabled: boolean
}
export const triggerQuery = sql<TriggerRow>`
  select t.tgname as name, n.nspname as schema, c.relname as table, t.tgenabled <> 'D' as enabled
  from pg_trigger t
  join pg_class c on c.oid = t.tgrelid
  join pg_namespace n on n.oid = c.relnamespace
  where not t.tgisinternal and ${userSchema} and not ${ofExtension('pg_class', 'c.oid')}
  order by n.nspname, c.relname, t.tgname`

/** Enumerated types, as columns call them. */
export const enumerationQuery = sql<{ type: string }>`
  select format_type(oid, null) as type from pg_type where typtype = 'e'`

/** What keys and foreign keys name by number: collations and operators. */
export interface NamedRow {
  oid: number
  schema: string
  name: string
}
export const collationQuery = sql<NamedRow>`
  select o.oid::int8 as oid, n.nspname as schema, o.collname as name from pg_collation o join pg_namespace n on n.oid = o.collnamespace
  where o.oid in (select unnest(i.indcollation::oid[]) from pg_index i where i.indisunique)`
export const operatorQuery = sql<NamedRow>`
  select o.oid::int8 as oid, n.nspname as schema, o.oprname as name from pg_operator o join pg_namespace n on n.oid = o.oprnamespace
  where o.oid in (select unnest(k.conpfeqop) from pg_constraint k where k.contype = 'f')`
