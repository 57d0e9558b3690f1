import pLimit from 'p-limit'
import { type AnyCheck, layerOf, layers, prerequisites, usesDatabase } from './check.js'
import type { Config } from './config.js'
import type { Depth } from './depth.js'
import { diagnose } from './diagnosis.js'
import type { Database, Dialect, Opening } from './dialects/dialect.js'
import { examine } from './examine.js'
import { type Limits, limit } from './limits.js'
import type { Registry } from './registry.js'
import { isUnknown, type Report, type Result, type SkipReason, schemaVersion } from './report.js'
import type { Selection } from './select.js'
import { countResults, databaseStateOf, headlineOf, statusOf } from './verdict.js'

/** A report but for its exit code, which the command line decides. */
export type Examination = Omit<Report, 'exitCode'>

export interface RunOptions {
  readonly registry: Registry
  readonly selection: Selection
  readonly config: Config
  /** Null where no database is configured. */
  readonly dialect: Dialect | null
  readonly version: string
  readonly depth: Depth
  /** Milliseconds for the whole run; infinite for none. */
  readonly deadline: number
  readonly concurrency: number
  readonly samples: number
  /** Whether samples may carry values of rows. */
  readonly showValues: boolean
  /** Aborted when the user interrupts. */
  readonly interrupt: AbortSignal
  readonly onEvent: (event: RunEvent) => void
}

export type RunEvent =
  | { readonly type: 'started'; readonly id: string; readonly title: string }
  | { readonly type: 'settled'; readonly result: Result; readonly settled: number; readonly of: number }

/** Runs the selected checks, each as soon as what it comes after has ended, and says what they found. */
export async function run(options: RunOptions): Promise<Examination> {
  const startedAt = new Date().toISOString()
  const began = performance.now()
  const limits = limit(began + options.deadline, options.interrupt)
  const opener = openerOf(options.dialect, limits)
  const facts: Record<string, number> = {}
  try {
    const results = await settleAll(options, { limits, opener, facts })
    const target = options.dialect && (opener.database()?.target ?? options.dialect.target)
    const seen = { results, target, complete: !options.interrupt.aborted, depth: options.depth, facts }
    const causes = diagnose(options.registry.diagnoses, results, facts)
    const database = databaseStateOf(seen)
    return {
      schemaVersion,
      tool: { name: 'dbdoctor', version: options.version },
      complete: seen.complete,
      depth: seen.depth,
      target,
      startedAt,
      ms: Math.round((performance.now() - began) * 10) / 10,
      verdict: { status: statusOf(seen), database, headline: headlineOf(seen, database, causes) },
      causes,
      facts,
      counts: countResults(results),
      results,
    }
  } finally {
    limits.clear()
    await opener.close()
  }
}

/** What all checks of a run share. */
export interface Ward {
  readonly limits: Limits
  readonly opener: Opener
  readonly facts: Record<string, number>
}

/** Opens the database once, when the first check asks for it. */
interface Opener {
  open(): Promise<Opening>
  /** The open database; null before it is opened, and where it could not be. */
  database(): Database | null
  close(): Promise<void>
}

async function settleAll(options: RunOptions, ward: Ward): Promise<Result[]> {
  const { registry, selection, dialect, concurrency, onEvent } = options
  const turn = pLimit(concurrency)
  const settling = new Map<string, Promise<Result>>()
  let waiting = registry.checks.length
  let settled = 0

  const settle = async (check: AnyCheck): Promise<Result> => {
    const before = await Promise.all(
      prerequisites(check).map(async ({ id, blocks }) => ({ blocks, result: await settling.get(id) })),
    )
    const blocker = before.find(({ blocks, result }) => blocks && result && leavesNothingToStandOn(result))?.result
    const reason = leftOut(check, selection, dialect) ?? (blocker && blockedBy(blocker))
    const look = () => {
      onEvent({ type: 'started', id: check.id, title: check.title })
      const expires = performance.now() + shareOf(ward.limits.expires - performance.now(), --waiting)
      return examine(check, options, ward, expires)
    }
    const result = reason ? skipped(check, selection, reason) : await turn(look)
    if (reason) waiting--
    onEvent({ type: 'settled', result, settled: ++settled, of: registry.checks.length })
    return result
  }

  for (const check of registry.checks) settling.set(check.id, settle(check))
  const results = await Promise.all(settling.values())
  return results.sort((a, b) => layers.indexOf(a.layer) - layers.indexOf(b.layer))
}

/** What is left of the run's time, less a twentieth for each check that still waits, half of it at most. */
function shareOf(left: number, waiting: number): number {
  return left * (1 - Math.min(0.5, waiting / 20))
}

type Reason = { readonly reason: SkipReason; readonly detail: string }

function leftOut(check: AnyCheck, { deselected }: Selection, dialect: Dialect | null): Reason | null {
  const why = deselected.get(check.id)
  if (why) return { reason: 'deselected', detail: why }
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

function skipped(check: AnyCheck, selection: Selection, skip: Reason): Result {
  const { id, title } = check
  return {
    id,
    layer: layerOf(id),
    title,
    status: 'skip',
    asked: selection.asked.has(id),
    ms: 0,
    findings: [],
    skip,
    measurements: [],
  }
}

function openerOf(dialect: Dialect | null, limits: Limits): Opener {
  let opening: Promise<Opening> | undefined
  let database: Database | null = null
  return {
    database: () => database,
    open() {
      if (!dialect) throw new Error('no database is configured')
      opening ??= dialect.open(limits).then((answer) => {
        if (answer.outcome === 'opened') database = answer.database
        return answer
      })
      return opening
    },
    async close() {
      await opening?.catch(() => {})
      await database?.close()
    },
  }
}
