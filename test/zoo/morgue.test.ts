import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Finding } from '../../src/report/report.js'
import { stepLines } from '../../src/reporters/commonmark.js'
import { examine, type TestDatabase, testDatabase } from '../support/databases.js'
import { type Fault, morgue } from './morgue.js'
import { zooOf } from './zoo.js'

const matrix: string[] = []
afterAll(() => console.log(`fault × check\n${matrix.join('\n')}`))

describe.each(['sqlite', 'postgres'] as const)('on %s', (dialect) => {
  let zoo: TestDatabase
  let healthy: ReadonlySet<string>

  const findingsOf = async ({ target }: TestDatabase, { config, depth }: Partial<Fault> = {}): Promise<Finding[]> => {
    const { results } = await examine(target, { ...(config && { config }), ...(depth && { depth }) })
    return results.flatMap(({ findings }) => findings)
  }

  beforeAll(async () => {
    zoo = await testDatabase(dialect, zooOf(dialect))
    healthy = new Set((await findingsOf(zoo)).map(({ fingerprint }) => fingerprint))
  })

  test.each(morgue[dialect])('$fault', async ({ fault, statements, found, ...options }) => {
    const findings = await findingsOf(await zoo.copy(statements), options)
    const fresh = findings.filter(({ fingerprint }) => !healthy.has(fingerprint))
    matrix.push(`${dialect}: ${fault.padEnd(64)}${fresh.map(({ address }) => address).join(', ')}`)
    // Each build of PostgreSQL brings collations of its own.
    const said = fresh.map(
      ({ address, message }) => `${address}: ${message.replace(/(version 1\.2 to) [\d.]+/, '$1 …')}`,
    )
    expect(said).toEqual(found)
    // What begins with a small letter is there to be typed.
    const typed = fresh.flatMap(({ next = [] }) => next).filter((step) => /^[a-z]/.test(step))
    expect(typed.filter((step) => !/`(sql|sh)$/.test(stepLines(step)[0] ?? ''))).toEqual([])
  })
})
