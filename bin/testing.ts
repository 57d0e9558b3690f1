import type { AnyCheck } from '../src/check.js'
import type { Result } from '../src/report.js'
import { examineOn, type TestDatabase, type TestOptions } from '../src/testing.js'

export { said, type TestDatabase, type TestOptions } from '../src/testing.js'

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
