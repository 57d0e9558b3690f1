import { type RawBuilder, sql } from 'kysely'
import type { Limits } from '../../contracts/limits.js'
import { type Catalog, findTable, leavesOf, type Relation, type Table } from '../catalog.js'
import {
  type Answer,
  type AnyKysely,
  type Failure,
  isDeclared,
  type Orphan,
  type Orphans,
  type Read,
  type Relationship,
  unfinished,
} from '../dialect.js'
import { absentByRuns, type IntegerKey, integerKeyOf } from './runs-of-keys.js'
import { rowsOf, type Stretch, shareOf, stretchesOf, whole } from './stretches.js'
import { from, lockLimit, locksOf } from './tables.js'

type Sql = RawBuilder<unknown>

interface World {
  readonly read: Read
  readonly catalog: Catalog
  /** When (`performance.now()`) the time for it is up. */
  readonly expires: number
  readonly advance?: Limits['advance']
  /** Rows of a stretch, at least. */
  readonly fewest?: number
}

/**
 * A small hash table stays in the processor's cache, and many small batches beat one large one. Measured, without compilation, against the
 * defaults: 0.29 to 0.42 of `VALIDATE CONSTRAINT`.
 */
const forHashing = sql`set local work_mem = '2MB'; set local hash_mem_multiplier = 1`
const byRuns = "compared with the ends of the parent's keys: they are all there between them, but for a few gaps"
const byAntiJoin = 'one anti-join, as the server plans it'

/** What is told of a relationship whose every row has its parent. */
export function allFound(keyed: number, plan = byAntiJoin): Orphans {
  return { rows: 0, unconfirmed: 0, misread: 0, keyed, samples: [], plan }
}

/** Rows of a parent that are hashed in a moment. */
const fewParents = 1_000_000

/**
 * What comparisons are asked with. Of a table that was never analysed, or was empty then, the planner takes wide rows for one, and looks
 * through all parents for each child: without nested loops no plan reads a table twice.
 */
export function settingsFor(catalog: Catalog, relationships: readonly Relationship[]): Sql {
  const isUnknown = (relation: Relation) =>
    leavesOf(catalog, relation).every(({ rowsEstimate, bytesEstimate }) => rowsEstimate === null || bytesEstimate === 0)
  const isGuessed = ({ child, parent }: Relationship) =>
    isUnknown(parent) || (isUnknown(child) && (rowsOf(catalog, parent) ?? 0) < fewParents)
  return relationships.some(isGuessed) ? sql`${forHashing}; set local enable_nestloop = off` : forHashing
}

/** Rows from the tables alone. */
export const withoutIndexes = sql`set local enable_indexscan = off; set local enable_indexonlyscan = off; set local enable_bitmapscan = off`

/**
 * Scans a relationship by an anti-join. What the default plan finds is counted again from the tables alone, in the same snapshot: a row
 * that only an index calls orphaned is a sign of a damaged index. Tables with more partitions than one transaction may lock are
 * scanned partition by partition, and what will not fit in its time in stretches of pages, so that its share is known.
 */
export async function scanOrphans(
  { read, catalog, expires, advance, fewest }: World,
  relationship: Relationship,
  samples: number,
): Promise<Answer<Orphans>> {
  const { child, parent } = relationship
  const together = locksOf(catalog, child) + locksOf(catalog, parent) <= lockLimit
  const stretches =
    (await stretchesOf(read, catalog, child, parent, expires - performance.now(), fewest)) ??
    (together ? [child] : leavesOf(catalog, child)).map(whole)
  const about = rowsOf(catalog, child)
  const settings = settingsFor(catalog, [relationship])
  const total = { rows: 0, unconfirmed: 0, misread: 0, keyed: 0, samples: [] as Orphan[], plan: '' }
  for (const [at, { table, where }] of stretches.entries()) {
    const locks = locksOf(catalog, table) + locksOf(catalog, parent)
    if (locks > lockLimit) {
      return {
        outcome: 'failed',
        reason: 'unsafe',
        code: '',
        text: `one look would lock ${locks} relations, and dbdoctor takes ${lockLimit} at most`,
      }
    }
    const plan = planOf(catalog, { ...relationship, child: table }, where)
    const scanned = await read((kysely) => scan(kysely, plan, samples - total.samples.length), settings)
    if (scanned.outcome === 'failed') return unfinished(withShare(scanned, stretches, at, total.rows), total)
    total.rows += scanned.value.rows
    total.unconfirmed += scanned.value.unconfirmed
    total.keyed += scanned.value.keyed
    total.plan = scanned.value.plan
    total.samples.push(...scanned.value.samples)
    if (about !== null && stretches.length > 1) advance?.(Math.round((about * (at + 1)) / stretches.length), about)
  }
  return { outcome: 'answered', value: total }
}

/** Bytes from which on the server may share a scan among workers, by its default. */
const shared = 8 * 2 ** 20

/** Whether a table may be read by several workers of the server at once. */
export function isLarge(catalog: Catalog, relation: Relation): boolean {
  return leavesOf(catalog, relation).some((leaf) => (findTable(catalog, leaf)?.bytesEstimate ?? 0) >= shared)
}

/** Whether the server has workers that share a statement. */
export async function worksInParallel(kysely: AnyKysely): Promise<boolean> {
  const { rows } = await sql<{ workers: string }>`
    select current_setting('max_parallel_workers_per_gather') as workers`.execute(kysely)
  return Number(rows[0]?.workers) > 0
}

/** Says how much was compared before the time was up, where something was. */
function withShare(failure: Failure, stretches: readonly Stretch[], done: number, rows: number): Failure {
  const share = failure.reason === 'deadline' ? shareOf(stretches, done) : null
  if (share === null) return failure
  return { ...failure, text: `${failure.text}; ${share}${rows === 0 ? ', and each of their rows has its parent' : ''}` }
}

export interface Plan {
  readonly child: Sql
  /** Which of its rows are meant. */
  readonly within: Sql
  /** Columns of the key, and how each is shown. */
  readonly columns: readonly { readonly name: string; readonly ref: Sql }[]
  /** Columns that find a row again: its primary key, or its place. */
  readonly address: readonly { readonly name: string; readonly ref: Sql }[]
  readonly keyed: Sql
  readonly declared: boolean
  /** The parent's key, where whole numbers may tell who is not there. */
  readonly integerKey: IntegerKey | null
  /** Conditions that exclude each other; a row that meets one is a violation. */
  readonly violations: readonly Sql[]
}

export function planOf(catalog: Catalog, relationship: Relationship, within: Sql): Plan {
  const { child, columns, parent, parentColumns, match, operators, kind, none = [] } = relationship
  const pairs = columns.map((column, at) => {
    const operator = operators?.[at]
    const equals = operator ? sql`operator(${sql.id(operator.schema)}.${sql.raw(operator.name)})` : sql`=`
    return sql`p.${sql.id(parentColumns[at] ?? '')} ${equals} c.${sql.id(column)}`
  })
  const each = (condition: Sql) => columns.map((column) => sql`c.${sql.id(column)} ${condition}`)
  const last = columns.length - 1
  const period =
    operators?.[last]?.name === '&&' ? { column: columns[last] ?? '', of: parentColumns[last] ?? '' } : null
  const ofKind = kind ? [sql`c.${sql.id(kind.column)}::text = ${kind.value}`] : []
  const meant = none.length > 0 ? each(sql`::text not in (${sql.join(none)})`) : []
  const keyed = sql.join([...ofKind, ...each(sql`is not null`), ...meant], sql` and `)
  const inPart = sql`(${sql.join(each(sql`is null`), sql` or `)}) and (${sql.join(each(sql`is not null`), sql` or `)})`
  // A declared foreign key knows no rows but the parent's own; to anybody else, what inherits from it is one of it too.
  const parents = operators ? from(parent) : sql.id(parent.schema, parent.name)
  const table = findTable(catalog, child)
  const key = table?.keys.find(({ primary }) => primary)
  return {
    child: from(child),
    within,
    columns: columns.map((name) => ({ name, ref: shown(table, name) })),
    address: key
      ? key.columns.map((name) => ({ name, ref: shown(table, name) }))
      : [{ name: 'ctid', ref: sql`c.ctid::text` }],
    keyed,
    declared: isDeclared(relationship),
    integerKey: period === null ? integerKeyOf(catalog, relationship) : null,
    violations: [
      sql`${keyed} and ${hasNone(parents, sql.join(pairs, sql` and `), period)}`,
      ...(match === 'full' && columns.length > 1 ? [inPart] : []),
    ],
  }
}

/** A column as it is shown. Times are the server's own text: a JavaScript date loses microseconds, infinity and far years. */
function shown(table: Table | undefined, column: string): Sql {
  const type = table?.columns.find(({ name }) => name === column)?.type ?? ''
  const value = sql`c.${sql.id(column)}`
  if (type === 'timestamp with time zone') return sql`(${value} at time zone 'UTC')::text || ' UTC'`
  return /^(date|time|timestamp|interval)/.test(type) ? sql`${value}::text` : value
}

/** A key over a PERIOD (its operator is that of overlapping) wants all of it covered, by as many rows as it takes. */
function hasNone(parent: Sql, match: Sql, period: { readonly column: string; readonly of: string } | null): Sql {
  if (period === null) return sql`not exists (select from ${parent} p where ${match})`
  return sql`not coalesce(c.${sql.id(period.column)} operator(pg_catalog.<@)
    (select range_agg(p.${sql.id(period.of)}) from ${parent} p where ${match}), false)`
}

async function scan(kysely: AnyKysely, joining: Plan, samples: number): Promise<Orphans> {
  const absent = joining.integerKey && (await absentByRuns(kysely, joining.integerKey))
  const plan = absent ? { ...joining, violations: [sql`${joining.keyed} and ${absent}`] } : joining
  const words = absent ? byRuns : byAntiJoin
  const asked = await count(kysely, plan)
  // How many rows speak for a relationship matters where nobody declared it.
  const keyed = plan.declared ? 0 : await countWhere(kysely, plan, plan.keyed)
  if (asked === 0) return allFound(keyed, words)
  await withoutIndexes.execute(kysely)
  const rows = await count(kysely, plan)
  return {
    rows,
    unconfirmed: Math.max(0, asked - rows),
    misread: 0,
    keyed,
    plan: words,
    samples: rows === 0 ? [] : await find(kysely, plan, samples),
  }
}

async function count(kysely: AnyKysely, plan: Plan): Promise<number> {
  let rows = 0
  for (const violation of plan.violations) rows += await countWhere(kysely, plan, violation)
  return rows
}

async function countWhere(kysely: AnyKysely, plan: Plan, where: Sql): Promise<number> {
  const { rows } = await counting(plan, where).execute(kysely)
  return rows[0]?.rows ?? 0
}

export function counting({ child, within }: Plan, where: Sql): RawBuilder<{ rows: number }> {
  return sql<{ rows: number }>`select count(*) as rows from ${child} c where ${where} and ${within}`
}

async function find(kysely: AnyKysely, plan: Plan, limit: number): Promise<Orphan[]> {
  const addresses = plan.address.map(({ ref }, at) => sql`${ref} as ${sql.id(`a${at}`)}`)
  const keys = plan.columns.map(({ ref }, at) => sql`${ref} as ${sql.id(`k${at}`)}`)
  const found: Orphan[] = []
  for (const violation of plan.violations) {
    const { rows } = await sql<Record<string, unknown>>`
      select ${sql.join([...addresses, ...keys])} from ${plan.child} c where ${violation} and ${plan.within} limit ${limit - found.length}`.execute(
      kysely,
    )
    found.push(
      ...rows.map((row) => ({
        row: Object.fromEntries(plan.address.map(({ name }, at) => [name, row[`a${at}`]])),
        key: Object.fromEntries(plan.columns.map(({ name }, at) => [name, row[`k${at}`]])),
      })),
    )
  }
  return found
}
