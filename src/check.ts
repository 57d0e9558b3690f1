import type { z } from 'zod'
import type { DatabaseConfig } from './config.js'
import type { Depth } from './depth.js'
import type { DialectName, Opening, Session } from './dialects/dialect.js'
import type { Measurement, Severity, SkipReason, UnknownReason } from './report.js'

/** The layers of a report, bottom up: what stands on what. */
export const layers = [
  'connection',
  'storage',
  'activity',
  'schema',
  'integrity',
  'server',
  'auth',
  'external',
] as const
export type Layer = (typeof layers)[number]

/** Folder and file name of the check: `integrity/foreign-keys`. */
export type CheckId = `${Layer}/${string}`

/** What a check stands on. `blocks: false` orders two checks without making one depend on the other's success. */
export type After = string | { readonly id: string; readonly blocks: false }

/** Turns evidence into the sentence that a user reads. */
type Sentence = (evidence: never) => string

/** A finding's sentence, and its severity where that differs from the check's. A function where it depends on the evidence. */
export type Message =
  | Sentence
  | { readonly severity: Severity | ((evidence: never) => Severity); readonly say: Sentence }

type EvidenceOf<M> = M extends (evidence: infer E) => string
  ? E
  : M extends { say: (evidence: infer E) => string }
    ? E
    : never
type Arguments<M> = unknown extends EvidenceOf<M> ? [] : [evidence: EvidenceOf<M>]

/** Counts what a check looked at, and names what it could not look at and why. An optional gap is said, and keeps nobody from passing. */
export interface Coverage {
  examined(count?: number): void
  missing(object: string, reason: UnknownReason, detail: string, optional?: boolean): void
}

/** Everything that a check is given. A check has no other access to the world. */
export interface CheckContext<M, O> {
  readonly options: O
  /** The `database` part of the config: expectations, declared relationships. */
  readonly config: DatabaseConfig
  readonly depth: Depth
  /** How many samples a finding may carry, and how often a latency is measured. */
  readonly samples: number
  /** The open database, bound to this check's time and signal. For checks that stand on the connection layer. */
  readonly db: Session
  /** Opens the database, once a run, and answers with what happened. For checks of the connection layer. */
  readonly connect: () => Promise<Opening>
  /** Aborted when the check's time is up or the run is interrupted. */
  readonly signal: AbortSignal
  report<C extends keyof M & string>(code: C, ...evidence: Arguments<M[C]>): void
  coverage(unit: string): Coverage
  measure(measurement: Measurement): void
  /** Adds to a figure of the report: `schema.tables`. Checks that count parts of one thing add up. */
  fact(name: string, value: number): void
  skip(reason: SkipReason, detail: string): void
}

type Run<M, O> = (context: CheckContext<M, O>) => void | Promise<void>

export interface Check<M extends Record<string, Message> = Record<string, Message>, O = unknown> {
  readonly id: CheckId
  /** What is true when all is well. */
  readonly title: string
  /** The severity of its findings, unless a message says otherwise. */
  readonly severity: Severity
  readonly after: readonly After[]
  /** The least depth at which it runs; `quick` by default. */
  readonly depth?: Depth
  readonly docs: { readonly why: string; readonly fix: string }
  readonly options?: z.ZodType<O>
  readonly messages: M
  /** One function, or one a dialect; a missing dialect means that the check does not apply there. */
  readonly run: Run<M, O> | Partial<Record<DialectName, Run<M, O>>>
}

/** A check of any messages and options, as registries and runners hold it. */
// biome-ignore lint/suspicious/noExplicitAny: a list of checks holds checks of every shape
export type AnyCheck = Check<any, any>

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
export function defineCheck<const M extends Record<string, Message>, O = Record<string, never>>(
  check: Check<M, O>,
): Check<M, O> {
  return check
}

/** The layer that a check belongs to, by its id. */
export function layerOf(id: string): Layer {
  return id.slice(0, id.indexOf('/')) as Layer
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
