import type { Finding } from '../report/report.js'
import type { Layer } from './layers.js'

/**
 * The results of a run, as a diagnosis may question them. The chart notes each question that was answered yes: the notes become
 * the cause's `because`, so that a verdict can't claim what nobody looked at.
 */
export interface Chart {
  /** Something ran in each of these layers, nothing there failed or crashed, and nothing is unknown. */
  healthy(...layers: Layer[]): boolean
  /** A finding with this address, `<check id>#<code>`, was reported. */
  found(address: string): boolean
  /** Findings at one of these addresses were reported; all of them are noted. */
  foundAny(...addresses: string[]): boolean
  /** The check itself ran to its end without an error or a warning. */
  passed(id: string): boolean
  /** A finding of severity error that no earlier diagnosis explains was reported in one of these layers. */
  failed(...layers: Layer[]): boolean
  /** A finding of severity error was reported in one of these layers, or in any, whatever explains it. Asking notes nothing. */
  ill(...layers: Layer[]): boolean
  /** Some check could not tell what it was asked, and no earlier diagnosis says why. */
  unsure(): boolean
  /** The steps with which what could not be looked at can be, each once. Asking for them notes nothing. */
  remedies(): readonly string[]
  /** An earlier diagnosis fits. Asking notes nothing. */
  diagnosed(): boolean
  /** Nothing is an error or a warning. */
  quiet(): boolean
  /** The findings of severity error in a layer that no earlier diagnosis explains, for a headline. Asking for them notes nothing. */
  errors(layer: Layer): readonly Finding[]
  /** The findings at these addresses, for a headline. Asking for them notes nothing. */
  findings(...addresses: string[]): readonly Finding[]
  /** The first finding's own words at one of these addresses, for a part of a sentence. Asking for them notes nothing. */
  message(...addresses: string[]): string
  /** The first finding's sentence at one of these addresses, tried in this order, for a headline. Asking for it notes nothing. */
  sentence(...addresses: string[]): string
  readonly facts: { readonly [name: string]: number }
}

export interface Diagnosis {
  readonly id: string
  /** It explains errors above it, even where its own findings are no more than warnings. */
  readonly decisive?: true
  /** Its warnings are named last: what they name may be a symptom of anything else, or of the machine that looks. */
  readonly symptom?: true
  /**
   * Findings that follow from this cause, and are no causes of their own where it fits: their addresses, or whether one follows from
   * those that were found.
   */
  readonly explains?: readonly string[] | ((finding: Finding, found: readonly Finding[]) => boolean)
  /** One sentence that names the cause. */
  readonly headline: string | ((chart: Chart) => string)
  readonly when: (chart: Chart) => boolean
  /** What to do, in this order, in the imperative. It follows what the findings themselves advise. */
  readonly next: readonly string[] | ((chart: Chart) => readonly string[])
}

/** Declares a diagnosis: a pure function of the results. */
export function defineDiagnosis(diagnosis: Diagnosis): Diagnosis {
  return diagnosis
}
