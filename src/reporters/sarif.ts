import type { Log, ReportingDescriptor, Result as SarifResult } from 'sarif'
import type { Reporter } from '../contracts/reporter.js'
import { objectOf, type Report, targetName } from '../report/report.js'
import { inertJson } from '../values/inert.js'
import { type Problem, placeOf, problemsOf } from './problems.js'

/**
 * SARIF 2.1.0 for code scanning: a rule for each kind of finding, with its help; each result at the line of the config that asked for it,
 * and at the object in the database as a logical location. https://docs.oasis-open.org/sarif/sarif/v2.1.0/
 */
export const sarif: Reporter = {
  name: 'sarif',
  render: (report) => `${inertJson(JSON.stringify(logOf(report), null, 2))}\n`,
}

function logOf(report: Report): Log {
  const problems = problemsOf(report)
  const rules = [...new Map(problems.map((problem) => [problem.rule, ruleOf(problem)])).values()]
  const results = problems.map((problem): SarifResult => {
    const place = placeOf(report, problem.result)
    const object = problem.finding ? objectOf(problem.finding) : null
    return {
      ruleId: problem.rule,
      ruleIndex: rules.findIndex(({ id }) => id === problem.rule),
      level: problem.level,
      message: { text: [`${problem.message}.`, ...problem.next].join('\n') },
      locations: [
        {
          ...(place && {
            physicalLocation: {
              artifactLocation: { uri: encodeURI(place.path) },
              region: { startLine: place.line },
            },
          }),
          logicalLocations: [
            { fullyQualifiedName: object ?? targetName(report), kind: object ? 'object' : 'database' },
          ],
        },
      ],
      ...(problem.finding?.suppressed && {
        suppressions: [{ kind: 'external', justification: problem.finding.suppressed.reason }],
      }),
      partialFingerprints: { 'dbdoctor/v1': problem.fingerprint },
    }
  })
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'dbdoctor', semanticVersion: report.tool.version, rules } },
        automationDetails: { id: `dbdoctor/${targetName(report)}/` },
        invocations: [
          {
            executionSuccessful: report.complete,
            exitCode: report.exitCode,
            startTimeUtc: report.startedAt,
          },
        ],
        results,
      },
    ],
  }
}

function ruleOf({ rule, result: { title, docs }, level }: Problem): ReportingDescriptor {
  return {
    id: rule,
    shortDescription: { text: title },
    ...(docs && { fullDescription: { text: docs.why }, help: { text: docs.fix } }),
    defaultConfiguration: { level },
  }
}
