import { layerOf } from '../../src/contracts/layers.js'
import type { Finding, Report, Result } from '../../src/report/report.js'
import { countResults, databaseStateOf, statusOf } from '../../src/report/verdict.js'

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

/** A report in which every text that comes from elsewhere is this one. */
export function reportNamed(name: string): Report {
  const finding = findingWith({
    address: 'schema/tables#missing',
    message: name,
    evidence: { samples: [{ row: { [name]: name }, key: { [name]: name } }] },
    next: [name],
  })
  const missing = [{ object: name, reason: 'no-permission', detail: name } as const]
  const report = reportWith(
    {
      id: 'schema/tables',
      title: name,
      status: 'fail',
      saw: name,
      findings: [finding, { ...finding, suppressed: { by: 'ignore', reason: name } }],
      coverage: { examined: 1, of: 2, unit: 'table', missing },
      docs: { why: name, fix: name },
      measurements: [
        { name: `${name} p50`, value: 3, unit: 'ms', budget: 2, n: 5 },
        { name: `${name} p95`, value: 9, unit: 'ms', n: 5 },
        { name: `${name}!`, value: 9, unit: 'ms', n: 1 },
      ],
    },
    { id: 'schema/indexes', status: 'crash', error: { name, message: name } },
    { id: 'schema/drift', status: 'skip', skip: { reason: 'unavailable', detail: name } },
    { id: 'server/latency', title: name, status: 'skip', skip: { reason: 'blocked', detail: name } },
  )
  const entry = { by: 'ignore', address: name, what: name, reason: name } as const
  const change = { name, object: name, of: 'rows', from: 1, to: 2 } as const
  return {
    ...report,
    target: { dialect: 'postgres', name, host: name, port: 1, role: name, version: name },
    verdict: { ...report.verdict, headline: name },
    causes: [{ id: 'a', headline: name, because: [name], next: [name] }],
    facts: { [`fact ${name}`]: 1 },
    acceptance: { stale: [entry], expired: [{ ...entry, expires: name }] },
    trend: { runs: 1, since: '2025-01-01T00:00:00.000Z', changes: [change, { ...change, of: 'fact' }] },
  }
}
