import type { Report, Result } from '../../report/report.js'
import { pluralize } from '../../values/text.js'
import { marks, states, stepText, escaped as text } from '../commonmark.js'
import { figureOf, ranOf } from '../figures.js'
import { advisedOf } from './causes.js'
import { isSettled, isUnsure, listOr, looked, notChecked } from './parts.js'

/** What people can do now, what they cannot, and what nobody has seen. */
export function capabilities({ results }: Report): string[] {
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

export function nextSteps({ causes, results, verdict }: Report): string[] {
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

export function conclusion({ verdict, causes, counts }: Report): string[] {
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
