import type { Cause, Finding, Report, Result } from '../report.js'
import { milliseconds, pluralize } from '../words.js'
import { marks, provenance, states, escaped as text } from './commonmark.js'
import { acceptanceNotes, acceptedBy, blockedOf, factsInWords, figureOf, ranOf } from './figures.js'
import type { Reporter } from './reporter.js'
import { trendBasis, trendLines } from './trend.js'

/** The incident summary: every sentence comes from a result, and a section without evidence says that nothing was checked. */
export const markdown: Reporter = {
  name: 'markdown',
  render: (report) =>
    `${[
      ...opening(report),
      ...health(report),
      ...rootCause(report),
      ...fixes(report),
      ...trend(report),
      ...performance(report),
      ...capabilities(report),
      ...nextSteps(report),
      ...technicalDetails(report),
      ...conclusion(report),
    ].join('\n')}\n`,
}

/** The parts of a system that people speak of, and the layers that they are made of. */
const parts: readonly (readonly [name: string, layers: readonly string[]])[] = [
  ['Database', ['connection', 'storage', 'activity', 'schema', 'integrity']],
  ['API server', ['server']],
  ['Authentication', ['auth']],
  ['External services', ['external']],
]
const notChecked = 'Not checked.'

function opening(report: Report): string[] {
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

function health({ results }: Report): string[] {
  const sections = parts.flatMap(([name, layers]) => {
    const own = looked(results, layers)
    const blocked = results.filter(({ layer, skip }) => layers.includes(layer) && skip?.reason === 'blocked')
    const lines = own.flatMap((result) => [
      `- **${text(result.title)}**: ${marks[result.status]} ${text(figureOf(result))}`.trimEnd(),
      ...result.findings.map(
        ({ message, address, suppressed }) =>
          `  - ${text(message)} (${text(suppressed ? acceptedBy(suppressed) : address)})`,
      ),
      ...(result.error ? [`  - the check broke: ${text(result.error.message)}`] : []),
      ...(result.skip && isUnsure(result) && !result.coverage?.missing.length
        ? [`  - ${text(result.skip.detail)}`]
        : []),
      ...(result.coverage?.missing ?? []).map(
        ({ object, detail }) => `  - not examined: ${text(object)}: ${text(detail)}`,
      ),
    ])
    const waiting = [...blockedOf(blocked)].map(
      ([by, some]) =>
        `- ${pluralize(some.length, 'check')} blocked by ${text(by)}, not looked at: ${some.map(({ title }) => text(title)).join('; ')}`,
    )
    const all = [...lines, ...waiting]
    return [`### ${name}: ${stateOf(own, blocked.length)}`, '', ...(all.length > 0 ? all : [notChecked]), '']
  })
  return ['## System health', '', ...sections]
}

function stateOf(own: readonly Result[], blocked: number): string {
  if (own.length === 0) return blocked > 0 ? '❔ BLOCKED' : '❔ NOT CHECKED'
  if (own.some(({ status }) => status === 'fail')) return '❌ UNHEALTHY'
  if (blocked > 0 || own.some(isUnsure)) return '❔ NOT FULLY CHECKED'
  if (own.some(({ status }) => status === 'expected')) return '⚠️ AS EXPECTED'
  return own.some(({ status }) => status === 'warn') ? '⚠️ WITH WARNINGS' : '✅ HEALTHY'
}

function rootCause(report: Report): string[] {
  const named = report.causes.filter(({ headline }) => headline)
  const broken = report.results.flatMap(({ findings }) =>
    findings.filter(({ severity, suppressed }) => severity !== 'info' && !suppressed),
  )
  const cleared =
    report.verdict.database === 'intact'
      ? [`1. **No database crash**: ${text(exoneration(report.verdict.headline))}`]
      : []
  const causes = named.map(
    ({ headline, because }, at) =>
      `${cleared.length + at + 1}. **${text(headline)}**${because.length > 0 ? ` Because: ${text(because.join('; '))}.` : ''}`,
  )
  return [
    '## Root cause analysis',
    '',
    '### What caused the issues',
    '',
    ...listOr(
      [...cleared, ...causes],
      report.verdict.status === 'healthy' ? 'There are none.' : 'Not known: no diagnosis fits.',
    ),
    '',
    '### What was broken',
    '',
    ...listOr(broken.map(described), 'Nothing that was checked.'),
    ...acceptanceNotes(report.acceptance).map((note) => `- ⚠️ ${text(note)}`),
    '',
  ]
}

/** The counts that clear the database, without what follows. */
function exoneration(headline: string): string {
  return `${headline.replace(/^No database crash: /, '').split(/\. (?=[A-Z])/)[0]}`
}

function described({ address, message, severity }: Finding): string {
  return `- ${severity === 'error' ? '❌' : '⚠️'} ${text(message)} (${text(address)})`
}

function fixes({ causes }: Report): string[] {
  const advised = causes.filter(({ next }) => next.length > 0)
  return [
    '## Fixes suggested',
    '',
    'dbdoctor changed nothing.',
    '',
    ...advised.flatMap((cause, at) => [`### ${at + 1}. ${text(cause.headline)}`, '', ...steps(cause), '']),
  ]
}

function steps({ next }: Cause): string[] {
  return next.map((step) => `- ${text(step)}`)
}

function trend(report: Report): string[] {
  const lines = trendLines(report)
  if (lines.length === 0) return []
  return [
    '## Trend',
    '',
    `Changed since earlier runs (${trendBasis(report)}):`,
    '',
    ...lines.map((line) => `- ${text(line)}`),
    '',
  ]
}

function performance({ results }: Report): string[] {
  const sections = parts.slice(0, 3).flatMap(([name, layers]) => {
    const rows = looked(results, layers).flatMap(({ measurements }) =>
      measurements.map(
        ({ name: what, value, budget, n }) =>
          `| ${text(what)} | ${milliseconds(value)} | ${budget === undefined ? '' : milliseconds(budget)} | ${n} |`,
      ),
    )
    const table = ['| Measured | Value | Budget | n |', '| --- | ---: | ---: | ---: |', ...rows]
    return [`### ${name}`, '', ...(rows.length > 0 ? table : [notChecked]), '']
  })
  const auth = looked(results, ['auth'])
  return [
    '## Performance',
    '',
    ...sections,
    '### Authentication security',
    '',
    ...listOr(
      auth.map(
        ({ title, status, ...rest }) =>
          `- ${marks[status]} ${text(title)}: ${text(figureOf({ title, status, ...rest }))}`,
      ),
      notChecked,
    ),
    '',
  ]
}

function capabilities({ results }: Report): string[] {
  const works = results.filter(({ status }) => status === 'pass')
  const external = looked(results, ['external']).flatMap(({ findings }) => findings)
  return [
    '## Capabilities',
    '',
    '### What works',
    '',
    ...listOr(
      works.map(({ title }) => `- ${text(title)}`),
      notChecked,
    ),
    '',
    '### What needs external services',
    '',
    ...listOr(
      external.map(({ message }) => `- ${text(message)}`),
      notChecked,
    ),
    '',
  ]
}

function nextSteps({ causes, results, verdict }: Report): string[] {
  const unknown = results.filter((result) => isUnsure(result) && result.skip?.reason !== 'blocked')
  const first = causes[0] ? steps(causes[0]) : []
  const expected = looked(results, ['external']).filter(({ status }) => status !== 'pass')
  return [
    '## Next steps',
    '',
    '### For development',
    '',
    ...listOr(first, verdict.status === 'healthy' ? 'Nothing is in the way: go on.' : 'Mend what the findings name.'),
    '',
    '### For production',
    '',
    ...listOr(
      [
        ...unknown.map(
          ({ id, skip, error }) =>
            `- Let dbdoctor see more: ${text(id)}: ${text(skip?.detail ?? error?.message ?? '')}`,
        ),
        ...expected.map(
          ({ title, findings }) =>
            `- ${text(title)}: decide what happens while they fail (${findings.length} told above).`,
        ),
      ],
      'Let dbdoctor check gate each deploy.',
    ),
    '',
  ]
}

function technicalDetails({ facts, results }: Report): string[] {
  const figures = factsInWords(facts).map((words) => `- ${text(words)}`)
  const walk = looked(results, ['auth']).map(
    ({ title, status, ms, ...rest }, at) =>
      `${at + 1}. ${marks[status]} ${text(title)}: ${text(figureOf({ title, status, ms, ...rest }))} (${milliseconds(ms)})`,
  )
  const user = results.find(({ probe }) => probe !== undefined)?.probe
  return [
    '## Technical details',
    '',
    '### Database schema',
    '',
    ...listOr(figures, notChecked),
    '',
    '### Authentication flow, as it was walked',
    '',
    ...listOr(walk, notChecked),
    '',
    '### Test credentials',
    '',
    ...(user ? [`- **Name**: ${text(user)}`, '- **Password**: not shown'] : [notChecked]),
    '',
  ]
}

function conclusion({ verdict, causes, counts }: Report): string[] {
  const next = causes.flatMap((cause) => cause.next)[0]
  return [
    '## Conclusion',
    '',
    text(verdict.headline),
    '',
    `- **Status**: ${states[verdict.status]}`,
    `- **System health**: database ${verdict.database}; ${pluralize(ranOf(counts), 'check')} ran, ${counts.fail} failed, ${counts.warn} warned, ${counts.unknown} could not tell`,
    `- **Next action**: ${next === undefined ? 'none' : text(next)}`,
  ]
}

function looked(results: readonly Result[], layers: readonly string[]): Result[] {
  return results.filter(
    (result) =>
      layers.includes(result.layer) &&
      (result.status !== 'skip' || (isUnsure(result) && result.skip?.reason !== 'blocked')),
  )
}

const known: readonly string[] = ['not-applicable', 'not-configured', 'deselected']

function isUnsure({ status, skip, coverage }: Result): boolean {
  return (
    status === 'crash' ||
    (skip !== undefined && !known.includes(skip.reason)) ||
    (coverage?.missing ?? []).some(({ optional }) => !optional)
  )
}

function listOr(lines: readonly string[], otherwise: string): readonly string[] {
  return lines.length > 0 ? lines : [otherwise]
}
