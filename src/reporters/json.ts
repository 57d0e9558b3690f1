import type { Reporter } from '../contracts/reporter.js'
import { inertJson } from '../values/inert.js'

/** The report itself, for machines: the public contract. */
export const json: Reporter = { name: 'json', render: (report) => `${inertJson(JSON.stringify(report, null, 2))}\n` }
