import type { Depth } from './depth.js'
import type { Layer } from './layers.js'

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
  }[]
}

export interface Measurement {
  readonly name: string
  readonly value: number
  readonly unit: 'ms'
  readonly budget?: number
  /** How many samples the value stands on. */
  readonly n: number
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
  /** Whom it looked for or signed in as: a name, never a password. */
  readonly probe?: string
  /** Milliseconds. */
  readonly ms: number
  readonly findings: readonly Finding[]
  readonly coverage?: CoverageReport
  readonly skip?: { readonly reason: SkipReason; readonly detail: string }
  readonly error?: { readonly name: string; readonly message: string }
  readonly measurements: readonly Measurement[]
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
  readonly next: readonly string[]
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
  /** Null when no database was configured. */
  readonly target: TargetInfo | null
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly ms: number
  readonly verdict: Verdict
  readonly causes: readonly Cause[]
  readonly facts: { readonly [name: string]: number }
  readonly counts: Counts
  readonly results: readonly Result[]
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
