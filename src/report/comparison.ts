import type {
  Compared,
  Comparison,
  Difference,
  Fate,
  Finding,
  Report,
  Result,
  Severity,
  StatusChange,
} from './report.js'
import { fates, isPartial, rowsOf, sawEverything, schemaVersion, targetName, unknownsOf } from './report.js'

/** A comparison but for its exit code, which the command line decides. */
export type Held = Omit<Comparison, 'exitCode'>

const severities = ['info', 'warning', 'error'] as const

/** Holds one report against an earlier one: what is new, worse, better, fixed, unchanged, and what nobody can tell any more. */
export function compare(before: Report, after: Report, version: string): Held {
  const differences = differencesOf(before, after)
  const count = (fate: Fate) => differences.filter((each) => each.fate === fate && each.severity !== 'info').length
  return {
    schemaVersion,
    kind: 'dbdoctor-comparison',
    tool: { name: 'dbdoctor', version },
    before: compared(before),
    after: compared(after),
    notes: notesOn(before, after),
    counts: Object.fromEntries(fates.map((fate) => [fate, count(fate)])) as Record<Fate, number>,
    differences,
    checks: statusChanges(before, after),
  }
}

function compared(report: Report): Compared {
  const { startedAt, complete, depth, verdict } = report
  return { target: report.target && targetName(report), startedAt, complete, depth, verdict }
}

/** What a reader must know before believing that a difference is one of the database. */
function notesOn(before: Report, after: Report): string[] {
  const [one, other] = [targetName(before), targetName(after)]
  const engines = [before.target?.dialect, after.target?.dialect]
  const elsewhere = one !== other || engines[0] !== engines[1]
  return [
    ...(elsewhere ? [`The targets differ: ${one}, then ${other}.`] : []),
    ...(before.depth !== after.depth ? [`The depths differ: ${before.depth}, then ${after.depth}.`] : []),
    ...(Date.parse(before.startedAt) > Date.parse(after.startedAt) ? ['The first report is the younger one.'] : []),
    ...(before.complete ? [] : ['The first run was interrupted.']),
    ...(after.complete ? [] : ['The second run was interrupted.']),
  ]
}

interface Told {
  readonly finding: Finding
  readonly id: string
}

function differencesOf(before: Report, after: Report): Difference[] {
  const earlier = byFingerprint(before)
  const later = byFingerprint(after)
  const differences = [...new Set([...later.keys(), ...earlier.keys()])].flatMap((key) => {
    const difference = differenceOf(earlier.get(key), later.get(key), before, after)
    return difference ? [difference] : []
  })
  const order = ({ fate, severity }: Difference) => fates.indexOf(fate) * 3 - severities.indexOf(severity)
  return differences.sort((a, b) => order(a) - order(b))
}

/** Findings by their fingerprint; those that share one are told apart by their order. */
function byFingerprint({ results }: Report): ReadonlyMap<string, Told> {
  const told = new Map<string, Told>()
  for (const { id, findings } of results) {
    for (const finding of findings) {
      let key = finding.fingerprint
      for (let times = 1; told.has(key); times++) key = `${finding.fingerprint}-${times}`
      told.set(key, { finding, id })
    }
  }
  return told
}

function differenceOf(
  was: Told | undefined,
  is: Told | undefined,
  before: Report,
  after: Report,
): Difference | undefined {
  const told = is ?? was
  if (!told) return undefined
  const { finding, id } = told
  const blind = blindness(is ? before : after, id)
  const { address, fingerprint, message, suppressed } = finding
  const fate = was && is ? movement(was.finding, is.finding) : is ? 'new' : blind === null ? 'fixed' : 'unknown'
  const why = !(was && is) ? blind : fate === 'unknown' ? partly(is.finding) : null
  return {
    fate,
    address,
    fingerprint,
    severity: graver(was?.finding.severity ?? finding.severity, finding.severity),
    message,
    accepted: suppressed !== undefined,
    rows: { before: countOf(was), after: countOf(is) },
    ...(why !== null && { detail: why }),
  }
}

function graver(one: Severity, other: Severity): Severity {
  return severities.indexOf(one) > severities.indexOf(other) ? one : other
}

/** How many rows a report counts of a finding, where it counts all of them. */
function countOf(told: Told | undefined): number | null {
  return told && !isPartial(told.finding) ? rowsOf(told.finding) : null
}

/** Worse is a higher severity or, at the same one, more rows; of which there may be more than a report counts that saw a part of them. */
function movement(was: Finding, is: Finding): Fate {
  const rise = severities.indexOf(is.severity) - severities.indexOf(was.severity)
  if (rise !== 0) return rise > 0 ? 'worse' : 'better'
  const [before, after] = [rowsOf(was), rowsOf(is)]
  if (before === null || after === null) return 'unchanged'
  if (after > before && !isPartial(was)) return 'worse'
  if (after < before && !isPartial(is)) return 'better'
  return isPartial(was) || isPartial(is) ? 'unknown' : 'unchanged'
}

/** Why nobody can tell whether there are more rows than before, or fewer. */
function partly(is: Finding): string {
  return `not all rows were compared${isPartial(is) ? '' : ' before'}`
}

/** Why what a check did not find may be there all the same; null where it looked at everything. */
function blindness({ results }: Report, id: string): string | null {
  const result = results.find((candidate) => candidate.id === id)
  if (!result) return 'the check is not in the report'
  if (sawEverything(result)) return null
  const { error, skip, coverage } = result
  const gap = coverage?.missing[0]
  if (error) return `the check broke: ${error.message}`
  if (skip) return [skip.reason, skip.detail].filter(Boolean).join(': ')
  return gap ? `${gap.object} was not examined: ${gap.reason}: ${gap.detail}` : 'the check did not look'
}

function statusChanges(before: Report, after: Report): StatusChange[] {
  const ids = [...new Set([...before.results, ...after.results].map(({ id }) => id))]
  return ids.flatMap((id) => {
    const was = before.results.find((result) => result.id === id)
    const is = after.results.find((result) => result.id === id)
    const lost = was !== undefined && is !== undefined && couldNotTell(is) && knewMore(was, is)
    if (was?.status === is?.status && !lost) return []
    const detail = lost ? blindness(after, id) : null
    return [
      {
        id,
        title: (is ?? was)?.title ?? id,
        before: was?.status ?? null,
        after: is?.status ?? null,
        lost,
        ...(detail !== null && { detail }),
      },
    ]
  })
}

/** Whether an earlier result says something that a later one, which could not tell, does not. */
function knewMore(was: Result, is: Result): boolean {
  const known = new Set(is.findings.map(({ fingerprint }) => fingerprint))
  return sawEverything(was) || was.findings.some(({ fingerprint }) => !known.has(fingerprint))
}

/** It was asked, and broke or met an unknown. */
function couldNotTell(result: Result): boolean {
  return result.asked && (result.status === 'crash' || unknownsOf(result).length > 0)
}
