import { type Layer, layerOf } from './layers.js'
import type { Cause, Finding, Result } from './report.js'
import { unknownsOf } from './report.js'

/**
 * The results of a run, as a diagnosis may question them. The chart notes each question that was answered yes: the notes become
 * the cause's `because`, so that a verdict can't claim what nobody looked at.
 */
export interface Chart {
  /** Something ran in each of these layers, nothing there failed or crashed, and nothing is unknown. */
  healthy(...layers: Layer[]): boolean
  /** A finding with this address, `<check id>#<code>`, was reported. */
  found(address: string): boolean
  /** The check itself ran to its end without an error or a warning. */
  passed(id: string): boolean
  /** A finding of severity error was reported in one of these layers. */
  failed(...layers: Layer[]): boolean
  /** Some check could not tell what it was asked. */
  unsure(): boolean
  /** The findings of severity error in a layer, for a headline. Asking for them is not a claim, and notes nothing. */
  errors(layer: Layer): readonly Finding[]
  /** The first finding's sentence at one of these addresses, tried in this order, for a headline. Asking for it notes nothing. */
  sentence(...addresses: string[]): string
  readonly facts: { readonly [name: string]: number }
}

export interface Diagnosis {
  readonly id: string
  /** One sentence that names the cause. */
  readonly headline: string | ((chart: Chart) => string)
  readonly when: (chart: Chart) => boolean
  /** What to do, in this order, in the imperative. */
  readonly next: readonly string[]
}

/** Declares a diagnosis: a pure function of the results. */
export function defineDiagnosis(diagnosis: Diagnosis): Diagnosis {
  return diagnosis
}

/** The causes that fit, in the order of the diagnoses; the first one is the root cause. */
export function diagnose(
  diagnoses: readonly Diagnosis[],
  results: readonly Result[],
  facts: { readonly [name: string]: number },
): Cause[] {
  return diagnoses.flatMap(({ id, headline, when, next }) => {
    const because = new Set<string>()
    const chart = chartOf(results, facts, (note) => because.add(note))
    if (!when(chart)) return []
    return [{ id, headline: typeof headline === 'string' ? headline : headline(chart), because: [...because], next }]
  })
}

function chartOf(
  results: readonly Result[],
  facts: { readonly [name: string]: number },
  note: (answer: string) => void,
): Chart {
  const findings = results.flatMap((result) => result.findings)
  const errors = (layer: Layer) =>
    findings.filter(({ address, severity }) => layerOf(address) === layer && severity === 'error')

  return {
    facts,
    errors,

    sentence(...addresses) {
      const first = addresses.flatMap((address) => findings.filter((finding) => finding.address === address))[0]
      // A sentence may begin with a URL, or with a name in quotes.
      return first ? `${first.message.replace(/^[a-z](?!\w*:\/\/)/, (letter) => letter.toUpperCase())}.` : ''
    },

    healthy: (...layers) =>
      layers.every((layer) => {
        const looked = results.filter((result) => result.layer === layer && result.status !== 'skip')
        const sound = looked.filter((result) => ['pass', 'warn', 'expected'].includes(result.status))
        const unknown = results.some((result) => result.layer === layer && unknownsOf(result).length > 0)
        if (looked.length === 0 || sound.length < looked.length || unknown) return false
        note(`${layer}: ${sound.length} of ${looked.length} checks passed`)
        return true
      }),

    found(address) {
      const first = findings.find((finding) => finding.address === address)
      if (first) note(`${address.slice(0, address.indexOf('#'))}: ${first.message}`)
      return first !== undefined
    },

    passed(id) {
      const passed = results.some((result) => result.id === id && result.status === 'pass')
      if (passed) note(`${id}: passed`)
      return passed
    },

    failed: (...layers) =>
      layers.some((layer) => {
        for (const { address, message } of errors(layer)) note(`${address.slice(0, address.indexOf('#'))}: ${message}`)
        return errors(layer).length > 0
      }),

    unsure() {
      // What is blocked is unknown because of another one, which speaks for itself.
      const unsure = results.filter(
        (result) =>
          result.asked && (result.status === 'crash' || unknownsOf(result).some((reason) => reason !== 'blocked')),
      )
      for (const { id, skip, error } of unsure)
        note(`${id}: ${error?.message ?? skip?.detail ?? 'not everything was examined'}`)
      return unsure.length > 0
    },
  }
}
