import type { Comparer } from '../../contracts/reporter.js'
import type { Comparison, Difference, Fate } from '../../report/report.js'
import { escaped as text } from '../commonmark.js'
import { byFate, fateWords, notesOn, occasion, statusWords, tally, verdictChange } from './wording.js'

const marks: Record<Fate, string> = { new: '❌', worse: '❌', unknown: '❔', better: '⚠️', fixed: '✅', unchanged: '▫️' }

/** For a pull request or a log book. */
export const markdown: Comparer = {
  name: 'markdown',
  render: (comparison, { verbose }) =>
    `${[
      `# Compared: ${text(occasion(comparison)[0] ?? '')}`,
      '',
      `## ${verdictChange(comparison)}`,
      '',
      text(comparison.after.verdict.headline),
      '',
      `${text(occasion(comparison)[1] ?? '')} · ${tally(comparison)}`,
      '',
      ...comparison.notes.flatMap((note) => [`⚠️ ${text(note)}`, '']),
      ...byFate(comparison, verbose).flatMap(([fate, own]) => [
        `### ${fateWords[fate]}`,
        '',
        ...own.map(described),
        '',
      ]),
      ...checks(comparison),
    ]
      .join('\n')
      .trimEnd()}\n`,
}

function described(difference: Difference): string {
  const { fate, severity, message, address } = difference
  const mark = marks[severity === 'info' ? 'unchanged' : fate]
  const notes = notesOn(difference).map((note) => `; ${text(note)}`)
  return `- ${mark} ${text(message)} (${text(address)}${notes.join('')})`
}

function checks({ checks: all }: Comparison): string[] {
  if (all.length === 0) return []
  const rows = all.map(
    (change) =>
      `- ${change.lost ? marks.unknown : marks.unchanged} ${text(change.title)}: ${text(statusWords(change))}`,
  )
  return ['### Checks', '', ...rows]
}
