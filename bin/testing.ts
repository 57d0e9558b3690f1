import type { AnyCheck } from '../src/contracts/check.js'
import type { DiagnoseOptions } from '../src/engine/diagnose.js'
import { examineOn, reportOn, type TestDatabase, type TestOptions } from '../src/engine/testing.js'
import type { Report, Result } from '../src/report/report.js'

export { said, type TestDatabase, type TestOptions } from '../src/engine/testing.js'

/**
 * Runs one check on a throw-away database, with whatever it stands on, as the command line would.
 *
 * @example
 * const result = await examine(check, { sqlite: 'create table users (id integer primary key)' })
 * expect(said(result)).toBe('pass')
 */
export function examine(check: AnyCheck, database: TestDatabase, options: TestOptions = {}): Promise<Result> {
  return examineOn(check, database, options, async () => (await import('../checks/index.js')).default)
}

/**
 * Examines a whole throw-away database, with the built-in checks and those of the options' plugins: for tests of what a report concludes.
 *
 * @example
 * const { causes } = await examineAll({ sqlite: ddl }, { config: { plugins: [queue] } })
 * expect(causes[0]?.id).toBe('queue-emptied')
 */
export function examineAll(database: TestDatabase, options: Omit<DiagnoseOptions, 'target'> = {}): Promise<Report> {
  return reportOn(database, options, async () => (await import('../checks/index.js')).default)
}
