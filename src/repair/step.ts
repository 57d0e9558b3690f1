import type { RepairClass } from '../contracts/repair-class.js'

/** What becomes of rows that have no parent. */
export const orphanModes = ['quarantine', 'null', 'delete'] as const

export type OrphanMode = (typeof orphanModes)[number]

/** Rows as they are before a step changes them, and what gives them back: they are inserted again, or their columns set. */
export interface Images {
  /** The table, as it is written in SQL. */
  readonly table: string
  /** A condition on the table's alias `c`. */
  readonly where: string
  readonly columns: readonly string[]
  /** The columns by which an update finds a row again; empty where rows are inserted. */
  readonly key: readonly string[]
}

/** Something that must be so when the step begins, or it is not carried out. */
export interface Guard {
  /** A query with one number, called `rows`. */
  readonly query: string
  readonly expected: number
  readonly of: string
}

/** A finding that a step mends, and its sentence. */
export interface Mended {
  readonly address: string
  readonly fingerprint: string
  readonly why: string
}

/** One step of a plan: all that it takes to carry it out, to tell of it and to take it back. Plain data: the journal holds it. */
export interface Step {
  readonly number: number
  readonly class: RepairClass
  /** The findings that it mends. */
  readonly findings: readonly Mended[]
  /** What is done, as an order. */
  readonly what: string
  /** Statements, or the command, in their order. */
  readonly statements: readonly string[]
  readonly command?: readonly string[]
  /** What is done about the file as a whole, and the new file, or the copy, that it makes. */
  readonly file?: { readonly action: 'recover' | 'roll-back'; readonly to: string }
  readonly service?: 'database-server' | 'api-server' | 'probe-user'
  /** Statements that take the locks, before anything is counted. */
  readonly locks: readonly string[]
  readonly lock: string
  /** How many rows it changes. */
  readonly rows: number | null
  /** How many rows it reads, about. */
  readonly reads?: number
  /** About how long it takes, in seconds. */
  readonly seconds: number | null
  readonly alone: boolean
  readonly guards: readonly Guard[]
  readonly images: readonly Images[]
  /** Queries that answer with statements which take it back, asked before the change. */
  readonly undoQueries: readonly string[]
  /** Statements that take it back, after what the queries and the images give. */
  readonly undo: readonly string[]
  readonly undone: string
  readonly leftovers?: string
}

/** What a step does, before it has its place and its finding. */
export type Draft = Omit<Step, 'number' | 'findings'>

/** The checks that found what a step mends. */
export function checksOf({ findings }: Step): string[] {
  return [...new Set(findings.map(({ address }) => address.slice(0, address.indexOf('#'))))]
}

/** The sentences of what a step mends. */
export function whyOf({ findings }: Step): string {
  return findings.map(({ why }) => why).join('; ')
}

/** What was found and no step mends. */
export interface Unmended {
  readonly address: string
  readonly why: string
  readonly next: readonly string[]
}

export interface Plan {
  readonly schemaVersion: 1
  /** A hash of the database's identity, the steps and their rows. */
  readonly id: string
  readonly dialect: 'sqlite' | 'postgres' | null
  readonly target: string
  readonly identity: string
  /** Why nothing may be changed there; null where it may. */
  readonly refusal: string | null
  readonly steps: readonly Step[]
  readonly unmended: readonly Unmended[]
}
