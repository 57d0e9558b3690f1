import type { Reporter } from '../contracts/reporter.js'
import { inertJson } from '../values/inert.js'
import { openProblems, placeOf } from './problems.js'

const severities = { error: 'critical', warning: 'minor', note: 'info' } as const

/**
 * GitLab's code quality report: an entry a problem, at the line of the config that asked for it. GitLab shows the first of those that share
 * a fingerprint, so that each one has its own. https://docs.gitlab.com/ci/testing/code_quality/
 */
export const gitlab: Reporter = {
  name: 'gitlab',
  render(report) {
    const seen = new Map<string, number>()
    const entries = openProblems(report).map(({ result, rule, level, message, fingerprint }) => {
      const times = seen.get(fingerprint) ?? 0
      seen.set(fingerprint, times + 1)
      const { path, line } = placeOf(report, result) ?? { path: 'dbdoctor.config.ts', line: 1 }
      return {
        description: message,
        check_name: rule,
        fingerprint: times === 0 ? fingerprint : `${fingerprint}-${times}`,
        severity: severities[level],
        location: { path, lines: { begin: line } },
      }
    })
    return `${inertJson(JSON.stringify(entries, null, 2))}\n`
  },
}
