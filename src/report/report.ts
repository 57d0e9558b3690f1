import type { Depth } from '../contracts/depth.js'
import type { Layer } from '../contracts/layers.js'
import type { RepairClass } from '../contracts/repair-class.js'

/** The version of the JSON contract: additions keep it, renames and removals raise it. */
export const schemaVersion = 1

export type Severity = 'error' | 'warning' | 'info'
export type Status = 'pass' | 'warn' | 'fail' | 'expected' | 'skip' | 'crash'

/** Why nobody looked, where nobody had to. */
export const knownReasons = ['not-applicable', 'not-configured', 'deselected'] as const
/** Why somebody wanted to look and could not. */
export const unknownReasons = ['blocked', 'no-permission', 'unavailable', 'unsafe', 'deadline', 'interrupted'] as const
export type UnknownReason = (typeof unknownReasons)[number]
export type SkipReason = (typeof knownReasons)[number] | UnknownReason

/** JSON, and nothing else: no Error, Date, Map or bigint. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain }

export interface Finding {
  /** `<check id>#<code>`: the same in config, ignore list, JUnit, SARIF and diagnoses. */
  readonly address: string
  readonly severity: Severity
  readonly message: string
  readonly evidence: { readonly [key: string]: Plain }
  /** What to do, in this order: commands and statements as they would be typed. */
  readonly next?: readonly string[]
  /** Stable across runs and row counts. */
  readonly fingerprint: string
  /** Accepted in writing: it sets no exit code, and stays in sight. */
  readonly suppressed?: { readonly by: 'baseline' | 'ignore'; readonly reason: string; readonly expires?: string }
  /** Known, and worse than what was accepted: that many rows. */
  readonly worse?: { readonly accepted: number }
}

/** Something that was accepted, and what has become of it. */
export interface AcceptedEntry {
  readonly by: 'baseline' | 'ignore'
  readonly address: string
  /** The finding's own words, or the objects that are ignored. */
  readonly what: string
  readonly reason: string
  readonly expires?: string
}

export interface Acceptance {
  /** Accepted, and no longer found. */
  readonly stale: readonly AcceptedEntry[]
  /** Found again after the day until which it was accepted. */
  readonly expired: readonly AcceptedEntry[]
}

/** What a check looked at, and what it could not look at. */
export interface CoverageReport {
  readonly examined: number
  readonly of: number
  readonly unit: string
  readonly missing: readonly {
    readonly object: string
    readonly reason: UnknownReason
    readonly detail: string
    /** Said and counted, but nobody asked for it, or its absence was accepted in the config. */
    readonly optional?: true
    /** What to do so that it can be looked at, in this order. */
    readonly next?: readonly string[]
  }[]
}

/** A statement as it was sent, its values left out and cut where it is long, and how long its answer took, in milliseconds. */
export interface SlowStatement {
  readonly statement: string
  readonly ms: number
}

export interface Measurement {
  readonly name: string
  readonly value: number
  readonly unit: 'ms'
  readonly budget?: number
  /** How many samples the value stands on. */
  readonly n: number
}

/** A relationship that a check looked at, declared or not. */
export interface RelationshipReport {
  readonly child: string
  readonly columns: readonly string[]
  readonly parent: string
  readonly parentColumns: readonly string[]
  readonly declared: boolean
  /** How sure it is that the one refers to the other, from 0 to 1. */
  readonly confidence: number
  readonly because: readonly string[]
}

export interface Result {
  readonly id: string
  readonly layer: Layer
  readonly title: string
  readonly status: Status
  /** Whether an unknown here keeps the run from exit 0: named by `--only`, configured, or in a layer that is always asked for. */
  readonly asked: boolean
  /** What the check saw, in a few words. */
  readonly saw?: string
  /** How it scanned what it scanned. */
  readonly plans?: readonly Plan[]
  /** The statements that took longest, the slowest first: those of 10 ms and more, three at most. */
  readonly slowest?: readonly SlowStatement[]
  /** Whom it looked for or signed in as: a name, never a password. */
  readonly probe?: string
  /** What people can do while it passes: `User login`. */
  readonly capability?: string
  /** What the config promises, and what was seen of it; nothing where nothing was. */
  readonly promises?: readonly { readonly name: string; readonly promised: string; readonly observed?: string }[]
  /** Milliseconds. */
  readonly ms: number
  readonly findings: readonly Finding[]
  readonly coverage?: CoverageReport
  readonly skip?: { readonly reason: SkipReason; readonly detail: string }
  /** What the check threw; `stack` is where, innermost first. */
  readonly error?: { readonly name: string; readonly message: string; readonly stack?: readonly string[] }
  /** Why the check exists and how to mend what it finds, where it found something. */
  readonly docs?: { readonly why: string; readonly fix: string }
  readonly measurements: readonly Measurement[]
  /** What a check of relationships looked at, each of them. */
  readonly relationships?: readonly RelationshipReport[]
}

/** What was examined. Never a password. */
export interface TargetInfo {
  readonly dialect: 'sqlite' | 'postgres'
  readonly name: string
  readonly version?: string
  readonly host?: string
  readonly port?: number
  readonly database?: string
  readonly role?: string
  /** What the connection string left open and an environment variable filled in: `host from PGHOST`. */
  readonly filled?: readonly string[]
  /** How an address that is written as another tool has it was understood. */
  readonly understood?: string
  readonly primary?: boolean
  readonly pooler?: boolean
}

export type VerdictStatus = 'healthy' | 'degraded' | 'unhealthy' | 'inconclusive'
export type DatabaseState = 'intact' | 'damaged' | 'unreachable' | 'unverified'

export interface Verdict {
  readonly status: VerdictStatus
  readonly database: DatabaseState
  readonly headline: string
}

/** One cause of what was found. The first of a report is the root cause. */
export interface Cause {
  readonly id: string
  readonly headline: string
  /** The answers that led here, computed from the results. */
  readonly because: readonly string[]
  /** Addresses of errors and warnings that follow from it, and are no causes of their own: `auth/login#erroring`. */
  readonly explains?: readonly string[]
  readonly next: readonly string[]
}

/** One way in which something was scanned. */
export interface Plan {
  /** The way, and why it is this one. */
  readonly how: string
  /** What was scanned so. */
  readonly objects: readonly string[]
}

/** A number that differs from an earlier run of the same history. */
export interface Change {
  /** The name of a fact, or the address of a finding. */
  readonly name: string
  /** The object that the finding is about. */
  readonly object?: string
  /** What is counted: rows of a finding, findings that count no rows, or whatever a fact counts. */
  readonly of: 'fact' | 'rows' | 'findings'
  readonly from: number
  readonly to: number
  /** The start of the first run that saw it so, where this is not the one. ISO 8601, UTC. */
  readonly since?: string
}

/** How this run compares with those before it, where a history was kept. */
export interface Trend {
  /** How many earlier runs of the same target it stands on. */
  readonly runs: number
  /** The start of the oldest of them. ISO 8601, UTC. Null where this is the first. */
  readonly since: string | null
  readonly verdict?: { readonly from: VerdictStatus; readonly since?: string }
  readonly changes: readonly Change[]
}

export interface Counts extends Readonly<Record<Status, number>> {
  /** Checks that asked for something and could not learn it, wholly or in part. */
  readonly unknown: number
}

/** A run of dbdoctor as plain data: the contract that every reporter and every outsider reads. */
export interface Report {
  readonly schemaVersion: typeof schemaVersion
  readonly tool: { readonly name: 'dbdoctor'; readonly version: string }
  readonly exitCode: number
  /** False when the run was interrupted. */
  readonly complete: boolean
  readonly depth: Depth
  /** The config file, from the working directory, and the line that asked for each check, where it has one. */
  readonly config?: { readonly path: string; readonly lines: { readonly [id: string]: number } }
  /** Null when no database was configured. */
  readonly target: TargetInfo | null
  /** The address of the API server, where one is configured. */
  readonly api?: string
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly ms: number
  readonly verdict: Verdict
  readonly causes: readonly Cause[]
  readonly facts: { readonly [name: string]: number }
  readonly counts: Counts
  /** What has become of what was accepted, where something was. */
  readonly acceptance?: Acceptance
  /** Where a history was kept. */
  readonly trend?: Trend
  /** What `dbdoctor fix` has done before this run, in its order. */
  readonly fixes?: readonly Fix[]
  readonly results: readonly Result[]
}

/** A step of a repair, and what came of it. */
export interface Fix {
  readonly step: number
  readonly class: RepairClass
  readonly what: string
  /** The findings that it was for, and their sentences. */
  readonly addresses: readonly string[]
  readonly before: string
  readonly outcome: 'applied' | 'applied-before' | 'failed'
  /** How many rows were changed. */
  readonly rows?: number
  /** What was seen afterwards. */
  readonly after?: string
  /** Why it failed. */
  readonly text?: string
  /** The file that takes what was started prints. */
  readonly log?: string
}

/** A report but for its exit code, which whoever asked decides. */
export type Examination = Omit<Report, 'exitCode'>

/** What became of a finding from one report to another. `unknown`: one of them did not look at everything, so that nobody can say. */
export const fates = ['new', 'worse', 'unknown', 'better', 'fixed', 'unchanged'] as const
export type Fate = (typeof fates)[number]

/** A finding of either of two reports. */
export interface Difference {
  readonly fate: Fate
  readonly address: string
  readonly fingerprint: string
  /** The graver one, where the reports differ. */
  readonly severity: Severity
  /** As the later of the reports that have it says it. */
  readonly message: string
  /** By a baseline or the config of the later of them. */
  readonly accepted: boolean
  /** How many rows each report counts; null in a report without it, where it counts none, and where it counts a part of them. */
  readonly rows: { readonly before: number | null; readonly after: number | null }
  /** What makes it unknown; or why something new may be old: the first report did not look. */
  readonly detail?: string
}

/** A check whose status differs, or that is in one of two reports alone. */
export interface StatusChange {
  readonly id: string
  readonly title: string
  readonly before: Status | null
  readonly after: Status | null
  /** It was asked again, could not tell, and had more to say before. */
  readonly lost: boolean
  readonly detail?: string
}

/** One of two reports, as a comparison names it. */
export interface Compared {
  /** Null when no database was configured. */
  readonly target: string | null
  readonly startedAt: string
  readonly complete: boolean
  readonly depth: Depth
  readonly verdict: Verdict
}

/** Two reports held against each other, as plain data. */
export interface Comparison {
  readonly schemaVersion: typeof schemaVersion
  readonly kind: 'dbdoctor-comparison'
  readonly tool: { readonly name: 'dbdoctor'; readonly version: string }
  readonly exitCode: number
  readonly before: Compared
  readonly after: Compared
  /** What keeps the two from being alike, a sentence each: another target, another depth, the order of time. */
  readonly notes: readonly string[]
  /** Of errors and warnings; what is only worth knowing is listed, and not counted. */
  readonly counts: Readonly<Record<Fate, number>>
  readonly differences: readonly Difference[]
  readonly checks: readonly StatusChange[]
}

/** Whether a reason says that something was asked and not answered. */
export function isUnknown(reason: SkipReason): reason is UnknownReason {
  return (unknownReasons as readonly string[]).includes(reason)
}

/** What this result could not tell and should have: its skip and its gaps, where they are unknowns. */
export function unknownsOf({ skip, coverage }: Pick<Result, 'skip' | 'coverage'>): UnknownReason[] {
  const own = skip && isUnknown(skip.reason) ? [skip.reason] : []
  return [...own, ...(coverage?.missing ?? []).filter(({ optional }) => !optional).map(({ reason }) => reason)]
}

/** Why a check could not look, in the words of its skip, where none of its gaps has the same. */
export function whySkipped({ skip, coverage }: Pick<Result, 'skip' | 'coverage'>): string | null {
  if (!skip || (coverage?.missing ?? []).some(({ detail }) => skip.detail.endsWith(detail))) return null
  return skip.detail
}

/** Whether it ran to its end and missed nothing: what such a result did not find is not there. */
export function sawEverything({ status, skip, coverage }: Pick<Result, 'status' | 'skip' | 'coverage'>): boolean {
  return status !== 'skip' && status !== 'crash' && !skip && (coverage?.missing ?? []).length === 0
}

/** What was examined, as a name for a series of reports. */
export function targetName({ target }: Pick<Report, 'target'>): string {
  if (!target) return 'no database'
  return target.host === undefined ? target.name : `${target.host}:${target.port}/${target.database ?? target.name}`
}

/** The object that a finding is about, by its qualified name; null where it names none. */
export function objectOf({ evidence }: Pick<Finding, 'evidence'>): string | null {
  const { schema, table, index, constraint, sequence, url, name } = evidence
  const names = [schema, table, index ?? constraint ?? sequence].filter((name) => typeof name === 'string')
  if (names.length > 0) return names.join('.')
  return [url, name].find((text) => typeof text === 'string') ?? null
}

/** How many rows a finding counts; null where it counts none. */
export function rowsOf({ evidence: { rows } }: Pick<Finding, 'evidence'>): number | null {
  return typeof rows === 'number' ? rows : null
}

/** Whether a finding counts a part of its rows, so that there are at least so many. */
export function isPartial({ evidence }: Pick<Finding, 'evidence'>): boolean {
  return evidence.partial === true
}

/** The status that findings and gaps deserve. */
export function statusFor({ findings, error, skip }: Pick<Result, 'findings' | 'error' | 'skip'>): Status {
  if (error) return 'crash'
  if (findings.some(({ severity }) => severity === 'error')) return 'fail'
  if (skip) return 'skip'
  return findings.some(({ severity }) => severity === 'warning') ? 'warn' : 'pass'
}
