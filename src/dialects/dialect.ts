import type { Kysely } from 'kysely'
import { type Limits, type Stop, stopOf } from '../limits.js'
import type { TargetInfo, UnknownReason } from '../report.js'
import type { Catalog, ForeignKey, Relation, Table } from './catalog.js'

export type DialectName = 'sqlite' | 'postgres'

/** A database of any tables, whose values nobody knows the types of. */
export type AnyKysely = Kysely<Record<string, Record<string, unknown>>>

/** What came of opening a database. Only `opened` carries one; every other outcome says exactly why not. */
export type Opening = Opened | Unopened

export interface Opened {
  readonly outcome: 'opened'
  readonly database: Database
  readonly ms: number
  /** What came of earlier attempts, where the run waited for a server that was not ready. */
  readonly waited?: readonly Unopened[]
}

/** Every situation has a name of its own; `other` carries the code and the text of one that nobody knows. */
export type UnopenedOutcome =
  | 'missing'
  | 'not-a-file'
  | 'empty'
  | 'encrypted'
  | 'not-a-database'
  | 'truncated'
  | 'damaged'
  | 'locked'
  | 'unreadable'
  // A server that can't be reached, or is not one of ours.
  | 'refused'
  | 'no-socket'
  | 'stale-socket'
  | 'socket-denied'
  | 'unresolved'
  | 'unreachable'
  | 'silent'
  | 'closed'
  | 'reset'
  | 'wrong-service'
  | 'no-tls'
  | 'tls'
  // A server that does not let this client in.
  | 'password-rejected'
  | 'no-password'
  | 'not-mapped'
  | 'not-admitted'
  | 'no-login'
  | 'no-such-role'
  | 'denied'
  | 'no-such-database'
  | 'database-closed'
  | 'bad-setting'
  // A server that lets nobody in just now.
  | 'too-many-connections'
  | 'starting'
  | 'recovering'
  | 'not-consistent'
  | 'shutting-down'
  | 'disk-full'
  | 'out-of-memory'
  | 'pooler-full'
  | 'behind-pooler'
  | 'mute'
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
  /** What a server was asked for. */
  readonly asked?: Asked
  readonly ms: number
}

/** Where a connection string leads, gaps filled as the driver fills them. */
export interface Asked {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly role: string
  /** What an environment variable filled in: `host from PGHOST`. */
  readonly filled: readonly string[]
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

/** Something that was seen of an unclean end: of a writer before this run, or of a server's process during it. */
export type Trace =
  | { readonly kind: 'hot-journal'; readonly at: string }
  | { readonly kind: 'wal-left-behind'; readonly frames: number; readonly at: string }
  | { readonly kind: 'crash-notice'; readonly text: string; readonly at: string }

/** An open database, as one check sees it: bound to the check's time and signal. Everything here only reads. */
export interface Session {
  readonly dialect: DialectName
  readonly target: TargetInfo
  /** Traces of an unclean end, up to now. Times are ISO 8601, UTC. */
  traces(): readonly Trace[]
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
