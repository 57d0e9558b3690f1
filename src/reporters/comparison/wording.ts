import type { Comparison, Difference, Fate, StatusChange } from '../../report/report.js'
import { fates } from '../../report/report.js'
import { grouped, moment, pluralize } from '../../values/text.js'

/** How people call each fate. */
export const fateWords: Record<Fate, string> = {
  new: 'New',
  worse: 'Worse',
  unknown: 'No longer known',
  better: 'Better',
  fixed: 'Fixed',
  unchanged: 'Unchanged',
}

/** Findings by their fate, those fates alone that there are. What is only worth knowing is left out where nobody asked for it. */
export function byFate({ differences }: Comparison, notes: boolean): (readonly [Fate, readonly Difference[]])[] {
  const shown = differences.filter(({ severity }) => notes || severity !== 'info')
  return fates
    .map((fate) => [fate, shown.filter((difference) => difference.fate === fate)] as const)
    .filter(([, own]) => own.length > 0)
}

/** What to add to a finding's own words: its rows before, that it is accepted, why nobody can tell. */
export function notesOn({ fate, rows, accepted, detail }: Difference): string[] {
  const { before, after } = rows
  const moved = before !== null && after !== null && before !== after
  return [
    ...(moved ? [`${grouped(before)} → ${pluralize(after, 'row')}`] : []),
    ...(accepted ? ['accepted'] : []),
    ...(detail === undefined ? [] : [fate === 'new' ? `not looked for before: ${detail}` : detail]),
  ]
}

/** `1 new · 2 fixed`. */
export function tally({ counts }: Comparison): string {
  const there = fates.filter((fate) => counts[fate] > 0)
  return there.length > 0
    ? there.map((fate) => `${counts[fate]} ${fateWords[fate].toLowerCase()}`).join(' · ')
    : 'nothing was found'
}

/** `unhealthy → healthy`, or that it is the same. */
export function verdictChange({ before, after }: Comparison): string {
  const [was, is] = [before.verdict.status, after.verdict.status].map((status) => status.toUpperCase())
  return was === is ? `${is}, as before` : `${was} → ${is}`
}

/** What was examined, and when. */
export function occasion({ before, after }: Comparison): string[] {
  const targets = [...new Set([before.target ?? 'no database', after.target ?? 'no database'])]
  return [targets.join(' → '), `${moment(before.startedAt)} → ${moment(after.startedAt)}`]
}

/** `pass → skip: no-permission: …`. */
export function statusWords({ before, after, detail }: StatusChange): string {
  const words = `${before ?? 'not there'} → ${after ?? 'not there'}`
  return detail === undefined ? words : `${words}: ${detail}`
}
