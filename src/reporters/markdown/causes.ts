import type { Cause, Fix, Report, Result } from '../../report/report.js'
import { pluralize } from '../../values/text.js'
import { stepLines, escaped as text } from '../commonmark.js'
import { acceptanceNotes, isBroken, isUnadvised } from '../figures.js'
import { listOr } from './parts.js'

export function rootCause(report: Report): string[] {
  const { causes, results, verdict, acceptance, fixes: done = [] } = report
  const named = causes.filter(({ headline }) => headline)
  const cleared =
    verdict.database === 'intact' ? [`1. **No database crash**: ${text(exoneration(verdict.headline))}`] : []
  const listed = named.map((cause, at) => {
    const because = becauseOf(cause, causes.slice(0, causes.indexOf(cause)), results)
    const reasons = because.length > 0 ? ` Because: ${text(because.join('; '))}.` : ''
    const consequences = cause.explains ? ` What follows from it: ${text(cause.explains.join(', '))}.` : ''
    return `${cleared.length + at + 1}. **${text(cause.headline)}**${reasons}${consequences}`
  })
  // What a repair has mended was a cause too, though nobody finds it any more.
  const mended = done.filter(({ outcome }) => outcome !== 'failed')
  const earlier = mended.map(
    ({ before, what }, at) =>
      `${cleared.length + listed.length + at + 1}. **${text(before).replace(/^[a-z](?!\w*:)/, (letter) => letter.toUpperCase())}**: mended (${text(what)})`,
  )
  return [
    '## Root cause analysis',
    '',
    '### What caused the issues',
    '',
    ...listOr(
      [...cleared, ...listed, ...earlier],
      verdict.status === 'healthy' ? 'There are none.' : 'Not known: no diagnosis fits.',
    ),
    '',
    '### What was broken',
    '',
    ...listOr(
      [
        ...mended.map(({ before, addresses }) => `- ✅ ${text(before)} (${text(addresses.join(', '))}): mended`),
        ...results.flatMap((result) => brokenLines(result, causes)),
      ],
      'Nothing that was checked.',
    ),
    ...acceptanceNotes(acceptance).map((note) => `- ⚠️ ${text(note)}`),
    '',
  ]
}

/** The counts that clear the database, without what follows. */
function exoneration(headline: string): string {
  return `${headline.replace(/^No database crash: /, '').split(/\. (?=[A-Z])/)[0]}`
}

/** What speaks for a cause and was not said of an earlier one; a finding by its check, for its sentence stands below. */
function becauseOf({ because }: Cause, earlier: readonly Cause[], results: readonly Result[]): string[] {
  const said = new Set(earlier.flatMap((cause) => cause.because))
  const messages = results.flatMap(({ findings }) => findings.map(({ message }) => message))
  return because
    .filter((reason) => !said.has(reason))
    .map((reason) => {
      const [id = '', sentence = ''] = reason.split(/: (.*)/s)
      return messages.some((message) => sentence.startsWith(message)) ? id : reason
    })
}

/** What is broken and nobody has accepted, each with its steps where no cause has them; else what mends such things. */
function brokenLines(result: Result, causes: readonly Cause[]): string[] {
  const advised = new Set(causes.flatMap(({ next }) => next))
  return [
    ...result.findings
      .filter(isBroken)
      .flatMap(({ address, message, severity, next = [] }) => [
        `- ${severity === 'error' ? '❌' : '⚠️'} ${text(message)} (${text(address)})`,
        ...next.filter((step) => !advised.has(step)).flatMap((step) => stepLines(step, '  ')),
      ]),
    ...(isUnadvised(result) && result.docs ? stepLines(result.docs.fix, '  ') : []),
  ]
}

export function fixes({ causes, fixes: done = [] }: Report): string[] {
  return [
    ...(done.length > 0 ? ['## Fixes applied', '', ...done.flatMap(appliedLines)] : []),
    ...(done.length > 0 && advisedOf(causes).length === 0 ? [] : suggested(causes, done.length > 0)),
  ]
}

/** A step that was carried out: with what was seen before and after. */
function appliedLines({ step, what, outcome, rows, before, after, text: fault, addresses, log }: Fix): string[] {
  const failed = outcome === 'failed'
  return [
    `### ${step}. ${text(what).replace(/^./, (letter) => letter.toUpperCase())} ${failed ? '❌' : '✅'}`,
    '',
    `- Before: ${text(before)} (${text(addresses.join(', '))})`,
    ...(rows === undefined ? [] : [`- ${pluralize(rows, 'row')} changed`]),
    failed ? `- It failed: ${text(fault ?? '')}` : `- After: ${text(after ?? '')}`,
    ...(log === undefined ? [] : [`- What it prints is in ${text(log)}`]),
    '',
  ]
}

function suggested(causes: readonly Cause[], changed: boolean): string[] {
  return [
    '## Fixes suggested',
    '',
    ...(changed ? [] : ['dbdoctor changed nothing.', '']),
    ...advisedOf(causes).flatMap(({ id, next }, at) => [
      `### ${at + 1}. ${text(id)}`,
      '',
      ...next.flatMap((step) => stepLines(step)),
      '',
    ]),
  ]
}

/** Causes that something can be done about. */
export function advisedOf(causes: readonly Cause[]): Cause[] {
  return causes.filter(({ next }) => next.length > 0)
}
