import junit, { type Builder, type TestSuite } from 'junit-report-builder'
import type { Reporter } from '../contracts/reporter.js'
import { isUnknown, type Report, type Result, targetName } from '../report/report.js'
import { inert } from '../values/inert.js'
import { acceptedBy, figureOf } from './figures.js'

/** Its types speak of a default export inside of what it exports by default. */
const library = junit as unknown as Builder

/**
 * JUnit XML, as CI servers read it: a suite a layer, a case a check. What was found is a failure; what should have been told and could
 * not is an error; what nobody had to look at, or waits for another check, is skipped.
 */
export const junitXml: Reporter = {
  name: 'junit',
  render(report) {
    const builder = library.newBuilder()
    for (const layer of new Set(report.results.map((result) => result.layer))) {
      const own = report.results.filter((result) => result.layer === layer)
      const suite = builder
        .testSuite()
        .name(`${inert(targetName(report))} ${layer}`)
        .timestamp(new Date(report.startedAt))
        .time(seconds(own.reduce((sum, { ms }) => sum + ms, 0)))
      for (const result of own) caseOf(suite, result, report)
    }
    return `${builder.build()}\n`
  },
}

function caseOf(suite: TestSuite, result: Result, report: Report) {
  const { id, title, status, skip, error, findings, asked, ms } = result
  const test = suite.testCase().className(`dbdoctor.${id}`).name(title).time(seconds(ms))
  if (report.config) test.file(report.config.path)
  const said = findings.map(({ severity, message, address, suppressed, next = [] }) =>
    [
      `${suppressed ? acceptedBy(suppressed) : severity}: ${message} (${address})`,
      ...next.map((step) => `  ${step}`),
    ].join('\n'),
  )
  const text = inertLines([...said, figureOf(result)].join('\n'))
  const unknown = skip !== undefined && isUnknown(skip.reason) && skip.reason !== 'blocked'
  if (status === 'fail') {
    const [first] = findings.filter(({ severity, suppressed }) => severity === 'error' && !suppressed)
    test.failure(inert(first?.message ?? title), first?.address).stacktrace(text)
  } else if (status === 'crash') test.error(inert(error?.message ?? 'it broke'), 'crash', text)
  else if (status === 'skip' && skip) {
    const why = inert(`${skip.reason}: ${skip.detail}`)
    if (unknown && asked) test.error(why, skip.reason, text)
    else test.skipped().standardOutput(why)
  } else test.standardOutput(text)
}

/** XML knows no control characters; lines stay. */
function inertLines(text: string): string {
  return text.split('\n').map(inert).join('\n')
}

function seconds(ms: number): number {
  return Math.round(ms) / 1000
}
