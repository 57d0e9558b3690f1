import type { Relationship } from '../dialects/dialect.js'
import type { RepairClass } from './repair-class.js'

/** What mends a finding. A check only names it: `dbdoctor fix` plans and carries out. */
export type Repair = StatementRepair | OrphanRepair | FileRepair | ServiceRepair

export interface StatementRepair {
  readonly kind: 'statements'
  readonly class: Exclude<RepairClass, 'service'>
  /** What it does, as an order: `set the sequence forward`. */
  readonly what: string
  /** Whole statements, as they would be typed. */
  readonly statements: readonly string[]
  /** Whether they fail while a row violates what they promise: they come after what mends rows. */
  readonly validates?: boolean
  /** How many rows they change; where it would be another number, nothing is changed. */
  readonly rows?: number
  /** The strongest lock that it takes, and on what: `ACCESS EXCLUSIVE on "orders"`. */
  readonly lock: string
  /** Whether the statements refuse a transaction, as REINDEX CONCURRENTLY does. */
  readonly alone?: boolean
  /** A query that answers, before the change, with the statements that take it back. Left out where there is nothing to take back. */
  readonly undo?: string
  /** A query that answers with the statements that remove what a failed attempt left behind. */
  readonly leftovers?: string
}

/** Rows without a parent are put aside, set to null or deleted, as the user chose; with them what points at them. */
export interface OrphanRepair {
  readonly kind: 'orphans'
  readonly relationship: Relationship
  readonly rows: number
}

/** A file is recovered into a new one, or its hot journal rolled back once both were copied aside. */
export interface FileRepair {
  readonly kind: 'file'
  readonly action: 'recover' | 'roll-back'
}

/** Something that is started, or made, beside the database, by what the config says of it. */
export interface ServiceRepair {
  readonly kind: 'service'
  readonly service: 'database-server' | 'api-server' | 'probe-user'
  /** Of a probe user that is not there: it may be registered with the API. */
  readonly missing?: boolean
}
