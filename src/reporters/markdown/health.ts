import { type Report, type Result, whySkipped } from '../../report/report.js'
import { pluralize } from '../../values/text.js'
import { marks, provenance, states, escaped as text } from '../commonmark.js'
import { acceptedBy, blockedOf, figureOf, folded, isBroken } from '../figures.js'
import { isUnsure, listOr, looked, notChecked, parts } from './parts.js'

export function opening(report: Report): string[] {
  const { verdict, complete, target } = report
  return [
    `# Health summary: ${text(target?.name ?? 'API server')}`,
    '',
    `## Status: ${states[verdict.status]}${complete ? '' : ', INCOMPLETE'}`,
    '',
    text(verdict.headline),
    '',
    provenance(report),
    '',
  ]
}

/** What each check saw; what is broken is told where its causes are. */
export function health({ results }: Report): string[] {
  const sections = parts.flatMap(([name, layers]) => {
    const own = looked(results, layers)
    const blocked = results.filter(({ layer, skip }) => layers.includes(layer) && skip?.reason === 'blocked')
    const waiting = [...blockedOf(blocked)].map(
      ([by, some]) =>
        `- ${pluralize(some.length, 'check')} blocked by ${text(by)}, not looked at: ${some.map(({ title }) => text(title)).join('; ')}`,
    )
    const lines = [...own.flatMap(resultLines), ...waiting]
    return [`### ${name}: ${stateOf(own, blocked.length)}`, '', ...listOr(lines, notChecked), '']
  })
  return ['## System health', '', ...sections]
}

/** How often what is only worth knowing, and what was not examined, is told of a check: services take a mebibyte, or less. */
const most = 20

function resultLines(result: Result): string[] {
  const { title, status, findings, error, coverage } = result
  const missing = coverage?.missing ?? []
  const why = whySkipped(result)
  const told = status === 'expected' ? [] : findings.filter((finding) => !isBroken(finding))
  const { shown, more } = folded(told, most)
  return [
    `- **${text(title)}**: ${marks[status]} ${text(figureOf(result))}`.trimEnd(),
    // What is as expected is told among what people can do.
    ...shown.map(
      ({ message, address, suppressed }) =>
        `  - ${text(message)} (${text(suppressed ? acceptedBy(suppressed) : address)})`,
    ),
    ...(more > 0 ? [`  - and ${more} more of the kind`] : []),
    ...(error ? [`  - the check broke: ${text(error.message)}`] : []),
    ...(why !== null && isUnsure(result) ? [`  - ${text(why)}`] : []),
    ...missing.slice(0, most).map(({ object, detail }) => `  - not examined: ${text(object)}: ${text(detail)}`),
    ...(missing.length > most ? [`  - not examined: ${missing.length - most} more`] : []),
  ]
}

function stateOf(own: readonly Result[], blocked: number): string {
  if (own.length === 0) return blocked > 0 ? '❔ BLOCKED' : '❔ NOT CHECKED'
  if (own.some(({ status }) => status === 'fail')) return '❌ UNHEALTHY'
  if (blocked > 0 || own.some(isUnsure)) return '❔ NOT FULLY CHECKED'
  if (own.some(({ status }) => status === 'expected')) return '⚠️ AS EXPECTED'
  return own.some(({ status }) => status === 'warn') ? '⚠️ WITH WARNINGS' : '✅ HEALTHY'
}
