import type { Acceptance, Finding, Fix, Measurement, Plain, Report, Result, TargetInfo } from '../report/report.js'
import { milliseconds, outOf, pluralize } from '../values/text.js'

export const engines: Record<TargetInfo['dialect'], string> = { sqlite: 'SQLite', postgres: 'PostgreSQL' }

/** What was examined, in a line: its name, engine, address and whatever is special about it. */
export function placeOf({ target, depth }: Report): string {
  if (!target) return 'no database'
  const { dialect, name, version, host, port, role, primary, pooler } = target
  const engine = [engines[dialect], version].filter(Boolean).join(' ')
  const place = host === undefined ? [] : [`${host}:${port}`, ...(role ? [`as ${role}`] : [])]
  const notes = [
    ...(primary === false ? ['standby'] : []),
    ...(pooler ? ['through a pooler'] : []),
    ...(depth === 'standard' ? [] : [depth]),
  ]
  return [name, engine, ...place, ...notes].filter(Boolean).join(' · ')
}

/** What a check saw, in a few words. */
export function figureOf({ coverage, findings, measurements, saw, skip, status }: Result): string {
  if (status === 'skip' && skip) return skip.reason.replaceAll('-', ' ')
  if (saw !== undefined) return saw
  // How much was looked at says little of what is ill.
  const ill = status === 'fail' || status === 'warn' ? findings.filter(({ severity }) => severity !== 'info') : []
  if (coverage && ill.length > 0) return pluralize(ill.length, 'finding')
  if (coverage?.of === 0) return `no ${pluralize(0, coverage.unit).replace('0 ', '')}`
  if (coverage) return outOf(coverage.examined, coverage.of, coverage.unit)
  const telling = measurements.filter(({ budget }) => budget !== undefined)
  const shown = telling.length > 0 ? telling : measurements
  return shown.map((measurement) => measured(measurement, shown.length > 1)).join(', ')
}

function measured({ name, value, n }: Measurement, named: boolean): string {
  return n === 1 && !named ? milliseconds(value) : `${name.replace(/ (p50|mean)$/, '')} ${milliseconds(value)}`
}

/** Findings as they are told: what is only worth knowing so many times of each kind, and how much more of it there is. */
export function folded(findings: readonly Finding[], notes: number): { shown: readonly Finding[]; more: number } {
  const told = new Map<string, number>()
  const shown = findings.filter(({ severity, address }) => {
    const before = told.get(address) ?? 0
    told.set(address, before + 1)
    return severity !== 'info' || before < notes
  })
  return { shown, more: findings.length - shown.length }
}

/** Results that are unknown because of another one, by that one's id: what to mend first, and what waits for it. */
export function blockedOf(results: readonly Result[]): ReadonlyMap<string, readonly Result[]> {
  const blocked = new Map<string, Result[]>()
  for (const result of results) {
    if (result.skip?.reason !== 'blocked') continue
    const by = /^by ([^\s:]+)/.exec(result.skip.detail)?.[1] ?? result.skip.detail
    blocked.set(by, [...(blocked.get(by) ?? []), result])
  }
  return blocked
}

/** What the figures of a report count, in words; a noun, and what more there is to say of it. */
const counted: Readonly<Record<string, readonly [noun: string, more: string]>> = {
  'schema.tables': ['table', ''],
  'schema.indexes': ['index', ''],
  'schema.indexes.plain': ['index', ' that no constraint needs'],
  'schema.foreignKeys': ['foreign key', ''],
  'integrity.orphanedRows': ['orphaned row', ''],
}

/** The figures of a report in words: `38 of 38 tables`, `52 foreign keys`, `2 rows in users`. */
export function factsInWords(facts: Report['facts']): string[] {
  return Object.entries(facts).flatMap(([name, value]) => {
    if (name.endsWith('.expected')) return []
    if (name.startsWith('rows.')) return [`${pluralize(value, 'row')} in ${name.slice('rows.'.length)}`]
    const words = counted[name]
    if (!words) return [`${name}: ${value}`]
    const expected = facts[`${name}.expected`]
    const [noun, more] = words
    return [`${expected === undefined ? pluralize(value, noun) : outOf(value, expected, noun)}${more}`]
  })
}

/** What is wrong, and nobody has accepted. */
export function isBroken({ severity, suppressed }: Finding): boolean {
  return severity !== 'info' && !suppressed
}

/** Something is broken, and no finding says what to do about it: what mends such things in general is all that there is. */
export function isUnadvised({ findings }: Result): boolean {
  const broken = findings.filter(isBroken)
  return broken.length > 0 && broken.every(({ next = [] }) => next.length === 0)
}

/** Why a finding sets no exit code: `accepted until 2027-01-01: kept on purpose`. */
export function acceptedBy({ reason, expires }: NonNullable<Finding['suppressed']>): string {
  return `accepted${expires === undefined ? '' : ` until ${expires}`}: ${reason}`
}

/** What has become of what was accepted, a line each. */
export function acceptanceNotes(acceptance: Acceptance | undefined): string[] {
  const { expired = [], stale = [] } = acceptance ?? {}
  return [
    ...expired.map(({ address, what, expires }) => `accepted until ${expires} and found again: ${address}, ${what}`),
    ...stale.map(({ by, address, what }) => `accepted (${by}) and no longer found: ${address}, ${what}`),
  ]
}

/** `id 10 → user_id 77`: the row, and the key that points nowhere. Any other sample as it is. */
export function sampleTexts(samples: Plain | undefined, most: number): string | null {
  if (!Array.isArray(samples) || samples.length === 0) return null
  return samples.slice(0, most).map(sampleText).join(', ')
}

function sampleText(sample: Plain): string {
  if (typeof sample !== 'object' || sample === null || !('row' in sample && 'key' in sample)) return valueText(sample)
  return `${pairs(sample.row)} → ${pairs(sample.key)}`
}

function pairs(part: Plain | undefined): string {
  return Object.entries(part ?? {})
    .map(([name, value]) => `${name} ${valueText(value)}`)
    .join(', ')
}

function valueText(value: Plain): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** How many checks ran, whatever they came to. */
export function ranOf({ pass, warn, fail, expected, crash }: Report['counts']): number {
  return pass + warn + fail + expected + crash
}

/** A step of a repair in a sentence: what was done, and what was seen afterwards, or why it was not. */
export function fixed({ what, rows, after, text, before }: Fix): string {
  const done = rows === undefined ? what : `${what} (${pluralize(rows, 'row')})`
  return text === undefined ? `${done}; ${after}` : `${done}: ${text}; before: ${before}`
}
