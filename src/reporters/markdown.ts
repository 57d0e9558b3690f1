import type { Reporter } from '../contracts/reporter.js'
import { fixes, rootCause } from './markdown/causes.js'
import { performance, technicalDetails, trend } from './markdown/details.js'
import { health, opening } from './markdown/health.js'
import { capabilities, conclusion, nextSteps } from './markdown/outlook.js'

/** The incident summary: every sentence comes from a result, and a section without evidence says that nothing was checked. */
export const markdown: Reporter = {
  name: 'markdown',
  render: (report) =>
    `${[
      ...opening(report),
      ...health(report),
      ...rootCause(report),
      ...fixes(report),
      ...trend(report),
      ...performance(report),
      ...capabilities(report),
      ...nextSteps(report),
      ...technicalDetails(report),
      ...conclusion(report),
    ].join('\n')}\n`,
}
