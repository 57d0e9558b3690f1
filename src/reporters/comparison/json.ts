import { inertJson } from '../inert.js'
import type { Comparer } from '../reporter.js'

/** The comparison itself, for machines. */
export const json: Comparer = {
  name: 'json',
  render: (comparison) => `${inertJson(JSON.stringify(comparison, null, 2))}\n`,
}
