import type { Change, Report } from '../report/report.js'
import { moment, pluralize, quoted } from '../values/text.js'

/** What has changed since earlier runs, a sentence each; none where nothing has. */
export function trendLines({ trend, verdict, startedAt }: Report): string[] {
  if (!trend) return []
  const lasting = (since: string | undefined) => (since === undefined ? '' : ` since ${when(since, startedAt)}`)
  return [
    ...(trend.verdict ? [`${trend.verdict.from} → ${verdict.status}${lasting(trend.verdict.since)}`] : []),
    ...trend.changes.map((change) => `${movedWords(change)}${lasting(change.since)}`),
  ]
}

/** What the trend stands on: `12 runs since 2026-01-01`. */
export function trendBasis({ trend, startedAt }: Report): string {
  if (!trend?.since) return 'no earlier run'
  return `${pluralize(trend.runs, 'earlier run')} since ${when(trend.since, startedAt)}`
}

function movedWords({ name, object, of, from, to }: Change): string {
  if (of === 'fact') return `${factName(name)} ${from} → ${to}`
  const subject = object === undefined ? name : `${object} (${name})`
  if (of === 'rows') return `${subject} ${from} → ${pluralize(to, 'row')}`
  return `${subject} ${to === 0 ? 'no longer found' : 'found, and not before'}`
}

/** `integrity.orphanedRows` is "orphaned rows", `rows.users` is rows of "users". */
function factName(name: string): string {
  const [, table] = /^rows\.(.*)$/s.exec(name) ?? []
  if (table !== undefined) return `rows of ${quoted(table)}`
  const last = name.slice(name.lastIndexOf('.') + 1)
  return last.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).trim()
}

/** A day; on the day of the report itself, the time. */
function when(iso: string, now: string): string {
  return iso.slice(0, 10) === now.slice(0, 10) ? moment(iso) : iso.slice(0, 10)
}
