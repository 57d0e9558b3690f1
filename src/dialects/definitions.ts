import type { UnknownReason } from '../report/report.js'
import type { Relation } from './catalog.js'

/** What a database declares by name and definition. What belongs to a table comes after it, in this order. */
export const definitionKinds = [
  'table',
  'foreign table',
  'virtual table',
  'view',
  'materialized view',
  'column',
  'constraint',
  'index',
  'trigger',
  'policy',
  'sequence',
  'type',
  'function',
] as const

export type DefinitionKind = (typeof definitionKinds)[number]

/**
 * One thing that a database declares. Two that have the same definition are the same, whoever made them, when, and in which order: a
 * definition holds no number of the engine's own, no time, and nothing that depends on who asks.
 */
export interface Definition extends Pick<Relation, 'schema' | 'name'> {
  /** What it belongs to: a column's table, an index's. */
  readonly table?: string | undefined
  readonly kind: DefinitionKind
  readonly definition: string
  /** Somebody is building it, or stopped half-way: it is there, and nothing to expect of another database. */
  readonly unfinished?: true | undefined
}

/** Everything that a database declares by name and definition: plain data. */
export interface Definitions {
  readonly objects: readonly Definition[]
  /** Kinds that could not be read, and why. */
  readonly gaps: readonly { readonly kind: DefinitionKind; readonly reason: UnknownReason; readonly detail: string }[]
  /** The schema that needs no prefix when a name is printed. */
  readonly defaultSchema: string
}

/** Whether it is something that has a name of its own among tables and views. */
export function isRelation({ kind }: Pick<Definition, 'kind'>): boolean {
  return definitionKinds.indexOf(kind) < definitionKinds.indexOf('column')
}

/** The order of definitions, whatever the locale: by schema, each table followed by what belongs to it. */
export function byPlace(a: Definition, b: Definition): number {
  const [left, right] = [placeOf(a), placeOf(b)]
  const at = left.findIndex((part, index) => part !== right[index])
  return at < 0 ? 0 : (left[at] ?? '') < (right[at] ?? '') ? -1 : 1
}

function placeOf(one: Definition): readonly (string | number)[] {
  const { schema, table, kind, name, definition } = one
  return [schema, table ?? (isRelation(one) ? name : ''), definitionKinds.indexOf(kind), name, definition]
}
