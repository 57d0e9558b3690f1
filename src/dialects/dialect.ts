import type { Kysely, RawBuilder } from 'kysely'
import { type Limits, type Stop, stopOf } from '../contracts/limits.js'
import type { TargetInfo, UnknownReason } from '../report/report.js'
import type { Catalog, ForeignKey, Relation, Table } from './catalog.js'
import type { Definitions } from './definitions.js'
import type { Repairer } from './repairer.js'

export type DialectName = 'sqlite' | 'postgres'

/** A database of any tables, whose values nobody knows the types of. */
export type AnyKysely = Kysely<Record<string, Record<string, unknown>>>

/** What came of opening a database. Only `opened` carries one; every other outcome says exactly why not. */
export type Opening = Opened | Unopened

export interface Opened {
  readonly outcome: 'opened'
  readonly database: Database
  readonly ms: number
  /** What was noticed while opening it that is no fault of the opening. */
  readonly remarks?: readonly Remark[]
  /** What came of earlier attempts, where the run waited for a server that was not ready. */
  readonly waited?: readonly Unopened[]
  /** For how long it waited, in milliseconds. */
  readonly waitedFor?: number
}

/** Something that the engine or the system says of a database that opens. */
export interface Remark {
  /**
   * `kept-exclusive`: others are kept out; `writer-stopped`: who has the write lock does not go on; `server-warning`: the server's own words;
   * `read-only`: by its settings it takes no writes; `role-read-only`: none of this role; `search-path`: schemas that this role's search path
   * names, and that are not there; `replica-used`, `replica-unused`: rows are read on a standby, or could not be.
   */
  readonly kind:
    | 'kept-exclusive'
    | 'writer-stopped'
    | 'server-warning'
    | 'read-only'
    | 'role-read-only'
    | 'search-path'
    | 'replica-used'
    | 'replica-unused'
  readonly text: string
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
  | 'statement-timeout'
  // A server that lets nobody in just now.
  | 'too-many-connections'
  | 'role-limit'
  | 'database-limit'
  | 'starting'
  | 'recovering'
  | 'not-consistent'
  | 'shutting-down'
  | 'disk-full'
  | 'out-of-memory'
  | 'pooler-full'
  | 'pool-full'
  | 'unknown-to-pooler'
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
  /** What makes a database of it, or finds the one that was meant: commands and sentences as they would be typed. */
  readonly remedies?: readonly string[]
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
  /** Of a foreign key alone: its operators, null where the catalog knows none. */
  readonly operators?: ForeignKey['operators']
  /** The child's rows of one kind alone: those with this value in this column. */
  readonly kind?: { readonly column: string; readonly value: string }
  /** Values of the one column that mean "none", as text: rows that hold one have no key. */
  readonly none?: readonly string[]
}

/** Whether the database itself declares it, as a foreign key. */
export function isDeclared({ operators }: Relationship): boolean {
  return operators !== undefined
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
  readonly unconfirmed: number
  /** Rows that have no parent only as an index of the child has their key: that index is damaged. */
  readonly misread: number
  /** Rows with a key at all; not counted for a foreign key. */
  readonly keyed: number
  /** How they were looked for, and why so, in words. */
  readonly plan: string
  /** Why a part of the rows was not compared, and which part was: there are at least so many. Absent where all of them were. */
  readonly gap?: { readonly reason: UnknownReason; readonly detail: string }
}

/** Something that was seen of an unclean end: of a writer before this run, or of a server's process during it. */
export type CrashTrace =
  | { readonly kind: 'hot-journal'; readonly at: string }
  | {
      readonly kind: 'wal-left-behind'
      /** Frames that the next open replays, and committed ones behind a broken checksum that it does not. */
      readonly frames: number
      readonly lost: number
      /** Why the log seems to belong to another state of the file. */
      readonly mismatch: 'rollback-header' | 'older-than-file' | null
      readonly at: string
    }
  /** The file says that it has a log, and none is there: it was closed, or copied without it. */
  | { readonly kind: 'wal-absent'; readonly at: string }
  /** The server, or this run's sessions, were gone while they were needed, and somebody answered again. */
  | { readonly kind: 'gone-meanwhile'; readonly at: string; readonly opened: string }
  | { readonly kind: 'crash-notice'; readonly text: string; readonly at: string }

/** A fault of stored pages, or of a b-tree that leads to rows. */
export interface PageFault {
  readonly kind: 'index-damaged' | 'page-damaged' | 'truncated' | 'value-differs' | 'wal-mismatch'
  readonly schema: string
  /** Undefined where the fault is the file's. */
  readonly table: string | undefined
  readonly index: string | undefined
  /** The first problem in the engine's words, or ours where it has none. */
  readonly text: string
  /** Problems of this kind there, the first included. */
  readonly problems: number
  /** What repairs it, once the data is copied and the cause is known: commands and statements as they would be typed. */
  readonly repair: readonly string[]
}

/** What came of looking at the pages of one thing. */
export interface PageLook {
  /** `table`: one that a user would count, its indexes included; `indexes`: the b-trees of all tables. */
  readonly part: 'table' | 'system' | 'indexes' | 'file'
  readonly object: string
  readonly faults: readonly PageFault[]
  /** Why it was not looked at, or not at all of it. */
  readonly gap: { readonly reason: UnknownReason; readonly detail: string; readonly optional: boolean } | null
}

/** The room on a disk, in bytes. */
export interface Disk {
  readonly place: string
  /** What somebody without privileges may still use. */
  readonly free: number
  readonly size: number
}

/** What of a write-ahead log no checkpoint has written back. */
export interface Backlog {
  /** The log's name. */
  readonly log: string
  readonly bytes: number
  /** Who reads what was there before, in words; null where nobody does, or the system does not tell. */
  readonly reader: string | null
}

/** Which pages are looked at, and how thoroughly. */
export interface PageScope {
  readonly deep: boolean
  /** The schemas looked at beside the engine's own; all where undefined. */
  readonly schemas: readonly string[] | undefined
}

/** Statements without parameters, as `set local …; set local …`; null where the engine has none to make. */
export type TransactionSettings = RawBuilder<unknown> | null

/** Runs queries in one short read-only transaction, under settings that end with it: those are made by the message that begins it. */
export type Read = <T>(work: (kysely: AnyKysely) => Promise<T>, settings?: TransactionSettings) => Promise<Answer<T>>

/** An open database, as one check sees it: bound to the check's time and signal. Everything here only reads. */
export interface Session {
  readonly dialect: DialectName
  readonly target: TargetInfo
  /** Traces of an unclean end, up to now. Times are ISO 8601, UTC. */
  crashTraces(): readonly CrashTrace[]
  /** What the database declares. Read once a run. */
  catalog(): Promise<Answer<Catalog>>
  /** What the database declares, by name and definition: more than the catalog holds, and read anew at each call. */
  definitions(): Promise<Answer<Definitions>>
  readonly read: Read
  /** As `read`, for what reads many rows: where a reader's lock keeps writers waiting, it goes on in a private copy or not at all. */
  scan<T>(work: (kysely: AnyKysely) => Promise<T>, deep: boolean, settings?: TransactionSettings): Promise<Answer<T>>
  /**
   * Runs statements that write, and keeps nothing of it: on PostgreSQL in one transaction as any client's, which is always rolled back, so
   * that triggers fire and sequences advance; on SQLite each by itself in a private copy, which is removed. What a commit would refuse is
   * refused at once.
   */
  rehearse<T>(work: (kysely: AnyKysely) => Promise<T>): Promise<Answer<T>>
  /** Tries each table; `touch: false` asks for the right to read alone. Answers by position. */
  readable(tables: readonly Table[], touch: boolean): Promise<readonly Answer<true>[]>
  /**
   * Asks a statement of each table or view, settings as of `read`, as many in one message as the engine takes: statements that take a moment
   * each. Answers for those of which that went well; the others are for whoever asks to ask one by one.
   */
  together<Row>(
    statements: ReadonlyMap<Table, RawBuilder<Row>>,
    settings?: TransactionSettings,
  ): Promise<ReadonlyMap<Table, readonly Row[]>>
  /** How many rows a table holds. Counts that belong together come from one snapshot, where the engine has one. */
  count(table: Table): Promise<Answer<number>>
  /** Scans a relationship for rows whose parent is gone, and confirms them. It may be compared together with those that are asked about beside it. */
  orphans(relationship: Relationship, samples: number, beside?: readonly Relationship[]): Promise<Answer<Orphans>>
  /** Looks at stored pages and b-trees, one table after the other, so that one that is damaged hides no other. */
  pages(scope: PageScope): AsyncIterable<PageLook>
  /** Databases of the same name near by that hold tables; none where a database is no file. */
  namesakes(): Promise<readonly { readonly path: string; readonly tables: number }[]>
  /** The room on the disk that holds the database; null where it cannot be seen from here. */
  disk(): Promise<Disk | null>
  /** What waited for a checkpoint when it was opened; null where that cannot be seen from here. */
  backlog(): Promise<Backlog | null>
  /** Connects afresh and asks one trivial question. */
  roundTrip(): Promise<Answer<RoundTrip>>
}

export interface Database {
  readonly target: TargetInfo
  session(limits: Limits): Session
  /** Whether a connection was lost that nobody here has ended. */
  lost(): boolean
  /** Ends every connection and child, and removes what was put on disk. Bounded; never throws. */
  close(): Promise<void>
}

/** Opens databases of one kind. */
export interface Dialect {
  readonly name: DialectName
  /** Whether a database has schemas to choose from. */
  readonly hasSchemas: boolean
  open(limits: Limits): Promise<Opening>
  /** What can be said of the target before, or without, reaching it. */
  readonly target: TargetInfo
  /** What it was given to get in, and what nobody else should read. */
  readonly secrets: readonly string[]
  /** Opens it for writing. Throws what the driver throws. */
  repairer(): Promise<Repairer>
  /** Ends what was begun before anybody opened it. */
  dismiss(): Promise<void>
}

/** A scan that came to no end: an answer all the same, where it has found something until then. */
export function unfinished(failure: Failure, found: Orphans): Answer<Orphans> {
  if (failure.reason === null || found.rows === 0) return failure
  return { outcome: 'answered', value: { ...found, gap: { reason: failure.reason, detail: failure.text } } }
}

/** The failure of a look whose signal was aborted. */
export function stopped(signal: AbortSignal): Failure & { readonly reason: Stop['reason'] } {
  const { reason, message } = stopOf(signal)
  return { outcome: 'failed', reason, code: '', text: message }
}
