import type { Comparer } from '../../contracts/reporter.js'
import { inertJson } from '../../values/inert.js'

/** The comparison itself, for machines. */
export const json: Comparer = {
  name: 'json',
  render: (comparison) => `${inertJson(JSON.stringify(comparison, null, 2))}\n`,
}
