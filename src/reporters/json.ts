import { inertJson } from './inert.js'
import type { Reporter } from './reporter.js'

/** The report itself, for machines: the public contract. */
export const json: Reporter = { name: 'json', render: (report) => `${inertJson(JSON.stringify(report, null, 2))}\n` }
