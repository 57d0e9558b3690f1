import type { Reporter } from './reporter.js'

/** The formats that a report comes in. Each is loaded when it is asked for. */
const loaders = {
  pretty: async () => (await import('./pretty.js')).pretty,
  markdown: async () => (await import('./markdown.js')).markdown,
  json: async () => (await import('./json.js')).json,
} satisfies Record<string, () => Promise<Reporter>>

export type ReporterName = keyof typeof loaders
export const reporterNames = Object.keys(loaders) as readonly ReporterName[]

export function loadReporter(name: ReporterName): Promise<Reporter> {
  return loaders[name]()
}
