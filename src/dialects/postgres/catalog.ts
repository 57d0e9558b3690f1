import { identifier } from '../../values/text.js'
import {
  type Catalog,
  type CheckConstraint,
  type Column,
  type ForeignKey,
  groupBy,
  type Index,
  type Key,
  type Sequence,
  type Table,
  type Trigger,
} from '../catalog.js'
import type { AnyKysely } from '../dialect.js'
import { withoutQuarantine } from '../quarantine.js'
import {
  type ColumnTuple,
  checkQuery,
  collationQuery,
  columnQuery,
  enumerationQuery,
  type ForeignKeyRow,
  foreignKeyQuery,
  type IndexRow,
  indexQuery,
  type KeyRow,
  keyQuery,
  type NamedRow,
  operatorQuery,
  type RelationRow,
  relationQuery,
  schemaQuery,
  sequenceQuery,
  triggerQuery,
} from './catalog-queries.js'
import { rowsOfEach } from './rows-of-each.js'

/**
 * Reads what the database declares, from pg_catalog: a query a kind, joined here by oid. System objects, other sessions' temporary
 * ones and those that belong to an extension are left out. On a standby (`primary` false) unlogged tables hold nothing.
 */
export async function readCatalog(kysely: AnyKysely, primary: boolean): Promise<Catalog> {
  const [
    schemas,
    relations,
    columnRows,
    indexes,
    keyRows,
    collationRows,
    foreignKeys,
    operatorRows,
    checks,
    sequences,
    triggers,
    enumerationRows,
  ] = await rowsOfEach(
    kysely,
    schemaQuery,
    relationQuery,
    columnQuery,
    indexQuery,
    keyQuery,
    collationQuery,
    foreignKeyQuery,
    operatorQuery,
    checkQuery,
    sequenceQuery,
    triggerQuery,
    enumerationQuery,
  )
  const byOid = new Map(relations.map((row) => [row.oid, row]))
  const columns = new Map(columnRows.map((row) => [row.relation, row.columns]))
  const keys = groupBy(keyRows, ({ relation }) => relation)
  const collations = byNumber(collationRows)
  const operators = byNumber(operatorRows)
  const enumerations = new Set(enumerationRows.map(({ type }) => type))
  const names = new Map(columnRows.map((row) => [row.relation, byTheirNumbers(row.columns)]))
  const namesOf = (relation: number): Names => names.get(relation) ?? []

  return withoutQuarantine({
    defaultSchema: 'public',
    schemas: schemas.map(({ name }) => name),
    tables: relations.map((row) =>
      toTable(
        row,
        columns.get(row.oid) ?? [],
        (keys.get(row.oid) ?? []).map((key) => toKey(key, namesOf(row.oid), collations)),
        enumerations,
        primary,
      ),
    ),
    indexes: indexes.flatMap((row) => {
      const table = byOid.get(row.relation)
      return table ? toIndex(row, table, namesOf(row.relation)) : []
    }),
    foreignKeys: foreignKeys.flatMap((row) => {
      const child = byOid.get(row.relation)
      return child ? toForeignKey(row, child, namesOf(row.relation), namesOf(row.parent), operators) : []
    }),
    checks: checks.map(
      ({ schema, table, name, definition, validated, column }): CheckConstraint => ({
        name,
        table: { schema, name: table },
        definition: column === null ? definition : ofColumn(definition, column),
        validated,
      }),
    ),
    sequences: sequences.map(
      ({ schema, name, start, increment, owner }): Sequence => ({
        schema,
        name,
        start,
        increment,
        ownedBy: owner && { table: { schema: owner[0], name: owner[1] }, column: owner[2] },
      }),
    ),
    triggers: triggers.map(
      ({ schema, table, name, enabled }): Trigger => ({ name, table: { schema, name: table }, enabled }),
    ),
  })
}

/** What a domain says of a VALUE, said of a column. Texts and names in quotes are left as they are. */
function ofColumn(definition: string, column: string): string {
  const name = identifier(column)
  return definition.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|\bVALUE\b/g, (word) => (word === 'VALUE' ? name : word))
}

const kinds = { r: 'table', p: 'partitioned', f: 'foreign', v: 'view', m: 'materialized view' } as const

/** Names of columns by their numbers. */
type Names = readonly (string | undefined)[]
type Numbered = ReadonlyMap<number, NamedRow>

function byTheirNumbers(columns: readonly ColumnTuple[]): Names {
  const names: string[] = []
  for (const [number, name] of columns) names[number] = name
  return names
}

function byNumber(rows: readonly NamedRow[]): Numbered {
  return new Map(rows.map((row) => [row.oid, row]))
}

/** Numbers that are written as `1 2`. */
function numbersIn(text: string): number[] {
  return text === '' ? [] : text.split(' ').map(Number)
}

function toKey(row: KeyRow, names: Names, collations: Numbered): Key {
  const { primary, columns, collations: numbers, key_count: count, nulls_distinct: nullsDistinct } = row
  return {
    primary,
    columns: numbersIn(columns)
      .slice(0, count)
      .flatMap((number) => names[number] ?? []),
    collations: numbersIn(numbers)
      .slice(0, count)
      .map((number) => {
        const collation = collations.get(number)
        return collation ? [collation.schema, collation.name] : null
      }),
    nullsDistinct,
  }
}

function toTable(
  row: RelationRow,
  columns: readonly ColumnTuple[],
  keys: readonly Key[],
  enumerations: ReadonlySet<string>,
  primary: boolean,
): Table {
  const { schema, name, parent_schema, parent_name } = row
  return {
    schema,
    name,
    kind: row.partition && row.kind === 'r' ? 'partition' : kinds[row.kind],
    partitioned: row.kind === 'p',
    partitionOf: parent_schema !== null && parent_name !== null ? { schema: parent_schema, name: parent_name } : null,
    columns: columns.map(
      ([, column, type, nullable, generated, expression]): Column => ({
        name: column,
        type,
        enumerated: enumerations.has(type),
        nullable,
        generated,
        default: expression,
      }),
    ),
    keys,
    rowsEstimate: row.rows < 0 ? null : row.rows,
    bytesEstimate: row.bytes,
    addressable: true,
    stored: row.kind === 'r' && (primary || !row.unlogged),
  }
}

const constraintKinds = { p: 'primary key', u: 'unique', x: 'exclusion' } as const

function toIndex(row: IndexRow, { schema, name: table, partition }: RelationRow, names: Names): Index {
  const { name, unique, valid, ready, building, partial, expression } = row
  const numbers = numbersIn(row.keys).slice(0, row.key_count)
  return {
    schema,
    name,
    table,
    columns: numbers.map((number) => names[number] ?? null),
    unique,
    valid,
    ready,
    building,
    partial,
    expression,
    backs: row.backs && constraintKinds[row.backs],
    ofPartition: partition,
    attached: row.attached,
  }
}

const matches = { s: 'simple', f: 'full', p: 'partial' } as const

function toForeignKey(
  row: ForeignKeyRow,
  { schema, name: table, kind }: RelationRow,
  names: Names,
  parents: Names,
  operators: Numbered,
): ForeignKey {
  const { name, validated, enforced, deferrable } = row
  const named = (text: string, own: Names) => numbersIn(text).flatMap((number) => own[number] ?? [])
  return {
    name,
    child: { schema, name: table, partitioned: kind === 'p' },
    columns: named(row.columns, names),
    parent: { schema: row.parent_schema, name: row.parent_table, partitioned: row.parent_partitioned },
    parentColumns: named(row.parent_columns, parents),
    match: matches[row.match],
    validated,
    enforced,
    deferrable,
    operators: numbersIn(row.operators).flatMap((number) => {
      const operator = operators.get(number)
      return operator ? [{ schema: operator.schema, name: operator.name }] : []
    }),
    fault: null,
  }
}
