import { Chalk, type ChalkInstance } from 'chalk'
import type { RenderOptions, Reporter } from '../contracts/reporter.js'
import type { CoverageReport, Finding, Report, Result, Severity, Status } from '../report/report.js'
import { isUnknown, whySkipped } from '../report/report.js'
import { inert } from '../values/inert.js'
import { milliseconds, pluralize } from '../values/text.js'
import { columns, pageWidth, wrapped } from './columns.js'
import {
  acceptanceNotes,
  acceptedBy,
  blockedOf,
  figureOf,
  fixed,
  folded,
  isUnadvised,
  placeOf,
  ranOf,
  sampleTexts,
} from './figures.js'
import { trendBasis, trendLines } from './trend.js'

const gapsShown = 3
const notesShown = 3
const slowestShown = 5
/** Why nobody looked, where nobody had to. */

/** For people: what was looked at, layer by layer, what was found, and the verdict last, where the eye ends. */
export const pretty: Reporter = {
  name: 'pretty',
  render(report, options) {
    const page = pageOf(options, report.causes[0]?.next ?? [])
    const shown = options.quiet ? report.results.filter(speaks) : report.results
    const all = [...new Set(shown.map(({ layer }) => layer))]
    const layers = all.filter((layer) => options.verbose || shown.some((one) => one.layer === layer && !isIdle(one)))
    const sections = layers.map((layer) => [
      page.paint.bold(`  ${layer[0]?.toUpperCase()}${layer.slice(1)}`),
      ...shown
        .filter((result) => result.layer === layer && (options.verbose || !isDeselected(result)))
        .flatMap((result) => resultLines(result, page)),
      '',
    ])
    const head = options.quiet
      ? []
      : ['', `  ${page.paint.bold('dbdoctor')} ${page.paint.dim('·')} ${inert(placeOf(report))}`, '']
    const idle = all.filter((layer) => !layers.includes(layer))
    const out = options.verbose ? [] : shown.filter((one) => layers.includes(one.layer) && isDeselected(one))
    const rest = [
      ...(idle.length > 0 ? wrapped(`Not looked at: ${idle.join(', ')}`, 2, page, page.paint.dim) : []),
      ...(out.length > 0
        ? wrapped(`Not asked for: ${out.map(({ id }) => id).join(', ')}`, 2, page, page.paint.dim)
        : []),
    ]
    if (rest.length > 0) rest.push('')
    if (options.verbose) rest.push(...slowest(report.results, page))
    const since = options.quiet ? [] : trendSection(report, page)
    return `${[...head, ...sections.flat(), ...rest, ...since, ...verdictLines(report, page), ''].join('\n')}\n`
  },
}

interface Page {
  readonly paint: ChalkInstance
  readonly width: number
  readonly verbose: boolean
  readonly samples: number
  /** What the verdict advises already. */
  readonly advised: readonly string[]
}

function pageOf({ color, width, verbose }: RenderOptions, advised: readonly string[]): Page {
  return {
    paint: new Chalk({ level: color ? 1 : 0 }),
    width: pageWidth(width),
    verbose,
    samples: verbose ? 100 : 3,
    advised,
  }
}

const marks: Record<Status, readonly [mark: string, colour: 'green' | 'yellow' | 'red' | 'cyan' | 'dim' | 'magenta']> =
  {
    pass: ['✔', 'green'],
    warn: ['▲', 'yellow'],
    fail: ['✘', 'red'],
    expected: ['✔', 'cyan'],
    skip: ['·', 'dim'],
    crash: ['✘', 'magenta'],
  }
const severityColours: Record<Severity, 'red' | 'yellow' | 'cyan'> = { error: 'red', warning: 'yellow', info: 'cyan' }

function resultLines(result: Result, page: Page): string[] {
  const { paint, width } = page
  const unknown = couldNotTell(result)
  const [mark, colour] =
    result.status === 'skip' && unknown ? (['?', isBlocked(result) ? 'dim' : 'yellow'] as const) : marks[result.status]
  const figure = inert(figureOf(result))
  const why = whySkipped(result)
  const muted = result.status === 'skip' && (!unknown || isBlocked(result))
  const line = columns([
    [`    ${paint[colour](mark)} `, 6, 'left'],
    [muted ? paint.dim(result.title) : result.title, width - 6 - figureWidth(figure, width), 'left'],
    [paint.dim(figure), figureWidth(figure, width), 'right'],
  ])
  const { shown, more } = folded(result.findings, page.verbose ? Number.POSITIVE_INFINITY : notesShown)
  return [
    ...line,
    ...shown.flatMap((finding) => findingLines(finding, page)),
    ...(more > 0 ? wrapped(`and ${more} more of the kind (--verbose shows all)`, 6, page, paint.dim) : []),
    ...(isUnadvised(result) && result.docs ? wrapped(result.docs.fix, 10, page, paint.dim, '        → ') : []),
    ...(result.error
      ? wrapped(`the check broke: ${result.error.name}: ${result.error.message}`, 6, page, paint.magenta)
      : []),
    ...(page.verbose ? (result.error?.stack ?? []) : []).flatMap((frame) => wrapped(frame, 8, page, paint.dim)),
    ...(unknown && why !== null && !isBlocked(result) ? wrapped(why, 6, page, paint.yellow) : []),
    ...gapLines(result.coverage, page),
    ...(page.verbose ? (result.plans ?? []) : []).flatMap(({ how, objects }) =>
      wrapped(`${pluralize(objects.length, 'scan')}: ${how}`, 6, page, paint.dim),
    ),
    ...(muted && page.verbose && result.skip ? wrapped(result.skip.detail, 6, page, paint.dim) : []),
  ]
}

function findingLines(finding: Finding, page: Page): string[] {
  const { severity, message, address, evidence, suppressed, worse, next = [] } = finding
  if (suppressed) return wrapped(`${message} (${acceptedBy(suppressed)})`, 6, page, page.paint.dim)
  const samples = sampleTexts(evidence.samples, page.samples)
  const note = [address, ...(samples ? [samples] : [])].join(' · ')
  return [
    ...wrapped(
      worse ? `${message} (accepted: ${worse.accepted})` : message,
      6,
      page,
      page.paint[severityColours[severity]],
    ),
    ...(severity === 'info' && !page.verbose ? [] : wrapped(note, 8, page, page.paint.dim)),
    ...(severity === 'info' && !page.verbose ? [] : next)
      .filter((step) => !page.advised.includes(step))
      .flatMap((step) => wrapped(step, 10, page, page.paint.dim, '        → ')),
  ]
}

function gapLines(coverage: CoverageReport | undefined, page: Page): string[] {
  const missing = coverage?.missing ?? []
  const shown = page.verbose ? missing : missing.slice(0, gapsShown)
  const more = missing.length - shown.length
  return [
    ...shown.flatMap(({ object, reason, detail }) =>
      wrapped(`not examined: ${object} (${reason}: ${detail})`, 6, page, page.paint.yellow),
    ),
    ...(more > 0 ? wrapped(`and ${more} more (--verbose shows all)`, 6, page, page.paint.dim) : []),
  ]
}

/** Characters of a statement that are enough to know it again. */
const longestBeginning = 120

function beginningOf(statement: string): string {
  return statement.length > longestBeginning ? `${statement.slice(0, longestBeginning)}…` : statement
}

/** The checks and the statements that took most of the time, for somebody who wants less of it. */
function slowest(results: readonly Result[], page: Page): string[] {
  const looked = results.filter(({ ms }) => ms >= 1).sort((a, b) => b.ms - a.ms)
  if (looked.length === 0) return []
  const listed = looked.slice(0, slowestShown).map(({ id, ms }) => `${id} ${milliseconds(ms)}`)
  const statements = results
    .flatMap(({ id, slowest = [] }) => slowest.map((one) => ({ id, ...one })))
    .sort((a, b) => b.ms - a.ms)
    .slice(0, slowestShown)
  return [
    ...wrapped(`Slowest: ${listed.join(', ')}`, 2, page, page.paint.dim),
    ...statements.flatMap(({ id, statement, ms }) =>
      wrapped(`${milliseconds(ms)} ${id}: ${beginningOf(statement)}`, 4, page, page.paint.dim),
    ),
    '',
  ]
}

/** What has changed since earlier runs, where something has. */
function trendSection(report: Report, page: Page): string[] {
  const lines = trendLines(report)
  if (lines.length === 0) return []
  const { paint } = page
  return [
    `  ${paint.bold('Trend')} ${paint.dim(`· ${inert(trendBasis(report))}`)}`,
    ...lines.flatMap((line) => wrapped(line, 4, page, paint.reset)),
    '',
  ]
}

function verdictLines(
  { verdict, causes, counts, complete, ms, results, acceptance, fixes = [] }: Report,
  page: Page,
): string[] {
  const { paint } = page
  const colour = { healthy: 'green', degraded: 'yellow', unhealthy: 'red', inconclusive: 'yellow' } as const
  const label = `${verdict.status.toUpperCase()}${complete ? '' : ', INCOMPLETE'}`
  const [root, ...others] = causes
  const tally = [
    `${pluralize(ranOf(counts), 'check')} ran`,
    ...(['fail', 'warn', 'crash'] as const)
      .filter((status) => counts[status] > 0)
      .map((status) => `${counts[status]} ${tallyWords[status]}`),
    ...(counts.unknown > 0 ? [`${counts.unknown} could not tell`] : []),
    milliseconds(ms),
  ]
  return [
    ...columns([
      ['', 2, 'left'],
      [paint.bold[colour[verdict.status]](label), label.length + 2, 'left'],
      [paint.dim(tally.join(' · ')), page.width - label.length - 4, 'left'],
    ]),
    ...wrapped(verdict.headline, 2, page, paint.bold),
    ...(root?.explains ? wrapped(`what follows from it: ${root.explains.join(', ')}`, 2, page, paint.dim) : []),
    ...others
      .filter(({ headline }) => headline)
      .flatMap(({ headline }) => wrapped(`also: ${headline}`, 2, page, paint.reset)),
    ...[...blockedOf(results)].flatMap(([by, some]) =>
      wrapped(
        `not looked at, blocked by ${by}: ${pluralize(some.length, 'check')} of ${layersOf(some)}`,
        2,
        page,
        paint.dim,
      ),
    ),
    ...acceptanceNotes(acceptance).flatMap((note) => wrapped(note, 2, page, paint.yellow)),
    ...fixes.flatMap((fix) =>
      wrapped(
        `${fix.outcome === 'failed' ? 'not mended' : 'mended'}: ${fixed(fix)}`,
        2,
        page,
        fix.outcome === 'failed' ? paint.red : paint.green,
      ),
    ),
    ...(root?.next ?? []).flatMap((step) => wrapped(step, 6, page, paint.reset, '    → ')),
  ]
}

function layersOf(results: readonly Result[]): string {
  return [...new Set(results.map(({ layer }) => layer))].join(', ')
}

const tallyWords = { fail: 'failed', warn: 'warned', crash: 'broke' } as const

function figureWidth(figure: string, width: number): number {
  return Math.min(figure.length + 2, Math.floor(width * 0.6))
}

/** Whether a result has something to say that a pass has not. */
function speaks(result: Result): boolean {
  return result.findings.length > 0 || result.status === 'crash' || (couldNotTell(result) && !isBlocked(result))
}

/** Nobody asked for it. */
function isIdle({ skip }: Result): boolean {
  return skip !== undefined && !isUnknown(skip.reason)
}

/** Left out by name, or by depth. */
function isDeselected({ skip }: Result): boolean {
  return skip?.reason === 'deselected'
}

function isBlocked({ skip }: Result): boolean {
  return skip?.reason === 'blocked'
}

function couldNotTell({ skip, coverage }: Result): boolean {
  return (skip !== undefined && isUnknown(skip.reason)) || (coverage?.missing ?? []).length > 0
}
