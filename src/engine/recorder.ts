import type { CheckConfig, Config } from '../config/config.js'
import type { Given } from '../config/given.js'
import type { AnyCheck, Coverage, Message, Wording } from '../contracts/check.js'
import { layerOf } from '../contracts/layers.js'
import { stopOf } from '../contracts/limits.js'
import type { Repair } from '../contracts/repair.js'
import { fingerprintOf, plainEvidence } from '../report/evidence.js'
import {
  type CoverageReport,
  type Finding,
  isUnknown,
  type Measurement,
  type RelationshipReport,
  type Result,
  type SkipReason,
  type SlowStatement,
  statusFor,
} from '../report/report.js'
import { slowestOf } from '../values/slowest.js'
import { pluralize } from '../values/text.js'
import type { Selection } from './selection.js'

/** What the record of a check depends on. */
export interface RecordOptions {
  readonly selection: Selection
  readonly config: Config
  /** Whether samples may carry values of rows. */
  readonly showValues: boolean
  /** Takes what mends each finding, by its fingerprint, where somebody wants to know. */
  readonly repairs?: Map<string, readonly Repair[]>
}

/** From how many milliseconds on a statement is worth telling of, how many of a check's are, and how much of each, in characters. */
const slow = 10
const slowestKept = 3
const longestStatement = 400

export type Recorder = ReturnType<typeof recorderOf>

/** What a check says while it runs. */
export function recorderOf(
  check: AnyCheck,
  { config, selection, showValues, repairs }: RecordOptions,
  given: Partial<Given>,
) {
  const settings: CheckConfig = config.checks[check.id] ?? {}
  const own = settings === 'off' ? {} : settings
  const findings: Finding[] = []
  const measurements: Measurement[] = []
  const relationships: RelationshipReport[] = []
  const gaps: CoverageReport['missing'][number][] = []
  let counted: { unit: string; examined: number; of: number | undefined } | undefined
  let skip: { reason: SkipReason; detail: string } | undefined
  let error: Result['error']
  let saw: string | undefined
  const plans = new Map<string, string[]>()
  const slowest = slowestOf<SlowStatement>(slowestKept)
  let probe: string | undefined
  const observed = new Map<string, string>()
  let asExpected = false

  const accepted = (reason: SkipReason) => isUnknown(reason) && (own.allowUnknown ?? []).includes(reason)

  return {
    find(code: string, evidence: object) {
      const message: Message | undefined = check.messages[code]
      if (!message) throw new Error(`${check.id} has no message for ${code}`)
      const { say, severity, next, repair }: Wording = typeof message === 'function' ? { say: message } : message
      const address = `${check.id}#${code}`
      const plain = plainEvidence(evidence, showValues)
      const fingerprint = fingerprintOf(address, plain)
      if (repairs && repair) repairs.set(fingerprint, repair(evidence as never))
      findings.push({
        address,
        severity:
          own.severity ?? (typeof severity === 'function' ? severity(evidence as never) : (severity ?? check.severity)),
        message: say(evidence as never),
        evidence: plain,
        ...(next && { next: next(evidence as never) }),
        fingerprint,
      })
    },

    measure({ value, ...rest }: Measurement) {
      measurements.push({ ...rest, value: Math.round(value * 100) / 100 })
    },

    relationship(relationship: RelationshipReport) {
      relationships.push(relationship)
    },

    coverage(unit: string, of?: number): Coverage {
      const count = { unit, examined: 0, of }
      counted = count
      return {
        examined(more = 1) {
          count.examined += more
        },
        missing(object, reason, detail, optional = false, next = []) {
          const steps = next.length > 0 && { next: [...next] }
          gaps.push({ object, reason, detail, ...((optional || accepted(reason)) && { optional: true }), ...steps })
        },
      }
    },

    saw(what: string) {
      saw = what
    },

    planned(object: string, how: string) {
      const objects = plans.get(how)
      if (objects) objects.push(object)
      else plans.set(how, [object])
    },

    noted(statement: string, ms: number) {
      if (ms >= slow) slowest.add({ statement: abridged(statement), ms: Math.round(ms) })
    },

    probe(name: string) {
      probe = name
    },

    observed(promise: string, what: string) {
      observed.set(promise, what)
    },

    expected() {
      asExpected = true
    },

    skip(reason: SkipReason, detail: string) {
      skip = { reason, detail }
    },

    stop(signal: AbortSignal) {
      const { reason, message } = stopOf(signal)
      skip = { reason, detail: message }
    },

    crash(cause: unknown) {
      error =
        cause instanceof Error
          ? { name: cause.name, message: cause.message, stack: framesOf(cause) }
          : { name: 'Error', message: String(cause) }
    },

    result(ms: number): Result {
      const gap = gaps.find(({ optional }) => !optional)
      const coverage = counted && {
        examined: counted.examined,
        of: counted.of ?? counted.examined + gaps.length,
        unit: counted.unit,
        missing: gaps,
      }
      const unseen = gap && {
        reason: gap.reason,
        detail: `${pluralize(gaps.length, counted?.unit ?? 'object')} not examined: ${gap.object}: ${gap.detail}`,
      }
      // What was accepted hides nothing that was not.
      const open = [skip, unseen].find((one) => one && isUnknown(one.reason) && !accepted(one.reason))
      const reason = open ?? skip ?? unseen
      const status = statusFor({ findings, ...(error && { error }), ...(reason && { skip: reason }) })
      return {
        id: check.id,
        layer: layerOf(check.id),
        title: check.title,
        status: status === 'pass' && asExpected ? 'expected' : status,
        ...(saw !== undefined && { saw }),
        ...(plans.size > 0 && { plans: Array.from(plans, ([how, objects]) => ({ how, objects })) }),
        ...(slowest.kept.length > 0 && { slowest: [...slowest.kept] }),
        ...(probe !== undefined && { probe }),
        ...outlookOf(check, given, observed),
        asked: selection.asked.has(check.id) && !(reason && accepted(reason.reason)),
        ms: Math.round(ms * 10) / 10,
        // A check that did not listen to its signal may still be talking.
        findings: [...findings],
        ...(coverage && { coverage }),
        ...(reason && { skip: reason }),
        ...(error && { error }),
        ...(findings.some(({ severity }) => severity !== 'info') && { docs: check.docs }),
        measurements,
        ...(relationships.length > 0 && { relationships: [...relationships] }),
      }
    },
  }
}

/** What a check stands for in a summary, whether it ran or not: what people can do, and what the config promises them. */
export function outlookOf(
  { capability, promises }: AnyCheck,
  given: Partial<Given>,
  observed: ReadonlyMap<string, string> = new Map(),
): Pick<Result, 'capability' | 'promises'> {
  const made = Object.entries(promises?.(given) ?? {}).flatMap(([name, promised]) => {
    const seen = observed.get(name)
    return promised === undefined ? [] : [{ name, promised, ...(seen !== undefined && { observed: seen }) }]
  })
  return { ...(capability !== undefined && { capability }), ...(made.length > 0 && { promises: made }) }
}

/** A statement in one line, its beginning where it is long. */
function abridged(statement: string): string {
  const line = statement.replace(/\s+/g, ' ').trim()
  return line.length > longestStatement ? `${line.slice(0, longestStatement)}…` : line
}

/** Where an error was thrown, innermost first, without what Node did on the way. */
function framesOf({ stack = '' }: Error): readonly string[] {
  return stack
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at ') && !line.includes('node:internal'))
}
