import type { Report } from '../../report/report.js'
import { milliseconds } from '../../values/text.js'
import { marks, escaped as text } from '../commonmark.js'
import { factsInWords, figureOf } from '../figures.js'
import { trendBasis, trendLines } from '../trend.js'
import { listOr, looked, notChecked, parts } from './parts.js'

export function trend(report: Report): string[] {
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

export function performance({ results }: Report): string[] {
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

export function technicalDetails({ facts, results }: Report): string[] {
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
