import { layerOf } from '../../src/layers.js'
import type { Finding, Report, Result } from '../../src/report.js'
import { countResults, databaseStateOf, statusOf } from '../../src/verdict.js'

type Given = Partial<Result> & Pick<Result, 'id' | 'status'>

/** A literal result of a check that took no time. */
export function resultWith(given: Given): Result {
  return { title: given.id, layer: layerOf(given.id), asked: true, ms: 0, findings: [], measurements: [], ...given }
}

/** A literal finding. */
export function findingWith(given: Partial<Finding> & Pick<Finding, 'address'>): Finding {
  return { severity: 'error', message: given.address, evidence: {}, fingerprint: '0', ...given }
}

/** A literal report of these results, with the verdict that they deserve. */
export function reportWith(...given: Given[]): Report {
  const results = given.map(resultWith)
  const seen = {
    results,
    complete: true,
    depth: 'standard',
    facts: {},
    target: { dialect: 'sqlite', name: 'app.db' },
  } as const
  return {
    schemaVersion: 1,
    tool: { name: 'dbdoctor', version: '0.0.0' },
    exitCode: 0,
    ...seen,
    startedAt: '2026-01-01T00:00:00.000Z',
    ms: 12.3,
    verdict: { status: statusOf(seen), database: databaseStateOf(seen), headline: 'The headline.' },
    causes: [],
    counts: countResults(results),
  }
}
