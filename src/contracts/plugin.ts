import type { AnyCheck } from './check.js'
import type { Diagnosis } from './diagnosis.js'
import type { Reporter } from './reporter.js'

/** A set of checks, diagnoses and formats. The built-in checks and diagnoses are the first plugin. */
export interface Plugin {
  readonly name: string
  readonly checks?: readonly AnyCheck[]
  /** Most specific first: the first that fits is the root cause. */
  readonly diagnoses?: readonly Diagnosis[]
  /** Formats that a report comes in, beside the built-in ones: `-f NAME`. */
  readonly reporters?: readonly Reporter[]
}

/** Declares a plugin. */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin
}
