import { Chalk, type ChalkInstance } from 'chalk'
import type { Comparer } from '../../contracts/reporter.js'
import type { Comparison, Difference, Fate, StatusChange } from '../../report/report.js'
import { inert } from '../../values/inert.js'
import { pluralize } from '../../values/text.js'
import { pageWidth, wrapped } from '../columns.js'
import { byFate, fateWords, notesOn, occasion, statusWords, tally, verdictChange } from './wording.js'

interface Page {
  readonly paint: ChalkInstance
  readonly width: number
}

const marks: Record<Fate, readonly [mark: string, colour: 'red' | 'yellow' | 'green' | 'dim']> = {
  new: ['✘', 'red'],
  worse: ['✘', 'red'],
  unknown: ['?', 'yellow'],
  better: ['▲', 'yellow'],
  fixed: ['✔', 'green'],
  unchanged: ['·', 'dim'],
}

/** For people: what is new first, and how the verdict changed last, where the eye ends. */
export const pretty: Comparer = {
  name: 'pretty',
  render(comparison, { color, width, verbose, quiet }) {
    const page = { paint: new Chalk({ level: color ? 1 : 0 }), width: pageWidth(width) }
    const { paint } = page
    const sections = byFate(comparison, verbose).flatMap(([fate, own]) => [
      paint.bold(`  ${fateWords[fate]}`),
      ...(fate === 'unchanged' && !verbose
        ? [paint.dim(`    ${pluralize(own.length, 'finding')} (--verbose lists them)`)]
        : own.flatMap((difference) => findingLines(difference, page))),
      '',
    ])
    const checks = comparison.checks.filter(({ lost }) => lost || verbose)
    const head = ['', ...wrapped(`dbdoctor · ${occasion(comparison).join(' · ')}`, 2, page, paint.reset), '']
    return `${[
      ...(quiet ? [] : head),
      ...sections,
      ...(checks.length > 0 ? [paint.bold('  Checks'), ...checks.flatMap((one) => checkLines(one, page)), ''] : []),
      ...ending(comparison, page),
      '',
    ].join('\n')}\n`
  },
}

function findingLines(difference: Difference, page: Page): string[] {
  const { fate, severity, message, address } = difference
  const { paint } = page
  const [mark, colour] = marks[severity === 'info' ? 'unchanged' : fate]
  return [
    ...wrapped(message, 6, page, paint.reset, `    ${paint[colour](mark)} `),
    ...wrapped([address, ...notesOn(difference)].join(' · '), 8, page, paint.dim),
  ]
}

function checkLines(change: StatusChange, page: Page): string[] {
  const { paint } = page
  const lead = change.lost ? paint.yellow('?') : paint.dim('·')
  return [
    ...wrapped(change.title, 6, page, paint.reset, `    ${lead} `),
    ...wrapped(`${change.id} · ${statusWords(change)}`, 8, page, paint.dim),
  ]
}

function ending(comparison: Comparison, page: Page): string[] {
  const { paint } = page
  const colour = { healthy: 'green', degraded: 'yellow', unhealthy: 'red', inconclusive: 'yellow' } as const
  const change = paint.bold[colour[comparison.after.verdict.status]](verdictChange(comparison))
  return [
    `  ${change}  ${paint.dim(inert(tally(comparison)))}`,
    ...wrapped(comparison.after.verdict.headline, 2, page, paint.bold),
    ...comparison.notes.flatMap((note) => wrapped(note, 2, page, paint.yellow)),
  ]
}
