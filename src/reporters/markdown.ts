import { type Cause, knownReasons, type Report, type Result } from '../report.js'
import { milliseconds, pluralize } from '../words.js'
import { marks, provenance, states, stepLines, stepText, escaped as text } from './commonmark.js'
import {
  acceptanceNotes,
  acceptedBy,
  blockedOf,
  factsInWords,
  figureOf,
  isBroken,
  isUnadvised,
  ranOf,
} from './figures.js'
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

/** What each check saw; what is broken is told where its causes are. */
function health({ results }: Report): string[] {
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

function resultLines(result: Result): string[] {
  const { title, status, findings, error, skip, coverage } = result
  const missing = coverage?.missing ?? []
  return [
    `- **${text(title)}**: ${marks[status]} ${text(figureOf(result))}`.trimEnd(),
    // What is as expected is told among what people can do.
    ...(status === 'expected' ? [] : findings)
      .filter((finding) => !isBroken(finding))
      .map(
        ({ message, address, suppressed }) =>
          `  - ${text(message)} (${text(suppressed ? acceptedBy(suppressed) : address)})`,
      ),
    ...(error ? [`  - the check broke: ${text(error.message)}`] : []),
    ...(skip && isUnsure(result) && missing.length === 0 ? [`  - ${text(skip.detail)}`] : []),
    ...missing.map(({ object, detail }) => `  - not examined: ${text(object)}: ${text(detail)}`),
  ]
}

function stateOf(own: readonly Result[], blocked: number): string {
  if (own.length === 0) return blocked > 0 ? '❔ BLOCKED' : '❔ NOT CHECKED'
  if (own.some(({ status }) => status === 'fail')) return '❌ UNHEALTHY'
  if (blocked > 0 || own.some(isUnsure)) return '❔ NOT FULLY CHECKED'
  if (own.some(({ status }) => status === 'expected')) return '⚠️ AS EXPECTED'
  return own.some(({ status }) => status === 'warn') ? '⚠️ WITH WARNINGS' : '✅ HEALTHY'
}

function rootCause(report: Report): string[] {
  const { causes, results, verdict, acceptance } = report
  const named = causes.filter(({ headline }) => headline)
  const cleared =
    verdict.database === 'intact' ? [`1. **No database crash**: ${text(exoneration(verdict.headline))}`] : []
  const listed = named.map((cause, at) => {
    const because = becauseOf(cause, causes.slice(0, causes.indexOf(cause)), results)
    const reasons = because.length > 0 ? ` Because: ${text(because.join('; '))}.` : ''
    return `${cleared.length + at + 1}. **${text(cause.headline)}**${reasons}`
  })
  return [
    '## Root cause analysis',
    '',
    '### What caused the issues',
    '',
    ...listOr(
      [...cleared, ...listed],
      verdict.status === 'healthy' ? 'There are none.' : 'Not known: no diagnosis fits.',
    ),
    '',
    '### What was broken',
    '',
    ...listOr(
      results.flatMap((result) => brokenLines(result, causes)),
      'Nothing that was checked.',
    ),
    ...acceptanceNotes(acceptance).map((note) => `- ⚠️ ${text(note)}`),
    '',
  ]
}

/** The counts that clear the database, without what follows. */
function exoneration(headline: string): string {
  return `${headline.replace(/^No database crash: /, '').split(/\. (?=[A-Z])/)[0]}`
}

/** What speaks for a cause and was not said of an earlier one; a finding by its check, for its sentence stands below. */
function becauseOf({ because }: Cause, earlier: readonly Cause[], results: readonly Result[]): string[] {
  const said = new Set(earlier.flatMap((cause) => cause.because))
  const messages = results.flatMap(({ findings }) => findings.map(({ message }) => message))
  return because
    .filter((reason) => !said.has(reason))
    .map((reason) => {
      const [id = '', sentence = ''] = reason.split(/: (.*)/s)
      return messages.some((message) => sentence.startsWith(message)) ? id : reason
    })
}

/** What is broken and nobody has accepted, each with its steps where no cause has them; else what mends such things. */
function brokenLines(result: Result, causes: readonly Cause[]): string[] {
  const advised = new Set(causes.flatMap(({ next }) => next))
  return [
    ...result.findings
      .filter(isBroken)
      .flatMap(({ address, message, severity, next = [] }) => [
        `- ${severity === 'error' ? '❌' : '⚠️'} ${text(message)} (${text(address)})`,
        ...next.filter((step) => !advised.has(step)).flatMap((step) => stepLines(step, '  ')),
      ]),
    ...(isUnadvised(result) && result.docs ? stepLines(result.docs.fix, '  ') : []),
  ]
}

function fixes({ causes }: Report): string[] {
  return [
    '## Fixes suggested',
    '',
    'dbdoctor changed nothing.',
    '',
    ...advisedOf(causes).flatMap(({ id, next }, at) => [
      `### ${at + 1}. ${text(id)}`,
      '',
      ...next.flatMap((step) => stepLines(step)),
      '',
    ]),
  ]
}

/** Causes that something can be done about. */
function advisedOf(causes: readonly Cause[]): Cause[] {
  return causes.filter(({ next }) => next.length > 0)
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
  const promises = results.flatMap((result) => result.promises ?? [])
  const table = [
    '| Promised | In the config | Observed |',
    '| --- | --- | --- |',
    ...promises.map(
      ({ name, promised, observed = 'not observed' }) => `| ${text(name)} | ${text(promised)} | ${text(observed)} |`,
    ),
  ]
  return [
    '## Performance',
    '',
    ...sections,
    '### Promises',
    '',
    ...(promises.length > 0 ? table : ['The config promises nothing.']),
    '',
  ]
}

/** What people can do now, what they cannot, and what nobody has seen. */
function capabilities({ results }: Report): string[] {
  const own = results.filter(({ capability, skip }) => capability !== undefined && !isSettled(skip?.reason))
  const of = (marked: readonly Result[]) =>
    marked.map((result) => `- ${marks[result.status]} **${text(result.capability ?? '')}**: ${text(figureOf(result))}`)
  const external = looked(results, ['external']).flatMap(({ findings }) => findings)
  const works = own.filter(({ status }) => status === 'pass' || status === 'warn')
  const fails = own.filter(({ status }) => status === 'fail')
  const unseen = own.filter((result) => ![...works, ...fails].includes(result))
  return [
    '## Capabilities',
    '',
    '### What works',
    '',
    ...listOr(of(works), own.length > 0 ? 'Nothing that was checked.' : notChecked),
    '',
    ...(fails.length > 0 ? ['### What does not', '', ...of(fails), ''] : []),
    ...(unseen.length > 0 ? ['### What is not known', '', ...of(unseen), ''] : []),
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
  const expected = looked(results, ['external']).filter(({ status }) => status !== 'pass')
  const [first] = advisedOf(causes)
  const mend = verdict.status === 'healthy' ? 'Nothing is in the way: go on.' : 'Mend what the findings name.'
  const outage =
    verdict.status === 'unhealthy'
      ? [`- Deploy nothing before ${first ? `fix 1 (${text(first.id)}) is in place and ` : ''}dbdoctor check exits 0.`]
      : []
  return [
    '## Next steps',
    '',
    '### For development',
    '',
    first ? `- Begin with fix 1 above: ${text(first.id)}.` : mend,
    '',
    '### For production',
    '',
    ...listOr(
      [
        ...outage,
        ...unknown.map(
          ({ id, title }) => `- Let dbdoctor see more: ${text(title)} (${text(id)}; the reason is above).`,
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
  const [first] = causes
  return [
    '## Conclusion',
    '',
    `- **Status**: ${states[verdict.status]}`,
    `- **Root cause**: ${first ? text(first.id) : 'not known'}`,
    `- **System health**: database ${verdict.database}; ${pluralize(ranOf(counts), 'check')} ran, ${counts.fail} failed, ${counts.warn} warned, ${counts.unknown} could not tell`,
    `- **Next action**: ${stepText(causes.flatMap(({ next }) => next)[0] ?? 'none')}`,
  ]
}

function looked(results: readonly Result[], layers: readonly string[]): Result[] {
  return results.filter(
    (result) =>
      layers.includes(result.layer) &&
      (result.status !== 'skip' || (isUnsure(result) && result.skip?.reason !== 'blocked')),
  )
}

/** Nobody had to look. */
function isSettled(reason: string | undefined): boolean {
  return reason !== undefined && knownReasons.some((known) => known === reason)
}

function isUnsure({ status, skip, coverage }: Result): boolean {
  return (
    status === 'crash' ||
    (skip !== undefined && !isSettled(skip.reason)) ||
    (coverage?.missing ?? []).some(({ optional }) => !optional)
  )
}

function listOr(lines: readonly string[], otherwise: string): readonly string[] {
  return lines.length > 0 ? lines : [otherwise]
}
