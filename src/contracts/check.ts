import type { z } from 'zod'
import type { DatabaseConfig } from '../config/database.js'
import type { GivenFor, Need } from '../config/given.js'
import type { DialectName, Opening, Session } from '../dialects/dialect.js'
import type { Http } from '../probes/http.js'
import type { Loading } from '../probes/keys.js'
import type { ProbeUser } from '../probes/sign-in.js'
import type { Measurement, RelationshipReport, Severity, SkipReason, UnknownReason } from '../report/report.js'
import type { Depth } from './depth.js'
import { type Layer, layerOf } from './layers.js'
import type { Repair } from './repair.js'

/** Folder and file name of the check: `integrity/foreign-keys`. */
export type CheckId = `${Layer}/${string}`

/** What a check stands on. `blocks: false` orders two checks without making one depend on the other's success. */
export type After = string | { readonly id: string; readonly blocks: false }

/** Turns evidence into the sentence that a user reads. */
type Sentence = (evidence: never) => string

/**
 * What to do about a finding, in this order: commands and statements as they would be typed, remarks as comments, in small letters;
 * sentences begin with a capital letter.
 */
type Steps = (evidence: never) => readonly string[]

/**
 * A finding's sentence; its severity where that differs from the check's, or depends on the evidence; the next steps; and what
 * `dbdoctor fix` may do about it.
 */
export interface Wording {
  readonly severity?: Severity | ((evidence: never) => Severity)
  readonly say: Sentence
  readonly next?: Steps
  readonly repair?: (evidence: never) => readonly Repair[]
}

export type Message = Sentence | Wording

type EvidenceOf<M> = M extends (evidence: infer E) => string
  ? E
  : M extends { say: (evidence: infer E) => string }
    ? E
    : never
type Arguments<M> = unknown extends EvidenceOf<M> ? [] : [evidence: EvidenceOf<M>]

/**
 * Counts what a check looked at, and names what it could not look at and why, and with which steps it could. An optional gap is said, and
 * keeps nobody from passing.
 */
export interface Coverage {
  examined(count?: number): void
  missing(object: string, reason: UnknownReason, detail: string, optional?: boolean, next?: readonly string[]): void
}

/** Everything that a check is given. A check has no other access to the world. */
export interface CheckContext<M, O, N extends Need = Need> {
  readonly options: O
  /** The parts of the config that the check needs, their references to the environment replaced. */
  readonly given: GivenFor<N>
  /** The `database` part of the config: expectations, declared relationships. */
  readonly config: DatabaseConfig
  readonly depth: Depth
  /** How many samples a finding may carry, and how often a latency is measured. */
  readonly samples: number
  /** The open database, bound to this check's time and signal. For checks that stand on the connection layer. */
  readonly db: Session
  /** Opens the database, once a run, and answers with what happened. For checks of the connection layer. */
  readonly connect: () => Promise<Opening>
  /** Asks the API server, or whatever else has an absolute URL. Answers are data, whatever happens. */
  readonly http: Http
  /** The probe user, who signs in once a run. For checks that need a `session`. */
  readonly user: ProbeUser
  /** Loads the keys of the config, once a run; null where it has none. For checks that need `jwt`. */
  readonly keys: () => Promise<Loading | null>
  /** Aborted when the check's time is up or the run is interrupted. */
  readonly signal: AbortSignal
  report<C extends keyof M & string>(code: C, ...evidence: Arguments<M[C]>): void
  /** `of`: how many there are, where what is missing may be a part of one. Else they are those examined and those missing. */
  coverage(unit: string, of?: number): Coverage
  measure(measurement: Measurement): void
  /** Says of a relationship that it was looked at. */
  relationship(relationship: RelationshipReport): void
  /** Adds to a figure of the report: `schema.tables`. Checks that count parts of one thing add up. */
  fact(name: string, value: number): void
  /** What the check saw, in a few words, where no count of parts tells it: `HS256, 15 min`. */
  saw(what: string): void
  /** How something was scanned, and why so: `both indexes read side by side`. */
  planned(object: string, how: string): void
  /** Whom the check looks for or signs in as: a name, never a password. */
  probe(name: string): void
  /** What was seen of something that the config promises: `access token lifetime`, `15 minutes`. */
  observed(promise: string, what: string): void
  /** Something behaved in the way that the config declares as expected. */
  expected(): void
  skip(reason: SkipReason, detail: string): void
}

type Run<M, O, N extends Need> = (context: CheckContext<M, O, N>) => void | Promise<void>

export interface Check<
  M extends Record<string, Message> = Record<string, Message>,
  O = unknown,
  N extends Need = Need,
> {
  readonly id: CheckId
  /** What is true when all is well. */
  readonly title: string
  /** The severity of its findings, unless a message says otherwise. */
  readonly severity: Severity
  readonly after: readonly After[]
  /** Parts of the config without which it has nothing to do; with a question mark, parts that it uses where they are. */
  readonly needs?: readonly N[]
  /** The least depth at which it runs; `quick` by default. */
  readonly depth?: Depth
  /** The strongest lock that it takes on PostgreSQL; that of a reader, `ACCESS SHARE`, by default. */
  readonly lock?: string
  readonly docs: { readonly why: string; readonly fix: string }
  /** What people can do while it holds, in the words of an incident summary: `User login`. */
  readonly capability?: string
  /** What the config promises of what it observes, by name and in words; also of a check that could not run. */
  promises?(given: GivenFor<N>): Readonly<Record<string, string | undefined>>
  readonly options?: z.ZodType<O>
  readonly messages: M
  /** One function, or one a dialect; a missing dialect means that the check does not apply there. */
  readonly run: Run<M, O, N> | Partial<Record<DialectName, Run<M, O, N>>>
}

/** A check of any messages and options, as registries and runners hold it. */
// biome-ignore lint/suspicious/noExplicitAny: a list of checks holds checks of every shape
export type AnyCheck = Check<any, any, any>

/**
 * Declares a check. The codes that `report` accepts, and the evidence that each one needs, are inferred from `messages`.
 *
 * @example
 * export default defineCheck({
 *   id: 'schema/audit-table',
 *   title: 'The audit table is there',
 *   severity: 'error',
 *   after: ['connection/opens'],
 *   docs: { why: 'Without it no change can be traced.', fix: 'Run the migrations.' },
 *   messages: { missing: ({ table }: { table: string }) => `table "${table}" is missing` },
 *   async run({ db, report }) { … },
 * })
 */
export function defineCheck<const M extends Record<string, Message>, O = Record<string, never>, N extends Need = never>(
  check: Check<M, O, N>,
): Check<M, O, N> {
  return check
}

/** The ids of a check's `after` that block it when they fail, and those that only come first. */
export function prerequisites(check: AnyCheck): { readonly id: string; readonly blocks: boolean }[] {
  return check.after.map((entry) => (typeof entry === 'string' ? { id: entry, blocks: true } : entry))
}

/** Checks that are handed an open database. */
export function standsOnConnection(check: AnyCheck): boolean {
  return prerequisites(check).some(({ id }) => layerOf(id) === 'connection')
}

/** Checks that have nothing to do where no database is configured. */
export function usesDatabase(check: AnyCheck): boolean {
  return layerOf(check.id) === 'connection' || standsOnConnection(check)
}
