import { defineReporter } from '../contracts/reporter.js'
import type { Report } from '../report/report.js'
import { pluralize } from '../values/text.js'
import { marks, provenance, states, stepText, escaped as text } from './commonmark.js'
import { ranOf } from './figures.js'

const shown = 3

/** What an incident channel needs, in ten lines of Markdown at most: the verdict, the worst findings, the next action. */
export const brief = defineReporter({
  name: 'brief',
  render: (report) => `${[...opening(report), ...findings(report), ...outlook(report)].join('\n')}\n`,
})

function opening(report: Report): string[] {
  const { verdict, complete, counts } = report
  return [
    `**${states[verdict.status]}${complete ? '' : ', INCOMPLETE'}**: ${text(verdict.headline)}`,
    '',
    `- ${provenance(report)}`,
    `- Database ${verdict.database}; ${pluralize(ranOf(counts), 'check')} ran, ${counts.fail} failed, ${counts.warn} warned, ${counts.unknown} could not tell`,
  ]
}

/** Errors before warnings, and nothing that a cause has said. */
function findings({ results, verdict, causes }: Report): string[] {
  const told = [verdict.headline, ...causes.map(({ headline }) => headline)].join(' ').toLowerCase()
  const open = results
    .flatMap(({ findings }) => findings)
    .filter(({ severity, suppressed }) => severity !== 'info' && !suppressed)
    .filter(({ message }) => !told.includes(message.toLowerCase()))
  const ranked = (['error', 'warning'] as const).flatMap((rank) => open.filter(({ severity }) => severity === rank))
  const rest = ranked.length - shown
  return [
    ...ranked
      .slice(0, shown)
      .map(
        ({ severity, message, address }) =>
          `- ${marks[severity === 'error' ? 'fail' : 'warn']} ${text(message)} (${text(address)})`,
      ),
    ...(rest > 0 ? [`- and ${pluralize(rest, 'more finding')}`] : []),
  ]
}

function outlook({ causes }: Report): string[] {
  const also = causes.slice(1).map(({ headline }) => headline)
  const next = causes.flatMap((cause) => cause.next)[0]
  return [
    ...(also.length > 0 ? [`- Also: ${text(also.join(' '))}`] : []),
    ...(next === undefined ? [] : [`- **Next**: ${stepText(next)}`]),
  ]
}
