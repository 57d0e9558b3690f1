import { z } from 'zod'
import { depths } from '../contracts/depth.js'
import { layerOf } from '../contracts/layers.js'
import type { Change, Report, Result, Trend } from './report.js'
import { isPartial, objectOf, rowsOf, targetName, unknownsOf } from './report.js'

const count = z.int().nonnegative()

const runSchema = z.object({
  kind: z.literal('dbdoctor-run'),
  version: z.literal(1),
  startedAt: z.iso.datetime(),
  target: z.string(),
  depth: z.enum(depths),
  complete: z.boolean(),
  verdict: z.object({
    status: z.enum(['healthy', 'degraded', 'unhealthy', 'inconclusive']),
    database: z.enum(['intact', 'damaged', 'unreachable', 'unverified']),
  }),
  exitCode: z.int(),
  counts: z.record(z.string(), count),
  facts: z.record(z.string(), z.number()),
  checks: z.record(
    z.string(),
    z.object({
      status: z.enum(['pass', 'warn', 'fail', 'expected', 'skip', 'crash']),
      ms: z.number(),
      /** How many objects it could not look at, optional ones among them. */
      gaps: z.exactOptional(count),
      /** It should have told something and could not. */
      unknown: z.exactOptional(z.literal(true)),
    }),
  ),
  findings: z.array(
    z.object({
      fingerprint: z.string(),
      address: z.string(),
      severity: z.enum(['error', 'warning', 'info']),
      object: z.exactOptional(z.string()),
      rows: z.exactOptional(z.number()),
      /** There were at least so many. */
      partial: z.exactOptional(z.literal(true)),
      accepted: z.exactOptional(z.literal(true)),
    }),
  ),
})

/** A run as a history keeps it, a line each: what can be held against later runs. No message, no sample, no value of a row. */
export type Run = z.output<typeof runSchema>

/** What every line of a history begins with, so that a line which was torn is told from another file. */
const beginning = '{"kind":"dbdoctor-run"'
/** How many runs, the last ones, a trend looks back on. */
const remembered = 500

export interface History {
  readonly runs: readonly Run[]
  /** Whether the last line was not written to its end: its run was killed. */
  readonly torn: boolean
}

/** What a file of earlier runs holds; a text says why it is no such file. */
export function parseHistory(text: string): History | string {
  const lines = text.split('\n').flatMap((line, at) => (line === '' ? [] : [{ line, number: at + 1 }]))
  const stranger = lines.find(({ line }) => !line.startsWith(beginning) && !beginning.startsWith(line))
  if (stranger) return `line ${stranger.number} is no run of dbdoctor`
  const runs: Run[] = []
  for (const { line, number } of lines.slice(-remembered)) {
    const value = jsonIn(line)
    if (value === undefined) continue
    const { success, data } = runSchema.safeParse(value)
    if (!success) return `line ${number} is a run that this version cannot read`
    runs.push(data)
  }
  const last = lines.at(-1)
  return { runs, torn: last !== undefined && !text.endsWith('\n') && jsonIn(last.line) === undefined }
}

/** Undefined for a line that was torn. */
function jsonIn(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** A report as one run of a history. */
export function runOf(report: Report): Run {
  const { startedAt, depth, complete, verdict, exitCode, counts, facts, results } = report
  return {
    kind: 'dbdoctor-run',
    version: 1,
    startedAt,
    target: targetName(report),
    depth,
    complete,
    verdict: { status: verdict.status, database: verdict.database },
    exitCode,
    counts: { ...counts },
    facts,
    checks: Object.fromEntries(results.map((result) => [result.id, checkOf(result)])),
    findings: results.flatMap(({ findings }) =>
      findings.map((finding) => {
        const { fingerprint, address, severity, suppressed } = finding
        const [object, rows] = [objectOf(finding), rowsOf(finding)]
        return {
          fingerprint,
          address,
          severity,
          ...(object !== null && { object }),
          ...(rows !== null && { rows }),
          ...(isPartial(finding) && { partial: true as const }),
          ...(suppressed && { accepted: true as const }),
        }
      }),
    ),
  }
}

function checkOf(result: Result): Run['checks'][string] {
  const { status, ms, coverage } = result
  const gaps = coverage?.missing.length ?? 0
  const unknown = status === 'crash' || unknownsOf(result).length > 0
  return { status, ms, ...(gaps > 0 && { gaps }), ...(unknown && { unknown }) }
}

/** How a report compares with earlier runs of its target: only what has changed, and only between runs that looked at the same. */
export function trendOf(report: Report, history: readonly Run[]): Trend {
  const now = runOf(report)
  const runs = history
    .filter(({ target }) => target === now.target)
    .sort((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt))
  const verdict = movement(now, runs, (run) => run.verdict.status)
  return {
    runs: runs.length,
    since: runs[0]?.startedAt ?? null,
    ...(verdict && { verdict: { from: verdict.from, ...(verdict.since !== undefined && { since: verdict.since }) } }),
    changes: [...factChanges(now, runs), ...findingChanges(now, runs)],
  }
}

/** What something was before it became what it is now, and since when it is so, where this run is not the first to see it. */
function movement<Value extends string | number>(
  now: Run,
  runs: readonly Run[],
  valueIn: (run: Run) => Value | null,
): { readonly from: Value; readonly to: Value; readonly since?: string } | null {
  const to = valueIn(now)
  if (to === null) return null
  const known = runs.flatMap((run) => {
    const value = valueIn(run)
    return value === null ? [] : [{ value, at: run.startedAt }]
  })
  const last = known.findLastIndex(({ value }) => value !== to)
  const [before, first] = [known[last], known[last + 1]]
  return before ? { from: before.value, to, ...(first && { since: first.at }) } : null
}

function factChanges(now: Run, runs: readonly Run[]): Change[] {
  const alike = runs.filter((run) => looksOf(run) !== null && looksOf(run) === looksOf(now))
  // What the config expects is no observation.
  const names = Object.keys(now.facts).filter((name) => !name.endsWith('.expected'))
  return names.flatMap((name) => {
    const moved = movement(now, alike, ({ facts }) => facts[name] ?? null)
    return moved ? [{ name, of: 'fact' as const, ...moved }] : []
  })
}

/**
 * The checks of schema and rows that looked, as a text to compare; null where one of them could not tell. Several checks add to one
 * figure, so that it means the same in two runs only where the same ones did.
 */
function looksOf({ checks }: Run): string | null {
  const own = Object.entries(checks).filter(([id]) => ['schema', 'integrity'].includes(layerOf(id)))
  if (own.some(([, { unknown }]) => unknown)) return null
  return own
    .filter(([, { status }]) => status !== 'skip')
    .map(([id]) => id)
    .sort()
    .join(' ')
}

function findingChanges(now: Run, runs: readonly Run[]): Change[] {
  // The words of the youngest run that has a finding.
  const told = new Map(
    [...runs, now].flatMap(({ findings }) => findings.map((finding) => [finding.fingerprint, finding] as const)),
  )
  return [...told].flatMap(([fingerprint, { address, object, rows, severity }]) => {
    if (severity === 'info') return []
    const moved = movement(now, runs, (run) => amountOf(run, fingerprint, address))
    // What is gone is news once.
    if (!moved || (moved.to === 0 && moved.since !== undefined)) return []
    const of = rows === undefined ? 'findings' : 'rows'
    return [{ name: address, ...(object !== undefined && { object }), of, ...moved } satisfies Change]
  })
}

/** How much of a finding a run saw: its rows, or 1 where it counts none; null where it did not look at everything. */
function amountOf({ findings, checks }: Run, fingerprint: string, address: string): number | null {
  const own = findings.filter((finding) => finding.fingerprint === fingerprint)
  if (own.some(({ partial }) => partial)) return null
  if (own.length > 0) return own.reduce((sum, { rows = 1 }) => sum + rows, 0)
  const check = checks[address.slice(0, address.indexOf('#'))]
  const saw = check && check.status !== 'skip' && check.status !== 'crash' && !check.unknown && !check.gaps
  return saw ? 0 : null
}
