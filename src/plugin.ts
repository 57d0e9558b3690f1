import type { AnyCheck } from './check.js'
import type { Diagnosis } from './diagnosis.js'

/** A set of checks and diagnoses. The built-in ones are the first plugin. */
export interface Plugin {
  readonly name: string
  readonly checks?: readonly AnyCheck[]
  /** Most specific first: the first that fits is the root cause. */
  readonly diagnoses?: readonly Diagnosis[]
}

/** Declares a plugin. */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin
}
