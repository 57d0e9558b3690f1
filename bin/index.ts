import { type DiagnoseOptions, examineFor } from '../src/engine/diagnose.js'
import type { Report } from '../src/report/report.js'

export type { DiagnoseOptions } from '../src/engine/diagnose.js'
export * from '../src/index.js'

/**
 * Examines as `dbdoctor check` does, with the checks that come with dbdoctor, and answers with the report. It touches neither terminal,
 * arguments, environment, exit code nor signals. What it finds is data; a wrong option or config rejects with a `DbdoctorError`.
 *
 * @example
 * const report = await diagnose({ target: 'sqlite:./app.db', depth: 'quick', deadline: '2s' })
 * if (report.verdict.status !== 'healthy') console.log(report.verdict.headline)
 */
export function diagnose(options: DiagnoseOptions = {}): Promise<Report> {
  return examineFor(options, async () => (await import('../checks/index.js')).default)
}
