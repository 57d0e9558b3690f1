import type { Layer } from '../contracts/layers.js'
import type { DialectName } from '../dialects/dialect.js'
import { grouped, outOf, pluralize } from '../values/text.js'
import { unaccepted } from './acceptance.js'
import type { Cause, Counts, DatabaseState, Finding, Report, Result, Status, VerdictStatus } from './report.js'
import { unknownsOf } from './report.js'

const pages = 'storage/pages'

type Results = Pick<Report, 'results' | 'complete' | 'depth' | 'facts' | 'target'>

/** How many results have each status, and how many could not tell everything. */
export function countResults(results: readonly Result[]): Counts {
  const of = (status: Status) => results.filter((result) => result.status === status).length
  return {
    pass: of('pass'),
    warn: of('warn'),
    fail: of('fail'),
    expected: of('expected'),
    skip: of('skip'),
    crash: of('crash'),
    unknown: results.filter((result) => result.status === 'crash' || unknownsOf(result).length > 0).length,
  }
}

/** The verdict's status, by the contract's table. */
export function statusOf({ results, complete }: Pick<Report, 'results' | 'complete'>): VerdictStatus {
  if (results.some(({ status }) => status === 'fail')) return 'unhealthy'
  if (!complete || results.some(keepsFromTelling)) return 'inconclusive'
  return results.some(({ status }) => status === 'warn') ? 'degraded' : 'healthy'
}

/** What is known of the database, by the contract's table. */
export function databaseStateOf({ results, target, complete, depth }: Results): DatabaseState {
  if (!target) return 'unverified'
  const failed = (layer: Layer) => results.some((result) => result.layer === layer && result.status === 'fail')
  if (results.some(({ id, status }) => id === 'connection/opens' && status === 'fail')) return 'unreachable'
  if (failed('storage') || failed('schema') || failed('integrity')) return 'damaged'
  const examined = (['connection', 'schema', 'integrity'] as const).every((layer) => {
    const own = results.filter((result) => result.layer === layer)
    const selected = own.every(({ skip }) => skip?.reason !== 'deselected')
    return selected && own.some(({ status }) => status !== 'skip') && !own.some(isUncertain)
  })
  const cleared = examined && (!needsPages[target.dialect] || pagesSeen(results))
  return cleared && complete && depth !== 'quick' && !unclean(results) ? 'intact' : 'unverified'
}

/** Whether a database can be called intact only when its pages have been looked at: a file whose rows are found may still be damaged. */
const needsPages: Record<DialectName, boolean> = { sqlite: true, postgres: false }

function pagesSeen(results: readonly Result[]): boolean {
  return results.some(({ id, status }) => id === pages && status !== 'skip')
}

/** What was found of a crash, a restore, or a writer that did not close: enough not to say that there was none. */
function unclean(results: readonly Result[]): Finding | undefined {
  return results.find(({ id }) => id === 'connection/restarts')?.findings.find(({ suppressed }) => !suppressed)
}

/** One line: what is known of the database, then the root cause where that is something else. */
export function headlineOf(report: Results, database: DatabaseState, causes: readonly Cause[]): string {
  const [root] = causes
  const sentences = [aboutDatabase(report, database), root?.headline || unexplained(report.results)]
  return sentences.filter(Boolean).join(' ') || passed(report.results)
}

/** What failed and no diagnosis speaks of: the first finding's own words. */
function unexplained(results: readonly Result[]): string {
  const faults = unaccepted(results).flatMap(({ findings }) => findings.filter(({ severity }) => severity === 'error'))
  return faults[0] ? `${faults[0].message}.` : ''
}

function passed(results: readonly Result[]): string {
  const only = askedFor(results)
  return `${passedOf(results)} passed${only === null ? '' : `; only ${only} ${only.includes(',') ? 'were' : 'was'} asked for`}.`
}

/** How many of the checks that looked found nothing that is worse than a warning: `3 of 3 checks`. */
function passedOf(results: readonly Result[]): string {
  const looked = results.filter(({ status }) => status !== 'skip')
  const well = looked.filter(({ status }) => status !== 'fail' && status !== 'crash')
  return outOf(well.length, looked.length, 'check')
}

/** What `--only` has left: whole layers by their name, other checks by theirs, without what they stand on; null where nothing was left out so. */
function askedFor(results: readonly Result[]): string | null {
  const isOut = ({ skip }: Result) => skip?.reason === 'deselected' && skip.detail.startsWith('--only')
  if (!results.some(isOut)) return null
  const kept = results.filter((result) => !isOut(result))
  const whole = (layer: Layer) => !results.some((result) => result.layer === layer && isOut(result))
  const wanted = kept.filter(({ id, layer }) => whole(layer) || !foundations.includes(id))
  const names = (wanted.length > 0 ? wanted : kept).map(({ id, layer }) => (whole(layer) ? layer : id))
  return [...new Set(names)].join(', ')
}

/** What others stand on, and nobody has to ask for. */
const foundations: readonly string[] = ['connection/opens', 'server/reachable']

function aboutDatabase(report: Results, database: DatabaseState): string {
  if (report.target === null) return ''
  const figures = figuresOf(report).join(', ')
  switch (database) {
    case 'intact':
      return `No database crash: ${[figures, ...unexamined(report)].join('; ')}.`
    case 'unverified': {
      const seen = [figures, ...unexamined(report)].join('; ')
      const trace = unclean(report.results)
      const gap = firstGap(report)
      if (gap !== null) return `The database is not cleared: ${gap}.`
      const only = askedFor(report.results)
      if (only !== null)
        return `${passedOf(report.results)} passed; only ${only} ${only.includes(',') ? 'were' : 'was'} asked for.`
      // What was examined may be neither the one nor the other.
      if (trace?.severity === 'error') return ''
      if (trace) return `The database is sound now: ${seen}.`
      if (report.depth === 'quick') return `No sign of a database crash: ${figures}; rows not examined (--depth quick).`
      return 'The database is not cleared: not all of it was asked for.'
    }
    default:
      return ''
  }
}

/** What keeps the database from being cleared, and why: the first of what is unknown, and how much more there is. */
function firstGap({ results, complete, depth, target }: Results): string | null {
  if (!complete) return 'the run was interrupted'
  const layers: readonly Layer[] = ['connection', 'schema', 'integrity']
  const mustSee = target !== null && needsPages[target.dialect]
  const own = results.filter(({ id, layer }) => layers.includes(layer) || (mustSee && id === pages))
  const unsure = own.filter(isUncertain)
  const [first] = unsure
  if (first) {
    const why = first.error?.message ?? first.skip?.detail ?? first.coverage?.missing[0]?.detail ?? 'it could not look'
    return `${first.id}: ${why}${unsure.length > 1 ? ` (and ${unsure.length - 1} more)` : ''}`
  }
  const left = own.find(({ skip }) => skip?.reason === 'deselected' && !/^--(depth|only)/.test(skip.detail))
  if (left) return `${left.id} did not run: ${left.skip?.detail}`
  if (askedFor(results) !== null) return null
  return mustSee && !pagesSeen(results) && depth !== 'quick' ? `${pages} did not look` : null
}

/** "38 of 38 tables", "77 of 77 indexes", "52 foreign keys", "0 orphaned rows": from the facts that the checks noted. */
function figuresOf({ facts, results }: Pick<Report, 'facts' | 'results'>): string[] {
  const figure = (name: string, noun: string) => {
    const count = facts[name]
    if (count === undefined) return []
    const expected = facts[`${name}.expected`]
    return [expected === undefined ? pluralize(count, noun) : outOf(count, expected, noun)]
  }
  return [
    ...figure('schema.tables', 'table'),
    ...figure('schema.indexes', 'index'),
    ...figure('schema.foreignKeys', 'foreign key'),
    ...figure('integrity.orphanedRows', 'orphaned row').map((words) => words + acceptedRows(results)),
  ]
}

/** How many of the orphaned rows are accepted, where some are. */
function acceptedRows(results: readonly Result[]): string {
  const orphans = results
    .flatMap(({ findings }) => findings)
    .filter(({ address }) => address.endsWith('#dangling') || address.endsWith('#orphaned'))
  const accepted = orphans.filter(({ suppressed }) => suppressed)
  if (accepted.length === 0) return ''
  const rows = accepted.reduce((sum, { evidence }) => sum + Number(evidence.rows ?? 0), 0)
  return accepted.length === orphans.length ? ' (accepted)' : ` (${grouped(rows)} accepted)`
}

function unexamined({ results }: Results): string[] {
  const unread = results.find(({ id }) => id === 'schema/tables')?.coverage?.missing.length ?? 0
  // A standby begins to count anew whenever it starts.
  const untold = results.some(({ id, status }) => id === 'connection/restarts' && status === 'skip')
  return [
    ...(unread > 0 ? [`${pluralize(unread, 'table')} not examined`] : []),
    ...(pagesSeen(results) ? [] : ['pages not checked']),
    ...(untold ? ['restarts not known'] : []),
  ]
}

function keepsFromTelling(result: Result): boolean {
  if (result.status === 'crash') return true
  const unknowns = unknownsOf(result)
  return (
    unknowns.some((reason) => reason === 'deadline' || reason === 'interrupted') ||
    (result.asked && unknowns.length > 0)
  )
}

function isUncertain(result: Result): boolean {
  return result.status === 'crash' || unknownsOf(result).length > 0
}
