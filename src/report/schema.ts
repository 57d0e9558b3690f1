import { z } from 'zod'
import { depths } from '../contracts/depth.js'
import { layers } from '../contracts/layers.js'
import { repairClasses } from '../contracts/repair-class.js'
import type { Plain } from './report.js'
import { knownReasons, schemaVersion, unknownReasons } from './report.js'

/** The contract of `report.ts` for reports that come from outside: strict about what it names, tolerant of what is added. */

const count = z.int().nonnegative()
const ms = z.number().nonnegative()
const time = z.iso.datetime({ error: 'Invalid time: expected ISO 8601, UTC' })
const unknownReason = z.enum(unknownReasons)

const plain: z.ZodType<Plain> = z
  .lazy(() => z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(plain), z.record(z.string(), plain)]))
  .meta({ id: 'Plain', description: 'JSON, and nothing else.' })

const finding = z
  .object({
    address: z.string().describe('`<check id>#<code>`: the same in config, ignore list, JUnit, SARIF and diagnoses.'),
    severity: z.enum(['error', 'warning', 'info']),
    message: z.string(),
    evidence: z.record(z.string(), plain),
    next: z.exactOptional(z.array(z.string())).describe('What to do, in this order.'),
    fingerprint: z.string().describe('Stable across runs and row counts.'),
    suppressed: z
      .exactOptional(
        z.object({ by: z.enum(['baseline', 'ignore']), reason: z.string(), expires: z.exactOptional(z.string()) }),
      )
      .describe('Accepted in writing: it sets no exit code, and stays in sight.'),
    worse: z.exactOptional(z.object({ accepted: count })).describe('Worse than what was accepted: that many rows.'),
  })
  .meta({ id: 'Finding' })

const acceptedEntry = z
  .object({
    by: z.enum(['baseline', 'ignore']),
    address: z.string(),
    what: z.string(),
    reason: z.string(),
    expires: z.exactOptional(z.string()),
  })
  .meta({ id: 'AcceptedEntry' })

const coverage = z
  .object({
    examined: count,
    of: count,
    unit: z.string(),
    missing: z.array(
      z.object({
        object: z.string(),
        reason: unknownReason,
        detail: z.string(),
        optional: z.exactOptional(z.literal(true)).describe('Nobody asked for it, or its absence was accepted.'),
        next: z.exactOptional(z.array(z.string())).describe('What to do so that it can be looked at, in this order.'),
      }),
    ),
  })
  .meta({ id: 'CoverageReport', description: 'What a check looked at, and what it could not look at.' })

const measurement = z
  .object({
    name: z.string(),
    value: z.number(),
    unit: z.literal('ms'),
    budget: z.exactOptional(z.number()),
    n: count.describe('How many samples the value stands on.'),
  })
  .meta({ id: 'Measurement' })

const status = z.enum(['pass', 'warn', 'fail', 'expected', 'skip', 'crash'])
const verdictStatus = z.enum(['healthy', 'degraded', 'unhealthy', 'inconclusive'])

const result = z
  .object({
    id: z.string(),
    layer: z.enum(layers),
    title: z.string(),
    status,
    asked: z.boolean().describe('Whether an unknown here keeps the run from exit 0.'),
    saw: z.exactOptional(z.string()),
    plans: z.exactOptional(z.array(z.object({ how: z.string(), objects: z.array(z.string()) }))),
    slowest: z
      .exactOptional(z.array(z.object({ statement: z.string(), ms: z.number() })))
      .describe('The statements that took longest, in milliseconds: of those of 10 ms and more, three at most.'),
    probe: z.exactOptional(z.string()),
    capability: z.exactOptional(z.string().describe('What people can do while the check passes.')),
    promises: z
      .exactOptional(
        z.array(z.object({ name: z.string(), promised: z.string(), observed: z.exactOptional(z.string()) })),
      )
      .describe('What the config promises, and what was seen of it.'),
    ms,
    findings: z.array(finding),
    coverage: z.exactOptional(coverage),
    skip: z.exactOptional(z.object({ reason: z.enum([...knownReasons, ...unknownReasons]), detail: z.string() })),
    error: z.exactOptional(
      z.object({ name: z.string(), message: z.string(), stack: z.exactOptional(z.array(z.string())) }),
    ),
    docs: z.exactOptional(z.object({ why: z.string(), fix: z.string() })),
    measurements: z.array(measurement),
    relationships: z.exactOptional(
      z.array(
        z.object({
          child: z.string(),
          columns: z.array(z.string()),
          parent: z.string(),
          parentColumns: z.array(z.string()),
          declared: z.boolean(),
          confidence: z.number().min(0).max(1),
          because: z.array(z.string()),
        }),
      ),
    ),
  })
  .meta({ id: 'Result' })

const target = z
  .object({
    dialect: z.enum(['sqlite', 'postgres']),
    name: z.string(),
    version: z.exactOptional(z.string()),
    host: z.exactOptional(z.string()),
    port: z.exactOptional(z.number()),
    database: z.exactOptional(z.string()),
    role: z.exactOptional(z.string()),
    filled: z.exactOptional(z.array(z.string())),
    understood: z.exactOptional(z.string()),
    primary: z.exactOptional(z.boolean()),
    pooler: z.exactOptional(z.boolean()),
  })
  .meta({ id: 'Target', description: 'What was examined. Never a password.' })

const trend = z
  .object({
    runs: count,
    since: z.nullable(time),
    verdict: z.exactOptional(z.object({ from: verdictStatus, since: z.exactOptional(time) })),
    changes: z.array(
      z.object({
        name: z.string(),
        object: z.exactOptional(z.string()),
        of: z.enum(['fact', 'rows', 'findings']),
        from: z.number(),
        to: z.number(),
        since: z.exactOptional(time),
      }),
    ),
  })
  .meta({ id: 'Trend', description: 'How this run compares with those before it, where a history was kept.' })

const fix = z
  .object({
    step: z.int().positive(),
    class: z.enum(repairClasses),
    what: z.string(),
    addresses: z.array(z.string()).describe('The findings that it was for.'),
    before: z.string(),
    outcome: z.enum(['applied', 'applied-before', 'failed']),
    rows: z.exactOptional(count),
    after: z.exactOptional(z.string()),
    text: z.exactOptional(z.string()).describe('Why it failed.'),
    log: z.exactOptional(z.string()).describe('The file that takes what was started prints.'),
  })
  .meta({ id: 'Fix', description: 'A step of a repair, and what came of it.' })

export const reportSchema = z
  .object({
    schemaVersion: z.literal(schemaVersion),
    tool: z.object({ name: z.literal('dbdoctor'), version: z.string() }),
    // A process keeps the lowest byte of its exit code alone: 256 would be success.
    exitCode: z.int().min(0).max(255),
    complete: z.boolean().describe('False when the run was interrupted.'),
    depth: z.enum(depths),
    config: z.exactOptional(z.object({ path: z.string(), lines: z.record(z.string(), z.int().positive()) })),
    target: z.nullable(target).describe('Null when no database was configured.'),
    api: z.exactOptional(z.string()).describe('The address of the API server, where one is configured.'),
    startedAt: time,
    ms,
    verdict: z.object({
      status: verdictStatus,
      database: z.enum(['intact', 'damaged', 'unreachable', 'unverified']),
      headline: z.string(),
    }),
    causes: z
      .array(
        z.object({
          id: z.string(),
          headline: z.string(),
          because: z.array(z.string()),
          explains: z
            .exactOptional(z.array(z.string()))
            .describe('Addresses of errors and warnings that follow from it, and are no causes of their own.'),
          next: z.array(z.string()),
        }),
      )
      .describe('The first is the root cause.'),
    facts: z.record(z.string(), z.number()),
    counts: z.object({
      pass: count,
      warn: count,
      fail: count,
      expected: count,
      skip: count,
      crash: count,
      unknown: count,
    }),
    acceptance: z.exactOptional(z.object({ stale: z.array(acceptedEntry), expired: z.array(acceptedEntry) })),
    trend: z.exactOptional(trend),
    fixes: z.exactOptional(z.array(fix)).describe('What `dbdoctor fix` has done before this run, in its order.'),
    results: z.array(result),
  })
  .meta({ title: 'Report of dbdoctor', description: 'What dbdoctor check -f json writes.' })

/** The contract as JSON Schema, for those who read reports in another language. */
export function reportJsonSchema(): object {
  return z.toJSONSchema(reportSchema, { io: 'input' })
}
