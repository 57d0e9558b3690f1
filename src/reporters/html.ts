import type { Reporter } from '../contracts/reporter.js'
import type { Cause, CoverageReport, Finding, Report, Result } from '../report/report.js'
import { isUnknown, whySkipped } from '../report/report.js'
import { milliseconds, moment } from '../values/text.js'
import { acceptanceNotes, acceptedBy, figureOf, placeOf, ranOf, sampleTexts } from './figures.js'
import { coverages, latencies, overview, type Tone, toneOf } from './html/drawings.js'
import { type Markup, html as markup, nothing } from './html/markup.js'
import { style } from './html/style.js'
import { trendBasis, trendLines } from './trend.js'

const samplesShown = 5

/** One page that opens anywhere, offline, and prints: the verdict first, then why, then everything that was looked at. */
export const html: Reporter = {
  name: 'html',
  render: (report) => `${page(report).markup.trim()}\n`,
}

function page(report: Report): Markup {
  const { verdict, target, tool, startedAt, ms, exitCode, depth } = report
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${target?.name ?? 'no database'}: ${verdict.status}</title>
<style>${{ markup: style }}</style>
</head>
<body>
<main>
${opening(report)}
${diagnosis(report)}
${trend(report)}
${looked(report)}
${section('Latency', latencies(report.results))}
${layers(report)}
${gaps(report)}
${accepted(report)}
${figures(report)}
<footer>Examined at ${moment(startedAt)} in ${milliseconds(ms)} by ${tool.name} ${tool.version}, depth ${depth}, exit code ${exitCode}.</footer>
</main>
</body>
</html>`
}

/** A part of the page; none where there is nothing in it. */
function section(title: string, body: Markup, lead = nothing): Markup {
  if (body.markup.trim() === '') return nothing
  return markup`<section>
<h2>${title}</h2>
${lead}
${body}
</section>`
}

function opening(report: Report): Markup {
  const { verdict, complete, counts, ms } = report
  const ran = ranOf(counts)
  const tally: readonly (readonly [number: number | string, words: string])[] = [
    [ran, ran === 1 ? 'check ran' : 'checks ran'],
    ...(counts.fail > 0 ? [[counts.fail, 'failed'] as const] : []),
    ...(counts.warn > 0 ? [[counts.warn, 'warned'] as const] : []),
    ...(counts.crash > 0 ? [[counts.crash, 'broke'] as const] : []),
    ...(counts.unknown > 0 ? [[counts.unknown, 'could not tell'] as const] : []),
    [milliseconds(ms), 'in all'],
  ]
  return markup`<header>
<p class="brand"><b>dbdoctor</b> · ${placeOf(report)}</p>
<h1 class="${verdict.status}">${verdict.status}${complete ? '' : ', incomplete'}</h1>
<p class="headline">${verdict.headline}</p>
<p class="tally">${tally.map(([number, words]) => markup`<span><b>${number}</b> ${words}</span>`)}</p>
</header>`
}

function diagnosis({ causes }: Report): Markup {
  const named = causes.filter(({ headline }) => headline)
  if (named.length === 0) return nothing
  return section('Diagnosis', markup`<ol class="causes">${named.map(cause)}</ol>`)
}

function cause({ headline, because, explains, next }: Cause): Markup {
  return markup`<li>
<p class="claim">${headline}</p>
<dl class="pair">
${because.length > 0 ? markup`<dt>Because</dt><dd><ul>${because.map((one) => markup`<li>${one}</li>`)}</ul></dd>` : nothing}
${explains ? markup`<dt>Explains</dt><dd>${explains.join(', ')}</dd>` : nothing}
${next.length > 0 ? markup`<dt>Next</dt><dd>${steps(next)}</dd>` : nothing}
</dl>
</li>`
}

function steps(next: readonly string[]): Markup {
  return markup`<ul class="next">${next.map((step) => markup`<li>${step}</li>`)}</ul>`
}

function trend(report: Report): Markup {
  const lines = trendLines(report)
  if (lines.length === 0) return nothing
  return section(
    'What has changed',
    markup`<ul class="lines">${lines.map((line) => markup`<li>${line}</li>`)}</ul>`,
    markup`<p class="lead">${trendBasis(report)}</p>`,
  )
}

function looked({ results }: Report): Markup {
  const database = results.filter(({ layer }) => layer === 'storage' || layer === 'schema' || layer === 'integrity')
  return markup`${section('What was looked at', overview(results))}
${section('Schema and rows', coverages(database))}`
}

const marks: Record<Tone, string> = {
  pass: '✔',
  warn: '▲',
  fail: '✘',
  expected: '✔',
  crash: '✘',
  unknown: '?',
  skip: '·',
}

function layers({ results }: Report): Markup {
  const chapters = [...new Set(results.map(({ layer }) => layer))].map((layer) => {
    const own = results.filter((result) => result.layer === layer)
    const rest = own.filter(isLeft)
    return markup`<h3>${layer}</h3>
${own.filter((result) => !isLeft(result)).map(check)}
${byReason(rest).map(([reason, some]) => markup`<p class="rest">${reason}: ${some.map(({ title }) => title).join('; ')}</p>`)}`
  })
  return section('Results', markup`${chapters}`)
}

/** Nobody had to look, or something else must be mended first. */
function isLeft({ skip, findings }: Result): boolean {
  return skip !== undefined && (!isUnknown(skip.reason) || skip.reason === 'blocked') && findings.length === 0
}

function byReason(results: readonly Result[]): (readonly [reason: string, results: readonly Result[]])[] {
  const reasonOf = ({ skip }: Result) =>
    skip?.reason === 'blocked' ? `Blocked ${skip.detail}` : capital(skip?.reason.replaceAll('-', ' ') ?? '')
  return [...new Set(results.map(reasonOf))].map((reason) => [
    reason,
    results.filter((result) => reasonOf(result) === reason),
  ])
}

function capital(words: string): string {
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`
}

function check(result: Result): Markup {
  const { title, findings, error, docs } = result
  const tone = toneOf(result)
  const why = tone === 'unknown' ? whySkipped(result) : null
  const more = [
    ...findings.map(finding),
    ...(error ? [markup`<p class="quiet">The check broke: ${error.name}: ${error.message}</p>`] : []),
    ...(why !== null ? [markup`<p class="quiet">${why}</p>`] : []),
    ...(docs ? [markup`<p class="advice">${docs.why} <b>${docs.fix}</b></p>`] : []),
  ]
  return markup`<div class="check ${tone}">
<span class="mark" role="img" aria-label="${tone}">${marks[tone]}</span>
<span>${title}</span>
<span class="figure">${figureOf(result)}</span>
${more.length > 0 ? markup`<div class="more">${more}</div>` : nothing}
</div>`
}

function finding({ severity, message, address, evidence, next = [], suppressed, worse }: Finding): Markup {
  const samples = sampleTexts(evidence.samples, samplesShown)
  const notes = [
    suppressed ? acceptedBy(suppressed) : severity,
    address,
    ...(worse ? [`accepted: ${worse.accepted}`] : []),
    ...(samples ? [samples] : []),
  ]
  return markup`<div class="finding ${severity}${suppressed ? ' accepted' : ''}">
<p>${message}</p>
<p class="address">${notes.join(' · ')}</p>
${next.length > 0 ? steps(next) : nothing}
</div>`
}

function gaps({ results }: Report): Markup {
  const all = results.flatMap((result) => {
    const { id, coverage, skip, error } = result
    const missing = coverage?.missing ?? []
    const why = skip && isUnknown(skip.reason) && skip.reason !== 'blocked' ? whySkipped(result) : null
    return [
      ...alike(missing).map((some) => gap(id, whyOf(some), some.map(({ object }) => object).join(', '))),
      ...(skip && why !== null ? [gap(id, `${skip.reason.replaceAll('-', ' ')}: ${why}`)] : []),
      ...(error ? [gap(id, `the check broke: ${error.message}`)] : []),
    ]
  })
  if (all.length === 0) return nothing
  return section(
    'What could not be looked at',
    markup`<ul class="lines">${all}</ul>`,
    markup`<p class="lead">It is unknown, and not called well.</p>`,
  )
}

function gap(id: string, why: string, objects = ''): Markup {
  return markup`<li>
<p><span class="address">${id}</span> ${why}</p>
${objects ? markup`<p class="quiet">${objects}</p>` : nothing}
</li>`
}

type Gap = CoverageReport['missing'][number]

/** Gaps that have the same reason, and are all wanted or all optional. */
function alike(missing: readonly Gap[]): Gap[][] {
  const kindOf = ({ reason, optional }: Gap) => `${reason} ${optional === true}`
  return [...new Set(missing.map(kindOf))].map((kind) => missing.filter((gap) => kindOf(gap) === kind))
}

function whyOf(gaps: readonly Gap[]): string {
  const { reason, detail, optional } = gaps[0] ?? { reason: '', detail: '' }
  const more = gaps.some((each) => each.detail !== detail) ? ` (and ${gaps.length - 1} more)` : ''
  return `${reason.replaceAll('-', ' ')}${optional ? ', optional' : ''}: ${detail}${more}`
}

function accepted({ acceptance }: Report): Markup {
  const notes = acceptanceNotes(acceptance)
  if (notes.length === 0) return nothing
  return section('What was accepted', markup`<ul class="lines">${notes.map((note) => markup`<li>${note}</li>`)}</ul>`)
}

function figures({ facts }: Report): Markup {
  const all = Object.entries(facts)
  if (all.length === 0) return nothing
  return section(
    'Figures',
    markup`<table><tbody>${all.map(([name, value]) => markup`<tr><td class="address">${name}</td><td class="number">${value}</td></tr>`)}</tbody></table>`,
  )
}
