import { describe, expect, test } from 'vitest'
import type { Finding } from '../../src/report/report.js'
import { examine, type TestDatabase, testDatabase } from '../support/databases.js'
import { type Fault, morgue } from './morgue.js'
import { zooOf } from './zoo.js'

/** Statements that change something, as they are typed into psql or sqlite3; sentences begin with a capital letter. */
const statement = /^(begin|alter|create|drop|reindex|delete|update|insert|grant|vacuum|select setval)\b/

/** Rows that others still point at are not moved before those: the server refuses, and nothing is lost. */
const refusals = /violates foreign key constraint "event_notes_/

describe.each(['sqlite', 'postgres'] as const)('on %s', (dialect) => {
  const zoo = testDatabase(dialect, zooOf(dialect))

  const findingsOf = async (
    { target }: TestDatabase,
    { config, depth }: Partial<Fault>,
  ): Promise<readonly Finding[]> => {
    const { results } = await examine(target, { ...(config && { config }), ...(depth && { depth }) })
    return results.flatMap(({ findings }) => findings)
  }

  test.each(morgue[dialect])('what is advised for $fault runs as it is typed, and mends it', async (fault) => {
    const ill = await (await zoo).copy(fault.statements)
    const before = new Set((await findingsOf(await zoo, fault)).map(({ fingerprint }) => fingerprint))
    const fresh = (await findingsOf(ill, fault)).filter(({ fingerprint }) => !before.has(fingerprint))
    const advised = fresh.filter(({ next = [] }) => next.some((step) => statement.test(step)))
    const refused: Finding[] = []
    for (const finding of advised) {
      try {
        for (const step of finding.next?.filter((one) => statement.test(one)) ?? []) await ill.execute(step)
      } catch (error) {
        if (!refusals.test(String(error))) throw error
        refused.push(finding)
      }
    }
    const after = new Set((await findingsOf(ill, fault)).map(({ fingerprint }) => fingerprint))
    const left = advised.filter((finding) => after.has(finding.fingerprint) && !refused.includes(finding))
    expect(left.map(({ address, message, next }) => ({ address, message, next }))).toEqual([])
  })
})
