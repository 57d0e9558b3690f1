import type { Reporter } from '../contracts/reporter.js'
import { inert } from '../values/inert.js'
import { openProblems, type Problem, placeOf } from './problems.js'

const commands = { error: 'error', warning: 'warning', note: 'notice' } as const
/** GitHub shows this many annotations of each kind for a step, and drops the others without a word. */
const shown = 10

/**
 * Annotations of a GitHub Actions step: a workflow command a problem, capped, and the verdict last.
 * https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */
export const github: Reporter = {
  name: 'github',
  render(report) {
    const problems = openProblems(report)
    const lines = (['error', 'warning', 'note'] as const).flatMap((level) => {
      const own = problems.filter((problem) => problem.level === level)
      // One of the ten says how many there are beside them.
      const most = own.length > shown ? shown - 1 : own.length
      const more = own.length - most
      const rest = more > 0 ? [`::${commands[level]} title=dbdoctor::${more} more; the summary has them all`] : []
      return [...own.slice(0, most).map((problem) => command(problem, placeOf(report, problem.result))), ...rest]
    })
    const { status, headline } = report.verdict
    return `${[...lines, `dbdoctor: ${status}: ${inert(headline)}`].join('\n')}\n`
  },
}

function command({ level, rule, message, next }: Problem, place: ReturnType<typeof placeOf>): string {
  const at = place ? `file=${property(place.path)},line=${place.line},` : ''
  return `::${commands[level]} ${at}title=${property(rule)}::${data([message, ...next].join('\n'))}`
}

/** What would end the line, or begin another command. */
function data(text: string): string {
  return text
    .split('\n')
    .map((line) => inert(line).replaceAll('%', '%25'))
    .join('%0A')
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
