import type { Finding, Report, Result } from '../report/report.js'
import { isUnknown } from '../report/report.js'

/** Something that a pipeline should show: a finding, or that nobody could look. */
export interface Problem {
  readonly result: Result
  /** The address of the finding, or the id of the check and why it could not tell. */
  readonly rule: string
  readonly level: 'error' | 'warning' | 'note'
  readonly message: string
  readonly next: readonly string[]
  readonly fingerprint: string
  readonly finding?: Finding
}

const levels = { error: 'error', warning: 'warning', info: 'note' } as const

/** All findings, and each check that was asked something and could not tell, in the report's order. What is blocked waits for another one. */
export function problemsOf({ results }: Report): Problem[] {
  return results.flatMap((result) => [
    ...result.findings.map((finding) => ({
      result,
      rule: finding.address,
      level: levels[finding.severity],
      message: finding.message,
      next: finding.next ?? [],
      fingerprint: finding.fingerprint,
      finding,
    })),
    ...silenceOf(result),
  ])
}

/** Problems that nobody has accepted. */
export function openProblems(report: Report): Problem[] {
  return problemsOf(report).filter(({ finding }) => !finding?.suppressed)
}

function silenceOf(result: Result): Problem[] {
  const { id, error, skip, asked, status } = result
  const told = (why: string, level: Problem['level'], message: string): Problem[] => [
    { result, rule: `${id}#${why}`, level, message, next: [], fingerprint: `${id}#${why}` },
  ]
  if (status === 'crash') return told('crash', 'error', `the check itself broke: ${error?.message ?? 'unknown'}`)
  if (!skip || !isUnknown(skip.reason) || skip.reason === 'blocked') return []
  return told(skip.reason, asked ? 'error' : 'note', `could not tell: ${skip.detail}`)
}

/** Where in the project a result comes from: the config that asked for it. */
export function placeOf({ config }: Report, { id }: Result): { readonly path: string; readonly line: number } | null {
  return config ? { path: config.path, line: config.lines[id] ?? 1 } : null
}
