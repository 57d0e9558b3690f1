import type { Baseline, BaselineEntry } from '../config/baseline.js'
import type { Config } from '../config/config.js'
import { matcher } from '../values/globs.js'
import type { Acceptance, Finding, Result } from './report.js'
import { rowsOf, sawEverything, statusFor } from './report.js'

/** What somebody has accepted in writing. */
export interface Accepted {
  readonly baseline: readonly BaselineEntry[]
  readonly ignore: Config['ignore']
}

/** One thing that is accepted: which findings it speaks of, and how many rows at most. */
interface Rule {
  readonly by: 'baseline' | 'ignore'
  readonly address: string
  readonly what: string
  readonly reason: string
  readonly expires: string | undefined
  readonly rows: number
  readonly covers: (finding: Finding) => boolean
}

/**
 * Marks the findings that are accepted, and gives each result the status that the others deserve. Says what is accepted and no longer
 * found, where its check has looked, and what has expired. `at` is ISO 8601.
 */
export function accept(
  results: readonly Result[],
  { baseline, ignore }: Accepted,
  at: string,
): { readonly results: Result[]; readonly acceptance: Acceptance | null } {
  const rules = [...ignore.map(ruleOfIgnore), ...baseline.map(ruleOfBaseline)]
  if (rules.length === 0) return { results: [...results], acceptance: null }
  const isOver = ({ expires }: Rule) => expires !== undefined && expires < at.slice(0, 10)
  const used = new Set<Rule>()

  const marked = results.map((result) => {
    const findings = result.findings.map((finding): Finding => {
      const own = rules.filter(({ covers }) => covers(finding))
      for (const rule of own) used.add(rule)
      const held = own.filter((rule) => !isOver(rule))
      if (held.length === 0) return finding
      const rows = rowsOf(finding) ?? 0
      const enough = held.find((rule) => rows <= rule.rows)
      if (!enough) return { ...finding, worse: { accepted: Math.max(...held.map((rule) => rule.rows)) } }
      const { by, reason, expires } = enough
      return { ...finding, suppressed: { by, reason, ...(expires !== undefined && { expires }) } }
    })
    return { ...result, findings, status: statusWithout(result, findings) }
  })

  const looked = lookedAt(results)
  const told = ({ by, address, what, reason, expires }: Rule) => ({
    by,
    address,
    what,
    reason,
    ...(expires !== undefined && { expires }),
  })
  const stale = rules.filter((rule) => !used.has(rule) && looked.has(checkOf(rule))).map(told)
  const expired = rules.filter((rule) => used.has(rule) && isOver(rule)).map(told)
  return { results: marked, acceptance: { stale, expired } }
}

/** The checks that ran to their end and missed nothing: what they did not find is not there. */
function lookedAt(results: readonly Result[]): ReadonlySet<string> {
  return new Set(results.filter(sawEverything).map(({ id }) => id))
}

function checkOf({ address }: { readonly address: string }): string {
  return address.slice(0, address.indexOf('#'))
}

/** Results as if nobody had found what is accepted. */
export function unaccepted(results: readonly Result[]): Result[] {
  return results.map((result) => ({ ...result, findings: result.findings.filter(({ suppressed }) => !suppressed) }))
}

/** A baseline of all findings that are no mere information; what an earlier one says of them is kept, and of checks that did not run. */
export function baselineOf(
  results: readonly Result[],
  before: readonly BaselineEntry[],
  words: { readonly reason?: string | undefined; readonly expires?: string | undefined },
): Baseline {
  const findings = results
    .flatMap((result) => result.findings)
    .filter(({ severity, suppressed }) => severity !== 'info' && suppressed?.by !== 'ignore')
  const entries = new Map(
    findings.map((finding): [string, BaselineEntry] => {
      const { fingerprint, address, message } = finding
      const known = before.find((entry) => entry.fingerprint === fingerprint)
      const reason = words.reason ?? known?.reason
      const expires = words.expires ?? known?.expires
      const rows = rowsOf(finding)
      const entry = {
        fingerprint,
        address,
        message,
        ...(rows !== null && { rows }),
        ...(reason !== undefined && { reason }),
        ...(expires !== undefined && { expires }),
      }
      return [fingerprint, entry]
    }),
  )
  const ran = lookedAt(results)
  for (const entry of before)
    if (!ran.has(checkOf(entry)) && !entries.has(entry.fingerprint)) entries.set(entry.fingerprint, entry)
  const key = ({ address, message, fingerprint }: BaselineEntry) => JSON.stringify([address, message, fingerprint])
  const sorted = [...entries.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1))
  return { kind: 'dbdoctor-baseline', version: 1, findings: sorted }
}

function ruleOfBaseline({ fingerprint, address, message, rows, reason, expires }: BaselineEntry): Rule {
  return {
    by: 'baseline',
    address,
    what: message,
    reason: reason ?? 'in the baseline',
    expires,
    rows: rows ?? Number.POSITIVE_INFINITY,
    covers: (finding) => finding.fingerprint === fingerprint,
  }
}

function ruleOfIgnore({ address, object, reason, expires }: Config['ignore'][number]): Rule {
  const matches = object === undefined ? () => true : matcher([object])
  return {
    by: 'ignore',
    address,
    what: object ?? 'any object',
    reason,
    expires,
    rows: Number.POSITIVE_INFINITY,
    covers: (finding) => finding.address === address && objectsOf(finding).some(matches),
  }
}

/** The names by which a finding's object may be called: `users`, `public.users`, `users.email`, an index, a URL. */
function objectsOf({ evidence }: Finding): string[] {
  const { schema, table, columns, index, constraint, sequence, url, name } = evidence
  const texts = (values: unknown) =>
    (Array.isArray(values) ? values : [values]).filter((value) => typeof value === 'string')
  const tables = texts(table)
  const objects = [
    ...tables,
    ...tables.flatMap((one) => texts(columns).map((column) => `${one}.${column}`)),
    ...texts(index),
    ...texts(constraint),
    ...texts(sequence),
  ]
  const qualified = texts(schema).flatMap((home) => objects.map((object) => `${home}.${object}`))
  return [...objects, ...qualified, ...texts(url), ...texts(name)]
}

function statusWithout(result: Result, findings: readonly Finding[]): Result['status'] {
  if (!findings.some(({ suppressed }) => suppressed)) return result.status
  const left = findings.filter(({ suppressed }) => !suppressed)
  const status = statusFor({ ...result, findings: left })
  return status === 'pass' && result.status === 'expected' ? 'expected' : status
}
