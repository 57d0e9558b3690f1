import { Chalk, type ChalkInstance } from 'chalk'
import type { CoverageReport, Finding, Plain, Report, Result, Severity, SkipReason, Status } from '../report.js'
import { milliseconds, pluralize } from '../words.js'
import { columns } from './columns.js'
import { blockedOf, engines, figureOf } from './figures.js'
import { inert } from './inert.js'
import type { RenderOptions, Reporter } from './reporter.js'

/** Wider than this, an eye loses the line between a title and its figure. */
const widest = 110
/** Narrower than this, there is no room for a title beside its figure. */
const narrowest = 60
const gapsShown = 3
/** Why nobody looked, where nobody had to. */
const knownReasons: readonly SkipReason[] = ['not-applicable', 'not-configured', 'deselected']

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
      ...shown.filter((result) => result.layer === layer).flatMap((result) => resultLines(result, page)),
      '',
    ])
    const head = options.quiet
      ? []
      : ['', `  ${page.paint.bold('dbdoctor')} ${page.paint.dim('·')} ${described(report)}`, '']
    const idle = all.filter((layer) => !layers.includes(layer))
    const rest = idle.length > 0 ? [...wrapped(`Not looked at: ${idle.join(', ')}`, 2, page, page.paint.dim), ''] : []
    return `${[...head, ...sections.flat(), ...rest, ...verdictLines(report, page), ''].join('\n')}\n`
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
    width: Math.max(narrowest, Math.min(width, widest)),
    verbose,
    samples: verbose ? 100 : 3,
    advised,
  }
}

function described({ target, depth }: Report): string {
  if (!target) return 'no database'
  const { dialect, name, version, host, port, role, primary, pooler } = target
  const engine = [engines[dialect], version].filter(Boolean).join(' ')
  const place = host === undefined ? [] : [`${host}:${port}`, ...(role ? [`as ${role}`] : [])]
  const notes = [
    ...(primary === false ? ['standby'] : []),
    ...(pooler ? ['through a pooler'] : []),
    ...(depth === 'standard' ? [] : [depth]),
  ]
  return inert([name, engine, ...place, ...notes].filter(Boolean).join(' · '))
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
  const unknown = isUnknown(result)
  const [mark, colour] =
    result.status === 'skip' && unknown ? (['?', isBlocked(result) ? 'dim' : 'yellow'] as const) : marks[result.status]
  const figure = inert(figureOf(result))
  const muted = result.status === 'skip' && (!unknown || isBlocked(result))
  const line = columns([
    [`    ${paint[colour](mark)} `, 6, 'left'],
    [muted ? paint.dim(result.title) : result.title, width - 6 - figureWidth(figure, width), 'left'],
    [paint.dim(figure), figureWidth(figure, width), 'right'],
  ])
  return [
    ...line,
    ...result.findings.flatMap((finding) => findingLines(finding, page)),
    ...(result.error
      ? wrapped(`the check broke: ${result.error.name}: ${result.error.message}`, 6, page, paint.magenta)
      : []),
    ...(unknown && result.skip && !isBlocked(result) && !result.coverage?.missing.length
      ? wrapped(result.skip.detail, 6, page, paint.yellow)
      : []),
    ...gapLines(result.coverage, page),
    ...(muted && page.verbose && result.skip ? wrapped(result.skip.detail, 6, page, paint.dim) : []),
  ]
}

function findingLines({ severity, message, address, evidence, next = [] }: Finding, page: Page): string[] {
  const samples = sampleTexts(evidence.samples, page.samples)
  const note = [address, ...(samples ? [samples] : [])].join(' · ')
  return [
    ...wrapped(message, 6, page, page.paint[severityColours[severity]]),
    ...(severity === 'info' && !page.verbose ? [] : wrapped(note, 8, page, page.paint.dim)),
    ...next
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

function verdictLines({ verdict, causes, counts, complete, ms, results }: Report, page: Page): string[] {
  const { paint } = page
  const colour = { healthy: 'green', degraded: 'yellow', unhealthy: 'red', inconclusive: 'yellow' } as const
  const label = `${verdict.status.toUpperCase()}${complete ? '' : ', INCOMPLETE'}`
  const [root, ...others] = causes
  const tally = [
    `${pluralize(counts.pass + counts.warn + counts.fail + counts.expected + counts.crash, 'check')} ran`,
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

/** `10 → 77`: the row, and the key that points nowhere. */
function sampleTexts(samples: Plain | undefined, most: number): string | null {
  if (!Array.isArray(samples) || samples.length === 0) return null
  const texts = samples.slice(0, most).map((sample) => {
    const { row, key } = sample as { row?: Record<string, Plain>; key?: Record<string, Plain> }
    return `${pairs(row)} → ${pairs(key)}`
  })
  return texts.join(', ')
}

function pairs(part: Record<string, Plain> | undefined): string {
  return Object.entries(part ?? {})
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
}

/** Whether a result has something to say that a pass has not. */
function speaks(result: Result): boolean {
  return result.findings.length > 0 || result.status === 'crash' || (isUnknown(result) && !isBlocked(result))
}

/** Nobody asked for it. */
function isIdle({ skip }: Result): boolean {
  return skip !== undefined && knownReasons.includes(skip.reason)
}

function isBlocked({ skip }: Result): boolean {
  return skip?.reason === 'blocked'
}

function isUnknown({ skip, coverage }: Result): boolean {
  return (skip !== undefined && !knownReasons.includes(skip.reason)) || (coverage?.missing ?? []).length > 0
}

function wrapped(text: string, indent: number, { width }: Page, colour: (text: string) => string, lead = ''): string[] {
  return columns([
    [lead, indent, 'left'],
    [colour(inert(text)), width - indent, 'left'],
  ])
}
