import type { Kysely } from 'kysely'
import { type Limits, type Stop, stopOf } from '../limits.js'
import type { TargetInfo, UnknownReason } from '../report.js'
import type { Catalog, ForeignKey, Relation, Table } from './catalog.js'

export type DialectName = 'sqlite' | 'postgres'

/** A database of any tables, whose values nobody knows the types of. */
export type AnyKysely = Kysely<Record<string, Record<string, unknown>>>

/** What came of opening a database. Only `opened` carries one; every other outcome says exactly why not. */
export type Opening = { readonly outcome: 'opened'; readonly database: Database; readonly ms: number } | Unopened

export type UnopenedOutcome =
  | 'missing'
  | 'not-a-file'
  | 'empty'
  | 'encrypted'
  | 'not-a-database'
  | 'damaged'
  | 'locked'
  | 'unreadable'
  | 'refused'
  | 'unresolved'
  | 'timeout'
  | 'closed'
  | 'wrong-service'
  | 'denied'
  | 'no-such-database'
  | 'too-many-connections'
  | 'starting'
  | 'tls'
  | 'other'
  | 'unavailable'
  | 'unsafe'
  | 'deadline'
  | 'interrupted'

export interface Unopened {
  readonly outcome: UnopenedOutcome
  /** What we tried to reach: a path, or host and port, or a socket. */
  readonly place: string
  /** The code of the engine or the system, as it is; empty where there is none. */
  readonly code: string
  /** The engine's or the system's own words, or ours where there are none. */
  readonly text: string
  readonly ms: number
}

/** What came of looking at something in an open database. */
export type Answer<T> = { readonly outcome: 'answered'; readonly value: T } | Failure

/** Why a look failed. With a `reason` it is an unknown; without one, the fault lies in what was looked at. */
export interface Failure {
  readonly outcome: 'failed'
  readonly reason: UnknownReason | null
  readonly code: string
  readonly text: string
}

/** Milliseconds that a fresh connection and its first query took. */
export interface RoundTrip {
  readonly connect: number
  readonly query: number
}

/** A child and its parent, declared as a foreign key or not. Columns correspond by position. */
export interface Relationship {
  readonly child: Relation
  readonly columns: readonly string[]
  readonly parent: Relation
  readonly parentColumns: readonly string[]
  /** `full`: a key that is null in part is a violation too. */
  readonly match: ForeignKey['match']
  /** The declared key's operators, where the catalog knows them. */
  readonly operators?: ForeignKey['operators']
}

/** One orphaned row: how to find it again, and the key that has no parent. */
export interface Orphan {
  readonly row: Readonly<Record<string, unknown>>
  readonly key: Readonly<Record<string, unknown>>
}

export interface Orphans {
  /** Rows whose key has no parent, confirmed in the tables themselves. */
  readonly rows: number
  readonly samples: readonly Orphan[]
  /** Rows that have no parent only when an index is asked: the index is damaged. */
  readonly phantoms: number
  /** Rows with a key at all. */
  readonly keyed: number
}

/** An open database, as one check sees it: bound to the check's time and signal. Everything here only reads. */
export interface Session {
  readonly dialect: DialectName
  readonly target: TargetInfo
  /** What the database declares. Read once a run. */
  catalog(): Promise<Answer<Catalog>>
  /** Runs queries in one short read-only transaction. */
  read<T>(work: (kysely: AnyKysely) => Promise<T>): Promise<Answer<T>>
  /** Tries each table; `touch: false` asks for the right to read alone. Answers by position. */
  readable(tables: readonly Table[], touch: boolean): Promise<readonly Answer<true>[]>
  /** How many rows a table holds. Counts that belong together come from one snapshot, where the engine has one. */
  count(table: Table): Promise<Answer<number>>
  /** Scans a relationship for rows whose parent is gone, and confirms them. */
  orphans(relationship: Relationship, samples: number): Promise<Answer<Orphans>>
  /** Connects afresh and asks one trivial question. */
  roundTrip(): Promise<Answer<RoundTrip>>
}

export interface Database {
  readonly target: TargetInfo
  session(limits: Limits): Session
  /** Ends every connection and child, and removes what was put on disk. Bounded; never throws. */
  close(): Promise<void>
}

/** Opens databases of one kind. */
export interface Dialect {
  readonly name: DialectName
  open(limits: Limits): Promise<Opening>
  /** What can be said of the target before, or without, reaching it. */
  readonly target: TargetInfo
}

/** The failure of a look whose signal was aborted. */
export function stopped(signal: AbortSignal): Failure & { readonly reason: Stop['reason'] } {
  const { reason, message } = stopOf(signal)
  return { outcome: 'failed', reason, code: '', text: message }
}
