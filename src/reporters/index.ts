import type { Comparer, Reporter } from '../contracts/reporter.js'

/** The formats that a report comes in. Each is loaded when it is asked for. */
const loaders = {
  pretty: async () => (await import('./pretty.js')).pretty,
  markdown: async () => (await import('./markdown.js')).markdown,
  brief: async () => (await import('./brief.js')).brief,
  html: async () => (await import('./html.js')).html,
  json: async () => (await import('./json.js')).json,
  junit: async () => (await import('./junit.js')).junitXml,
  sarif: async () => (await import('./sarif.js')).sarif,
  github: async () => (await import('./github.js')).github,
  gitlab: async () => (await import('./gitlab.js')).gitlab,
  prometheus: async () => (await import('./prometheus.js')).prometheus,
} satisfies Record<string, () => Promise<Reporter>>

export type ReporterName = keyof typeof loaders
export const reporterNames = Object.keys(loaders) as readonly ReporterName[]

export function loadReporter(name: ReporterName): Promise<Reporter> {
  return loaders[name]()
}

/** The formats that a comparison of two reports comes in. */
const comparers = {
  pretty: async () => (await import('./comparison/pretty.js')).pretty,
  markdown: async () => (await import('./comparison/markdown.js')).markdown,
  json: async () => (await import('./comparison/json.js')).json,
} satisfies Partial<Record<ReporterName, () => Promise<Comparer>>>

export type ComparerName = keyof typeof comparers
export const comparerNames = Object.keys(comparers) as readonly ComparerName[]

export function loadComparer(name: ComparerName): Promise<Comparer> {
  return comparers[name]()
}
