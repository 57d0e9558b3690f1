import type { Chart, Diagnosis } from '../contracts/diagnosis.js'
import { type Layer, layerOf, layers } from '../contracts/layers.js'
import { outOf } from '../values/text.js'
import { type Cause, type Finding, type Result, unknownsOf } from './report.js'

/**
 * The causes that fit; the first one is the root cause. A finding is explained by the first diagnosis, in their order, that notes it: one
 * that has nothing else to go by is left out. Causes come by the lowest layer that they stand on, errors before warnings.
 */
export function causesOf(
  diagnoses: readonly Diagnosis[],
  results: readonly Result[],
  facts: { readonly [name: string]: number },
): Cause[] {
  const explained = new Set<Finding>()
  const causes = diagnoses.flatMap(({ id, headline, when, next, decisive = false, symptom = false, explains = [] }) => {
    const notes: Notes = { sound: new Set(), ill: new Set(), findings: new Set() }
    const chart = chartOf(results, facts, notes, explained)
    if (!when(chart)) return []
    const findings = [...notes.findings]
    if (findings.length > 0 && findings.every((finding) => explained.has(finding))) return []
    const said = typeof headline === 'string' ? headline : headline(chart)
    // What holds below the fault is a part of the evidence.
    for (const layer of beneath(findings)) chart.healthy(layer)
    const steps = findings.filter(firstOfItsKind).flatMap((finding) => finding.next ?? [])
    const following = results
      .flatMap((result) => result.findings)
      .filter((finding) =>
        typeof explains === 'function' ? explains(finding, findings) : explains.includes(finding.address),
      )
    const consequences = following.filter(
      (finding) => finding.severity !== 'info' && !explained.has(finding) && !notes.findings.has(finding),
    )
    for (const finding of [...findings, ...following]) explained.add(finding)
    const because = [...notes.sound, ...notes.ill]
    const further = typeof next === 'function' ? next(chart) : next
    const addresses = [...new Set(consequences.map(({ address }) => address))]
    const cause = {
      ...{ id, headline: said, because },
      ...(addresses.length > 0 && { explains: addresses }),
      next: [...new Set([...steps, ...further])],
    }
    const explainsErrors = following.some(({ severity }) => severity === 'error')
    return [{ cause, rank: rankOf(findings, { decisive: decisive || explainsErrors, symptom }) }]
  })
  return causes.sort((a, b) => a.rank - b.rank).map(({ cause }) => cause)
}

/** Errors, and what explains them, by layer; warnings by layer; what has no findings; symptoms; what is only worth knowing. */
function rankOf(findings: readonly Finding[], { decisive, symptom }: { decisive: boolean; symptom: boolean }): number {
  const grave = findings.filter(({ severity }) => decisive || severity === 'error')
  const mild = findings.filter(({ severity }) => severity === 'warning')
  const lowest = (some: readonly Finding[]) => Math.min(...some.map(({ address }) => layers.indexOf(layerOf(address))))
  if (grave.length > 0) return lowest(grave)
  if (mild.length > 0) return layers.length + (symptom ? layers.length + 1 : lowest(mild))
  return findings.length === 0 ? 2 * layers.length : 2 * layers.length + 2
}

/** What a chart was asked and answered yes. */
interface Notes {
  readonly sound: Set<string>
  readonly ill: Set<string>
  readonly findings: Set<Finding>
}

function chartOf(
  results: readonly Result[],
  facts: { readonly [name: string]: number },
  { sound, ill, findings: noted }: Notes,
  explained: ReadonlySet<Finding>,
): Chart {
  const findings = results.flatMap((result) => result.findings)
  const at = (address: string) => findings.filter((finding) => finding.address === address)
  const errors = (layer: Layer) =>
    findings.filter(
      (finding) => layerOf(finding.address) === layer && finding.severity === 'error' && !explained.has(finding),
    )
  const message = (...addresses: readonly string[]) => addresses.flatMap(at)[0]?.message ?? ''
  const note = (some: readonly Finding[]): boolean => {
    const [first, ...more] = some
    if (!first) return false
    const check = first.address.slice(0, first.address.indexOf('#'))
    ill.add(`${check}: ${first.message}${more.length > 0 ? ` (and ${more.length} more)` : ''}`)
    for (const finding of some) noted.add(finding)
    return true
  }

  return {
    facts,
    errors,

    findings: (...addresses) => addresses.flatMap(at),

    message,

    sentence(...addresses) {
      const words = message(...addresses)
      // A sentence may begin with a URL, with the name of a file, or with a name in quotes.
      return words && `${words.replace(/^[a-z](?![\w-]*(?::\/\/|\.\w))/, (letter) => letter.toUpperCase())}.`
    },

    healthy: (...wanted) =>
      wanted.every((layer) => {
        const looked = results.filter((result) => result.layer === layer && result.status !== 'skip')
        const well = looked.filter((result) => ['pass', 'warn', 'expected'].includes(result.status))
        const unknown = results.some((result) => result.layer === layer && unknownsOf(result).length > 0)
        if (looked.length === 0 || well.length < looked.length || unknown) return false
        sound.add(`${layer}: ${outOf(well.length, looked.length, 'check')} passed`)
        return true
      }),

    found: (address) => note(at(address)),

    foundAny: (...addresses) => addresses.map((address) => note(at(address))).includes(true),

    passed(id) {
      const passed = results.some((result) => result.id === id && result.status === 'pass')
      if (passed) sound.add(`${id}: passed`)
      return passed
    },

    failed: (...wanted) => wanted.flatMap(errors).filter((error) => note([error])).length > 0,

    ill: (...wanted) =>
      findings.some(
        ({ address, severity }) => severity === 'error' && (wanted.length === 0 || wanted.includes(layerOf(address))),
      ),

    unsure() {
      // What is blocked is unknown because of another one, which speaks for itself.
      const unsure = results.filter(
        (result) =>
          result.asked &&
          (result.status === 'crash' || unknownsOf(result).some((reason) => reason !== 'blocked')) &&
          !result.findings.some((finding) => explained.has(finding)),
      )
      for (const { id, skip, error } of unsure)
        ill.add(`${id}: ${error?.message ?? skip?.detail ?? 'not everything was examined'}`)
      return unsure.length > 0
    },

    remedies: () => [
      ...new Set(results.flatMap(({ coverage }) => (coverage?.missing ?? []).flatMap(({ next = [] }) => next))),
    ],

    diagnosed: () => explained.size > 0,

    quiet: () => findings.every(({ severity }) => severity === 'info'),
  }
}

/** The layers that faults stand on: those below them, and for what is beside the database all of its own. */
function beneath(findings: readonly Finding[]): readonly Layer[] {
  const highest = Math.max(-1, ...findings.map(({ address }) => layers.indexOf(layerOf(address))))
  return layers.slice(0, Math.max(0, highest)).filter((layer) => layer !== 'external')
}

function firstOfItsKind({ address }: Finding, at: number, findings: readonly Finding[]): boolean {
  return findings.findIndex((other) => other.address === address) === at
}
