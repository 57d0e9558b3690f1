import type { Measurement, Result, Status } from '../../report/report.js'
import { isUnknown } from '../../report/report.js'
import { grouped, milliseconds, outOf, pluralize } from '../../values/text.js'
import { figureOf } from '../figures.js'
import { html, type Markup, nothing } from './markup.js'

/** How a result is drawn: its status, and apart from it what should have been told and could not. */
export type Tone = Status | 'unknown'

export function toneOf({ status, skip }: Result): Tone {
  return status === 'skip' && skip && isUnknown(skip.reason) ? 'unknown' : status
}

/** Each check as a mark, layer by layer: shapes differ as colours do. */
export function overview(results: readonly Result[]): Markup {
  const rows = [...new Set(results.map(({ layer }) => layer))].map((layer) => {
    const own = results.filter((result) => result.layer === layer)
    const ran = own.filter(({ status }) => status !== 'skip').length
    return html`<div class="row">
      <div class="what">${layer}</div>
      <svg viewBox="0 0 ${20 * own.length} 16" style="width: ${1.25 * own.length}rem" role="img">
        <title>${layer}: ${own.map(({ title, ...rest }) => `${title}: ${toneOf({ title, ...rest })}`).join('; ')}</title>
        ${own.map(
          (result, at) => html`<g class="${toneOf(result)}" transform="translate(${20 * at} 0)">
          <title>${result.title}: ${figureOf(result) || toneOf(result)}</title>
          ${shapes[toneOf(result)]}
        </g>`,
        )}
      </svg>
      <div class="figure">${outOf(ran, own.length, 'check')} ran</div>
    </div>`
  })
  return html`<div class="plot">${rows}</div>`
}

const shapes: Record<Tone, Markup> = {
  pass: html`<circle class="tone" cx="8" cy="8" r="5.5"/>`,
  expected: html`<circle class="tone" cx="8" cy="8" r="5.5"/>`,
  warn: html`<path class="tone" d="M8 1.5 14.5 13.5H1.5Z"/>`,
  fail: html`<path class="tone" d="M8 0.5 15.5 8 8 15.5 0.5 8Z"/>`,
  crash: html`<path class="tone" d="M2 2H14V14H2Z"/>`,
  unknown: html`<circle class="hollow" cx="8" cy="8" r="5" stroke-width="1.5"/>`,
  skip: html`<circle class="tone" cx="8" cy="8" r="1.5"/>`,
}

/** Cells in a line of a coverage, their distance, and how many are drawn one by one. */
const [across, pitch, mostCells] = [48, 8, 480] as const

/** What the checks of the database examined, a cell an object: full where it was looked at, hollow where it was not. */
export function coverages(results: readonly Result[]): Markup {
  const rows = results.flatMap(({ coverage, title, status, findings }) => {
    if (!coverage || coverage.of === 0) return []
    const { examined, of, unit } = coverage
    const words = outOf(examined, of, unit)
    // Which of the objects a finding is about, a cell does not know: only where there is none are they green.
    const tone = status === 'pass' ? status : 'plain'
    const open = findings.filter(({ severity, suppressed }) => severity !== 'info' && !suppressed).length
    return html`<div class="row">
      <div class="what">${title}</div>
      ${of > mostCells ? share(examined / of, words, tone) : cells(examined, of, words, tone)}
      <div class="figure"><b>${grouped(examined)}</b> of ${pluralize(of, unit)}${open > 0 ? html`<small class="${status} toned">${pluralize(open, 'finding')}</small>` : nothing}</div>
    </div>`
  })
  return rows.length > 0 ? html`<div class="plot">${rows}</div>` : nothing
}

function cells(examined: number, of: number, words: string, tone: string): Markup {
  const squares = (from: number, to: number, size: number) =>
    Array.from({ length: to - from }, (_, index) => {
      const [x, y] = [((from + index) % across) * pitch, Math.floor((from + index) / across) * pitch]
      const inset = (6 - size) / 2
      return `M${x + inset} ${y + inset}h${size}v${size}h-${size}z`
    }).join('')
  return html`<svg class="${tone}" viewBox="0 0 ${across * pitch - 2} ${Math.ceil(of / across) * pitch - 2}" role="img">
        <title>${words}</title>
        <path class="tone" d="${squares(0, examined, 6)}"/><path class="hollow" d="${squares(examined, of, 5)}"/>
      </svg>`
}

function share(part: number, words: string, tone: string): Markup {
  return html`<svg class="${tone}" viewBox="0 0 382 6" role="img">
        <title>${words}</title>
        <rect class="grid" x="0.5" y="0.5" width="381" height="5"/><rect class="tone" width="${(382 * part).toFixed(1)}" height="6"/>
      </svg>`
}

/** What was measured of one thing. */
interface Series {
  readonly name: string
  readonly value: number
  readonly budget: number | undefined
  readonly p50: number | undefined
  readonly p95: number | undefined
  readonly n: number
}

/** Each latency against its budget, with the span from the median to the 95th percentile where both were measured. */
export function latencies(results: readonly Result[]): Markup {
  const all = results.flatMap((result) => seriesOf(result.measurements).map((series) => ({ series, result })))
  const drawn = all.filter(({ series }) => series.budget !== undefined || series.p95 !== undefined)
  const bare = all.filter((one) => !drawn.includes(one))
  const rows = drawn.map(({ series, result }) => {
    const { name, value, budget, p50, p95, n } = series
    const span = p50 === undefined || p95 === undefined ? '' : `p50 ${milliseconds(p50)}, p95 ${milliseconds(p95)}, `
    const limit = budget === undefined ? '' : ` of ${milliseconds(budget)}`
    const over = budget !== undefined && value > budget
    return html`<div class="row">
      <div class="what">${name}</div>
      ${scale(series, over ? result.status : 'pass', `${name}: ${milliseconds(value)}${limit}; ${span}n ${n}`)}
      <div class="figure"><b>${milliseconds(value)}</b>${limit}<small>${span}n ${n}</small></div>
    </div>`
  })
  const others = bare.map(({ series }) => `${series.name} ${milliseconds(series.value)}`).join(', ')
  return html`${rows.length > 0 ? html`<div class="plot">${rows}</div>` : nothing}
    ${others ? html`<p class="lead">Without a budget: ${others}.</p>` : nothing}`
}

function seriesOf(measurements: readonly Measurement[]): Series[] {
  const base = ({ name }: Measurement) => name.replace(/ (p50|p95|mean)$/, '')
  return [...new Set(measurements.map(base))].flatMap((name) => {
    const own = measurements.filter((measurement) => base(measurement) === name)
    const of = (kind: string) => own.find((measurement) => measurement.name === `${name} ${kind}`)?.value
    const shown = own.find(({ budget }) => budget !== undefined) ?? own[0]
    return shown ? [{ name, value: shown.value, budget: shown.budget, p50: of('p50'), p95: of('p95'), n: shown.n }] : []
  })
}

function scale({ value, budget, p50, p95 }: Series, status: Status, words: string): Markup {
  const most = Math.max((budget ?? 0) * 1.12, value * 1.04, (p95 ?? 0) * 1.04, Number.MIN_VALUE)
  const x = (time: number) => (4 + (372 * time) / most).toFixed(1)
  return html`<svg class="${status}" viewBox="0 0 382 18" role="img">
        <title>${words}</title>
        <path class="track" d="M4 9H378" stroke-width="1.5"/>
        ${p50 === undefined || p95 === undefined ? nothing : html`<path class="range" d="M${x(p50)} 9H${x(p95)}" stroke-width="5" stroke-opacity="0.4" stroke-linecap="round"/>`}
        ${budget === undefined ? nothing : html`<path class="limit" d="M${x(budget)} 1V17" stroke-width="1.5"/>`}
        <circle class="tone" cx="${x(value)}" cy="9" r="4.5"/>
      </svg>`
}
