import type { OrphanRepair } from '../contracts/repair.js'
import { allowsNull, type Catalog, type ForeignKey, findTable, nameOf, type Relation } from '../dialects/catalog.js'
import type { Relationship } from '../dialects/dialect.js'
import { quarantineOf } from '../dialects/quarantine.js'
import type { Repairer } from '../dialects/repairer.js'
import { matching, orphaned, type Place, periodOf } from '../relationships/statements.js'
import { agreeing, identifier, listed, pluralize, quoted } from '../values/text.js'
import type { Reading } from './catalog.js'
import type { Draft, Guard, Images, Step } from './step.js'

/** How far those are followed that point at rows which go. */
const deepest = 5
/** Rows that a machine moves in a second, at least. */
const rowsInSecond = 20_000

type Condition = (alias: string) => string

/** Rows of one table that go, and where to. */
interface Part {
  readonly table: Relation
  readonly condition: Condition
  readonly rows: number
  /** How many of them have no parent; the others would lose theirs. */
  readonly orphaned: number
}

/** Rows, and the columns by which each of them is found again; none where nothing finds them all. */
interface Keyed extends Part {
  readonly key: readonly string[]
}

const sqlName = ({ schema, name }: Relation) => identifier(schema, name)

/** What a step is for, or why there is none. */
export type Drafting = { readonly draft: Draft } | { readonly reason: string }

/** What sets the keys of orphaned rows to null. */
export async function nullingStep(
  { relationship }: OrphanRepair,
  reading: Reading,
  repairer: Repairer,
): Promise<Drafting> {
  const refusal = refusalOf(relationship)
  if (refusal !== null) return { reason: refusal }
  const own = await partOf(relationship, reading)
  const acting = triggersOf([own], reading.catalog)
  if (acting !== null) return { reason: acting }
  return nulling(relationship, reading.catalog, repairer, own, await keyOf(reading, own))
}

/**
 * What is done about the orphaned rows of some relationships: they, and the rows that point at them, go together, in one transaction; none is
 * left behind with a parent that went.
 */
export async function movingStep(
  repairs: readonly OrphanRepair[],
  reading: Reading,
  repairer: Repairer,
  mode: 'quarantine' | 'delete',
): Promise<Drafting> {
  const relationships = repairs.map(({ relationship }) => relationship)
  const refusal = relationships.map(refusalOf).find((reason) => reason !== null)
  if (refusal) return { reason: refusal }
  const roots: Part[] = []
  for (const relationship of relationships) {
    const part = await partOf(relationship, reading)
    const at = roots.findIndex(({ table }) => isOf(table, part.table))
    const known = roots[at]
    if (!known) roots.push(part)
    else roots[at] = await counted({ ...known, condition: either(known.condition, part.condition) }, reading)
  }
  const parts = await withDependents(roots, reading)
  if (typeof parts === 'string') return { reason: parts }
  const acting = triggersOf(parts, reading.catalog)
  if (acting !== null) return { reason: acting }
  const keyed: Keyed[] = []
  for (const part of referencingFirst(parts, reading.catalog)) keyed.push({ ...part, key: await keyOf(reading, part) })
  return moving(keyed, relationships, reading.catalog, repairer, mode)
}

/** What triggers do besides is in no journal, and is not taken back. */
function triggersOf(parts: readonly Part[], catalog: Catalog): string | null {
  const acting = catalog.triggers.filter(
    ({ table, enabled }) => enabled && parts.some((part) => isOf(part.table, table)),
  )
  if (acting.length === 0) return null
  return `${pluralize(acting.length, 'trigger')} would act on rows that go (${listed(acting.map(({ name }) => name))}), and nobody could take that back: switch them off first`
}

/** Parents that cover a time together leave rows that are right in part. */
function refusalOf(relationship: Relationship): string | null {
  return periodOf(relationship) ? 'its parents cover a time together, and rows may be right in part' : null
}

async function partOf(relationship: Relationship, reading: Reading): Promise<Part> {
  const condition: Condition = (alias) => orphaned(reading, relationship, sqlName(relationship.parent), alias)
  return counted({ table: relationship.child, condition, rows: 0, orphaned: 0 }, reading)
}

async function counted(part: Part, reading: Reading): Promise<Part> {
  const rows = await countOf(reading, part.table, part.condition)
  return { ...part, rows, orphaned: rows }
}

function either(one: Condition, other: Condition): Condition {
  return (alias) => `(${one(alias)} or ${other(alias)})`
}

function nulling(
  { child, columns, parent }: Relationship,
  catalog: Catalog,
  repairer: Repairer,
  own: Part,
  key: readonly string[],
): Drafting {
  const table = findTable(catalog, child)
  const fixed = columns.find((column) => table?.columns.find(({ name }) => name === column)?.nullable === false)
  if (fixed !== undefined) return { reason: `${quoted(fixed)} may not be null: choose --orphans quarantine` }
  if (key.length === 0) return { reason: `${quoted(child.name)} has no primary key by which each row is found again` }
  const set = columns.map((column) => `${identifier(column)} = null`).join(', ')
  const draft: Draft = {
    ...common(own.rows),
    what: `set ${columns.join(', ')} to null in ${pluralize(own.rows, 'row')} of ${nameOf(child, catalog)}`,
    statements: [`update ${sqlName(child)} as c set ${set} where ${own.condition('c')}`],
    ...locksOf(catalog, repairer, [child], [parent]),
    guards: [guardOf(own, catalog)],
    images: [{ table: sqlName(child), where: own.condition('c'), columns, key }],
    undo: [],
    undone: 'the keys are set again, from the journal',
  }
  return { draft }
}

function moving(
  parts: readonly Keyed[],
  relationships: readonly Relationship[],
  catalog: Catalog,
  repairer: Repairer,
  mode: 'quarantine' | 'delete',
): Drafting {
  const goesWithOthers = ({ table, rows, orphaned: own }: Part) =>
    rows > own ||
    relationships.some(
      ({ child, parent }) =>
        isOf(child, table) && !isOf(parent, table) && parts.some((other) => isOf(other.table, parent)),
    )
  const keyless = parts.find((part) => part.key.length === 0 && goesWithOthers(part))
  if (keyless) {
    const table = quoted(nameOf(keyless.table, catalog))
    return { reason: `rows of ${table} would go with others, and some have no primary key to be found by` }
  }
  const taken = new Set([...catalog.tables, ...catalog.quarantine].map(({ schema, name }) => `${schema}.${name}`))
  const asides = parts.map(({ table }) => {
    const own = relationships.filter(({ child }) => isOf(child, table))
    const relation = asideOf(table, own.length === 1 ? (own[0]?.columns ?? []) : [], taken)
    taken.add(`${relation.schema}.${relation.name}`)
    return { ...relation, sqlName: sqlName(relation) }
  })
  const total = parts.reduce((sum, { rows }) => sum + rows, 0)
  const named = (rowsOf: (part: Part) => number) =>
    parts
      .filter((part) => rowsOf(part) > 0)
      .map((part) => `${pluralize(rowsOf(part), 'row')} of ${nameOf(part.table, catalog)}`)
      .join(', ')
  const others = named(({ rows, orphaned: own }) => rows - own)
  const what = `${named(({ orphaned: own }) => own)} without a parent${others === '' ? '' : `, and ${others} that would lose theirs`}`
  const where = asides.map((aside) => quoted(nameOf(aside, catalog))).join(', ')
  const deletions = parts.map(({ table, condition, key }, at) => {
    const keyOfRow = (row: string) => key.map((column) => `${row}.${identifier(column)}`).join(', ')
    // What a condition asks of other tables may be gone by the time. What was put aside has no index: it is read once, and not for each row.
    const those =
      key.length === 0
        ? condition('c')
        : `(${keyOfRow('c')}) in (select ${keyOfRow('a')} from ${asides[at]?.sqlName} a)`
    return `delete from ${sqlName(table)} as c where ${those}`
  })
  const draft: Draft = {
    ...common(total),
    what: mode === 'delete' ? `delete ${what}` : `put aside ${what}, in ${where}`,
    statements: [
      ...parts.map(
        ({ table, condition }, at) =>
          `create table ${asides[at]?.sqlName} as select c.* from ${sqlName(table)} c where ${condition('c')}`,
      ),
      ...deletions,
      ...(mode === 'delete' ? asides.map((aside) => `drop table ${aside.sqlName}`) : []),
    ],
    ...locksOf(
      catalog,
      repairer,
      parts.map(({ table }) => table),
      relationships.map(({ parent }) => parent),
    ),
    guards: parts.map((part) => guardOf(part, catalog)),
    // Given back in the other order.
    images: [...parts].reverse().map(
      ({ table, condition }): Images => ({
        table: sqlName(table),
        where: condition('c'),
        columns: storedColumns(catalog, table),
        key: [],
      }),
    ),
    undo: mode === 'delete' ? [] : asides.map((aside) => `drop table ${aside.sqlName}`),
    undone: `the rows are inserted again, from the journal${mode === 'delete' ? '' : `, and ${asides.length === 1 ? 'the table of what was put aside' : 'the tables of what was put aside'} dropped`}`,
  }
  return { draft }
}

/** The rows, and those that point at them through declared keys, and at those in turn; a table once. */
async function withDependents(roots: readonly Part[], reading: Reading): Promise<readonly Part[] | string> {
  const { catalog } = reading
  const parts = [...roots]
  const waiting = roots.map(({ table, condition }) => ({ table, condition, depth: 0 }))
  for (const { table, condition: goes, depth } of waiting) {
    const keys = catalog.foreignKeys.filter((key) => isOf(key.parent, table) && key.parentColumns.length > 0)
    for (const key of keys) {
      const condition = dependents(reading, key, goes)
      const at = parts.findIndex((part) => isOf(part.table, key.child))
      const known = parts[at]
      const further = await countOf(
        reading,
        key.child,
        known ? (alias) => `(${condition(alias)}) and (${known.condition(alias)}) is not true` : condition,
      )
      if (further === 0) continue
      if (depth === deepest)
        return `${agreeing(further, 'row', 'point')} at them from ${quoted(nameOf(key.child, catalog))}: decide what becomes of those first`
      if (known) {
        parts[at] = { ...known, condition: either(known.condition, condition), rows: known.rows + further }
      } else parts.push({ table: key.child, condition, rows: further, orphaned: 0 })
      waiting.push({ table: key.child, condition, depth: depth + 1 })
    }
  }
  return parts
}

/** Those that point at others come before them. */
function referencingFirst(parts: readonly Part[], catalog: Catalog): readonly Part[] {
  const left = [...parts]
  const ordered: Part[] = []
  while (left.length > 0) {
    const isFree = ({ table }: Part) =>
      !catalog.foreignKeys.some(
        ({ child, parent }) =>
          isOf(parent, table) && !isOf(child, table) && left.some((other) => isOf(other.table, child)),
      )
    // Where they point at each other, no order is right.
    const [next] = left.splice(Math.max(0, left.findIndex(isFree)), 1)
    if (next) ordered.push(next)
  }
  return ordered
}

/** The primary key by which rows are found again; none where one of them has no value in it. */
async function keyOf(reading: Reading, { table, condition }: Part): Promise<readonly string[]> {
  const found = findTable(reading.catalog, table)
  const key = found?.keys.find(({ primary }) => primary)
  if (!found || !key) return []
  if (!allowsNull(found, key)) return key.columns
  const without = (alias: string) => key.columns.map((column) => `${alias}.${identifier(column)} is null`).join(' or ')
  const rows = await countOf(reading, table, (alias) => `(${condition(alias)}) and (${without(alias)})`)
  return rows === 0 ? key.columns : []
}

/** Rows of a key's child whose parent is one that goes. */
function dependents(place: Place, key: ForeignKey, goes: Condition): Condition {
  return (alias) => {
    const inner = `${alias}0`
    return `exists (select 1 from ${sqlName(key.parent)} ${inner} where ${matching(place, key, inner, alias)} and (${goes(inner)}))`
  }
}

function isOf(one: Relation, other: Relation): boolean {
  return one.schema === other.schema && one.name === other.name
}

function guardOf({ table, condition, rows }: Part, catalog: Catalog): Guard {
  return {
    query: counting(table, condition),
    expected: rows,
    of: nameOf(table, catalog),
  }
}

function countOf(reading: Reading, table: Relation, condition: Condition): Promise<number> {
  return reading.count(counting(table, condition))
}

function counting(table: Relation, condition: Condition): string {
  return `select count(*) as rows from ${sqlName(table)} c where ${condition('c')}`
}

/** Columns whose values are stored, and given back as they were. */
function storedColumns(catalog: Catalog, table: Relation): readonly string[] {
  return (findTable(catalog, table)?.columns ?? []).filter(({ generated }) => !generated).map(({ name }) => name)
}

function asideOf(table: Relation, columns: readonly string[], taken: ReadonlySet<string>): Relation {
  const name = quarantineOf(table.name, columns)
  const isTaken = (candidate: string) => taken.has(`${table.schema}.${candidate}`)
  let free = name
  for (let more = 2; isTaken(free); more++) free = `${name}_${more}`
  return { schema: table.schema, name: free }
}

/** Nobody writes to the children meanwhile, nor adds the parents that they lack. */
function locksOf(
  catalog: Catalog,
  { locksTables }: Repairer,
  children: readonly Relation[],
  parents: readonly Relation[],
): Pick<Step, 'locks' | 'lock'> {
  const names = (tables: readonly Relation[]) => listed(tables.map((table) => nameOf(table, catalog)))
  if (!locksTables) return { locks: [], lock: 'the file, for writing' }
  const apart = parents.filter(
    (parent, at) =>
      !children.some((child) => isOf(child, parent)) &&
      findTable(catalog, parent) &&
      parents.findIndex((other) => isOf(other, parent)) === at,
  )
  return {
    locks: [
      ...children.map((table) => `lock table ${sqlName(table)} in share row exclusive mode`),
      ...apart.map((table) => `lock table ${sqlName(table)} in share mode`),
    ],
    lock: `SHARE ROW EXCLUSIVE on ${names(children)}${apart.length > 0 ? `, SHARE on ${names(apart)}` : ''}`,
  }
}

function common(rows: number) {
  return {
    class: 'data' as const,
    rows,
    seconds: Math.ceil(rows / rowsInSecond),
    alone: false,
    undoQueries: [],
  }
}
