import pLimit from 'p-limit'
import type { BaselineEntry } from '../config/baseline.js'
import type { Given } from '../config/given.js'
import { lacking } from '../config/given.js'
import { type AnyCheck, prerequisites, usesDatabase } from '../contracts/check.js'
import type { Depth } from '../contracts/depth.js'
import { layerOf, layers } from '../contracts/layers.js'
import { limit } from '../contracts/limits.js'
import type { CrashTrace, Database, Opening, Unopened } from '../dialects/dialect.js'
import { accept, unaccepted } from '../report/acceptance.js'
import { causesOf } from '../report/causes.js'
import {
  type Examination,
  isUnknown,
  knownReasons,
  type Result,
  type SkipReason,
  schemaVersion,
  unknownReasons,
} from '../report/report.js'
import { type Secrets, secretsOf } from '../report/secrets.js'
import { countResults, databaseStateOf, headlineOf, statusOf } from '../report/verdict.js'
import { outlookOf } from './recorder.js'
import type { Registry } from './registry.js'
import { type ExamineOptions, examine } from './run-check.js'
import { openRunContext, type RunContext } from './run-context.js'
import type { Selection } from './selection.js'
import { openPatiently } from './wait.js'

export interface RunOptions extends ExamineOptions {
  readonly registry: Registry
  /** The parts of the config that the selected checks need. */
  readonly given: Partial<Given>
  /** Texts that no report may hold. */
  readonly secrets: Iterable<string>
  readonly version: string
  /** Findings of earlier runs that were accepted. */
  readonly baseline: readonly BaselineEntry[]
  /** Milliseconds to wait for a server that is not up yet, before the deadline counts. */
  readonly wait: number
  /** Milliseconds for the whole run; infinite for none. */
  readonly deadline: number
  readonly concurrency: number
  /** Aborted when the user interrupts. */
  readonly interrupt: AbortSignal
  readonly onEvent: (event: RunEvent) => void
}

export type RunEvent =
  /** The database is not ready yet, and is asked again. Times are milliseconds. */
  | {
      readonly type: 'waiting'
      readonly outcome: string
      readonly place: string
      readonly waited: number
      readonly wait: number
    }
  | { readonly type: 'started'; readonly id: string; readonly title: string }
  /** So many rows of a scan are done: of those that the check looks at now, not of all. */
  | { readonly type: 'advanced'; readonly id: string; readonly done: number; readonly of: number }
  /** A statement was sent, its values left out; `ms` is how long its answer took. */
  | { readonly type: 'asked'; readonly id: string; readonly statement: string; readonly ms: number }
  | { readonly type: 'settled'; readonly result: Result; readonly settled: number; readonly of: number }

/** Runs the selected checks, each as soon as what it comes after has ended, and says what they found. */
export async function run(options: RunOptions): Promise<Examination> {
  const startedAt = new Date().toISOString()
  const began = performance.now()
  const { dialect, wait, interrupt } = options
  const waits = wait > 0 && options.selection.usesDatabase
  const onWait = ({ outcome, place }: Unopened, waited: number) =>
    options.onEvent({ type: 'waiting', outcome, place, waited, wait })
  const opening = waits && dialect ? await openPatiently(dialect, wait, interrupt, onWait) : null
  const limits = limit(began + wait + options.deadline, interrupt)
  const secrets = secretsOf([...options.secrets, ...passwordsOf(options)])
  const shared = openRunContext({
    ...options,
    limits,
    opening,
    longestRequest: longestRequest[options.depth],
    retryUntil: began + wait,
    addSecret: secrets.addSecret,
  })
  const { facts } = shared
  try {
    const first = await settleAll(options, shared, secrets)
    const settled = secrets.scrub((await lookAgain(options, shared, secrets, first, startedAt)) ?? first)
    const { results, acceptance } = accept(settled, { ...options, ignore: options.config.ignore }, startedAt)
    const target = options.dialect && (shared.database()?.target ?? options.dialect.target)
    const seen = { results, target, complete: !options.interrupt.aborted, depth: options.depth, facts }
    const causes = causesOf(options.registry.diagnoses, unaccepted(results), facts)
    const database = databaseStateOf(seen)
    return {
      schemaVersion,
      tool: { name: 'dbdoctor', version: options.version },
      complete: seen.complete,
      depth: seen.depth,
      target,
      ...(options.given.api && { api: addressOf(options.given.api.url) }),
      startedAt,
      ms: Math.round((performance.now() - began) * 10) / 10,
      verdict: { status: statusOf(seen), database, headline: headlineOf(seen, database, causes) },
      causes,
      facts,
      counts: countResults(results),
      ...(acceptance && { acceptance }),
      results,
    }
  } finally {
    limits.clear()
    await shared.close()
  }
}

/**
 * What lets one into the database, but for words that every report is made of: to be called like the role, or "password", hides nothing, and
 * without them nobody could read the rest.
 */
function passwordsOf({ dialect, registry }: RunOptions): readonly string[] {
  if (!dialect) return []
  const checks = registry.checks.flatMap(({ id, title, messages }) => [id, title, ...Object.keys(messages)])
  const words = [...checks, ...knownReasons, ...unknownReasons, ...Object.values(dialect.target)].join('\n')
  return dialect.secrets.filter((secret) => !words.includes(secret))
}

/** A URL without what lets one in: neither a user nor a query. */
function addressOf(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`.replace(/\/$/, '')
}

/** How long one request may take, by depth, in milliseconds: a quick look has no time for one that hangs. */
const longestRequest: Record<Depth, number> = {
  quick: 2000,
  standard: Number.POSITIVE_INFINITY,
  deep: Number.POSITIVE_INFINITY,
}

/** How long a server that went away may take to come back, in milliseconds. */
const longestReturn = 5000

/**
 * Where the database went away while it was examined: looks at it once more, for what was lost, while time is left. One that is back is
 * examined again; one that is not is told for what it is now. Null where nothing was lost.
 */
async function lookAgain(
  options: RunOptions,
  shared: RunContext,
  secrets: Secrets,
  first: readonly Result[],
  startedAt: string,
): Promise<Result[] | null> {
  const { dialect, interrupt } = options
  const database = shared.database()
  const lost = first.filter(isLost)
  const left = shared.limits.expires - performance.now()
  if (!dialect || !database?.lost() || lost.length === 0 || interrupt.aborted || left < 1000) return null
  const at = new Date().toISOString()
  const traces = database.session(shared.limits).crashTraces()
  const opening = await openPatiently(dialect, Math.min(longestReturn, left / 2), interrupt, () => {})
  const now: Opening =
    opening.outcome === 'opened'
      ? {
          ...opening,
          database: remembering(opening.database, [...traces, { kind: 'gone-meanwhile', at, opened: startedAt }]),
        }
      : { ...opening, place: `${opening.place} (it was there at ${startedAt.slice(11, 19)} UTC)` }
  const again = openRunContext({
    ...options,
    limits: shared.limits,
    opening: now,
    longestRequest: longestRequest[options.depth],
    retryUntil: 0,
    addSecret: secrets.addSecret,
  })
  try {
    const ids = new Set([...lost, ...first.filter(({ layer }) => layer === 'connection')].map(({ id }) => id))
    const results = await settleAll(
      options,
      again,
      secrets,
      new Map(first.filter(({ id }) => !ids.has(id)).map((one) => [one.id, one])),
    )
    Object.assign(shared.facts, again.facts)
    return results
  } finally {
    await again.close()
  }
}

/** Whether a check lost its connection, to all or to a part of what it looked at; what others blocked was not lost here. */
function isLost({ skip, coverage }: Result): boolean {
  const own = skip?.reason === 'blocked' && !skip.detail.startsWith('by ')
  return own || (coverage?.missing.some(({ reason }) => reason === 'blocked') ?? false)
}

/** A database that has not forgotten what was seen of it before. */
function remembering(database: Database, before: readonly CrashTrace[]): Database {
  return {
    ...database,
    session: (limits) => {
      const session = database.session(limits)
      return { ...session, crashTraces: () => [...before, ...session.crashTraces()] }
    },
  }
}

/** `known` are results that are not looked for again. */
async function settleAll(
  options: RunOptions,
  shared: RunContext,
  secrets: Secrets,
  known: ReadonlyMap<string, Result> = new Map(),
): Promise<Result[]> {
  const { registry, selection, given, concurrency, onEvent } = options
  const turn = pLimit(concurrency)
  const settling = new Map<string, Promise<Result>>()
  // What nobody looks at takes no time from the others.
  let waiting = registry.checks.filter((check) => !known.has(check.id) && !leftOut(check, options)).length
  let settled = 0

  const settle = async (check: AnyCheck): Promise<Result> => {
    const before = await Promise.all(
      prerequisites(check).map(async ({ id, blocks }) => ({ blocks, result: await settling.get(id) })),
    )
    const blocker = before.find(({ blocks, result }) => blocks && result && leavesNothingToStandOn(result))?.result
    const out = leftOut(check, options)
    const reason = out ?? (blocker && blockedBy(blocker))
    const look = () => {
      onEvent({ type: 'started', id: check.id, title: check.title })
      const expires = performance.now() + shareOf(shared.limits.expires - performance.now(), --waiting)
      return examine(check, options, shared, {
        expires,
        advance: (done, of) => onEvent({ type: 'advanced', id: check.id, done, of }),
        noted: (statement, ms) => onEvent({ type: 'asked', id: check.id, statement, ms }),
        scrub: secrets.scrub,
      })
    }
    const result = reason ? skipped(check, selection, given, reason) : await turn(look)
    if (reason && !out) waiting--
    // Whoever listens may print or keep it, and will not be told again of secrets that turn up later.
    onEvent({ type: 'settled', result: secrets.scrub(result), settled: ++settled, of: registry.checks.length })
    return result
  }

  for (const check of registry.checks) {
    const before = known.get(check.id)
    settling.set(check.id, before ? Promise.resolve(before) : settle(check))
  }
  const results = await Promise.all(settling.values()).catch(async (mistake: unknown) => {
    // No report comes of this run: whoever still looks must not outlive what it looks at.
    shared.limits.stop()
    await Promise.allSettled(settling.values())
    throw mistake
  })
  return results.sort((a, b) => layers.indexOf(a.layer) - layers.indexOf(b.layer))
}

/** What is left of the run's time, less a twentieth for each check that still waits, half of it at most. */
function shareOf(left: number, waiting: number): number {
  return left * (1 - Math.min(0.5, waiting / 20))
}

type Reason = { readonly reason: SkipReason; readonly detail: string }

function leftOut(check: AnyCheck, { selection, config, dialect }: RunOptions): Reason | null {
  const why = selection.deselected.get(check.id)
  if (why) return { reason: 'deselected', detail: why }
  const lack = lacking(config, check.needs ?? [])
  if (lack) return { reason: 'not-configured', detail: `the config has no part "${lack}"` }
  if (!usesDatabase(check)) return null
  if (!dialect) return { reason: 'not-configured', detail: 'no database is configured' }
  if (typeof check.run === 'function' || check.run[dialect.name]) return null
  return { reason: 'not-applicable', detail: `it does not apply to ${dialect.name}` }
}

function leavesNothingToStandOn({ status, skip }: Result): boolean {
  return status === 'fail' || status === 'crash' || (skip !== undefined && isUnknown(skip.reason))
}

/** What stands on a blocked check is blocked by the same cause. */
function blockedBy({ id, skip }: Result): Reason {
  return { reason: 'blocked', detail: skip?.reason === 'blocked' ? skip.detail : `by ${id}` }
}

function skipped(check: AnyCheck, selection: Selection, given: Partial<Given>, skip: Reason): Result {
  const { id, title } = check
  return {
    id,
    layer: layerOf(id),
    title,
    status: 'skip',
    ...(skip.reason === 'blocked' && outlookOf(check, given)),
    asked: selection.asked.has(id),
    ms: 0,
    findings: [],
    skip,
    measurements: [],
  }
}
