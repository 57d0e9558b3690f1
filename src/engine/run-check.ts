import { type AnyCheck, type CheckContext, type Message, standsOnConnection } from '../contracts/check.js'
import type { Depth } from '../contracts/depth.js'
import { DbdoctorError } from '../contracts/errors.js'
import { type Limits, limit, Stop } from '../contracts/limits.js'
import type { Dialect, Session } from '../dialects/dialect.js'
import type { Result } from '../report/report.js'
import type { Secrets } from '../report/secrets.js'
import { type Recorder, type RecordOptions, recorderOf } from './recorder.js'
import type { RunContext } from './run-context.js'
import { optionsOf } from './selection.js'

/** What a check's examination depends on, beside what its run shares. */
export interface ExamineOptions extends RecordOptions {
  /** Null where no database is configured. */
  readonly dialect: Dialect | null
  readonly depth: Depth
  readonly samples: number
}

/** How long a check may take to notice that its signal was aborted, in milliseconds. */
const grace = 800

/** Runs one check within its time, and makes a result of whatever comes of it. */
export async function examine(
  check: AnyCheck,
  options: ExamineOptions,
  shared: RunContext,
  { expires, advance, noted, scrub }: Required<Omit<Limits, 'signal'>> & Pick<Secrets, 'scrub'>,
): Promise<Result> {
  const began = performance.now()
  const recorder = recorderOf(check, options, shared.given)
  const limits = {
    ...limit(expires, shared.limits.signal),
    advance,
    noted(statement: string, ms: number) {
      // Before it is cut: of a secret that lies there, half would be left.
      const told = scrub(statement)
      recorder.noted(told, ms)
      noted(told, ms)
    },
  }
  try {
    const opening = standsOnConnection(check) ? await shared.open() : null
    // Whoever begins when all is over works out what nobody will answer: of thousands of tables, for seconds.
    if (limits.signal.aborted) recorder.stop(limits.signal)
    else if (opening && opening.outcome !== 'opened')
      recorder.skip('blocked', `the database could not be opened: ${opening.text}`)
    else
      await withinItsTime(
        runOf(check, options)(contextOf(check, options, shared, limits, recorder)),
        limits.signal,
        recorder,
      )
  } catch (error) {
    if (error instanceof DbdoctorError) throw error
    if (limits.signal.aborted) recorder.stop(limits.signal)
    // What checks share may have been asked for by one whose time was up.
    else if (error instanceof Stop) recorder.skip(error.reason, error.message)
    else recorder.crash(error)
  } finally {
    limits.clear()
  }
  return recorder.result(performance.now() - began)
}

/** Waits for a check, and a little longer than its signal for one that does not listen. */
async function withinItsTime(work: void | Promise<void>, signal: AbortSignal, recorder: Recorder): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const deaf = new Promise<void>((resolve) => {
    const wait = () => {
      timer = setTimeout(resolve, grace)
    }
    if (signal.aborted) wait()
    signal.addEventListener('abort', wait, { once: true })
  })
  await Promise.race([work, deaf])
  clearTimeout(timer)
  if (signal.aborted) recorder.stop(signal)
}

function runOf(check: AnyCheck, { dialect }: ExamineOptions) {
  const run = typeof check.run === 'function' ? check.run : dialect && check.run[dialect.name]
  if (!run) throw new Error('the check has nothing to run')
  return run
}

function contextOf(
  check: AnyCheck,
  { config, dialect, depth, samples }: ExamineOptions,
  shared: RunContext,
  limits: Limits,
  recorder: Recorder,
): CheckContext<Record<string, Message>, unknown> {
  let session: Session | undefined
  const http = shared.http(limits)
  return {
    options: optionsOf(check, config),
    given: shared.given,
    // A config that is shared between dialects names schemas that only one of them has.
    config: dialect?.hasSchemas === false ? { ...config.database, schemas: undefined } : config.database,
    depth,
    samples,
    signal: limits.signal,
    connect: shared.open,
    http,
    user: shared.user(http),
    keys: () => shared.keys(http),
    get db() {
      session ??= shared.database()?.session(limits)
      if (session) return session
      throw new Error(`${check.id} uses the database, but its "after" names no check of the connection layer`)
    },
    report: (code: string, evidence: object = {}) => recorder.find(code, evidence),
    coverage: recorder.coverage,
    measure: recorder.measure,
    relationship: recorder.relationship,
    saw: recorder.saw,
    planned: recorder.planned,
    probe: recorder.probe,
    observed: recorder.observed,
    expected: recorder.expected,
    skip: recorder.skip,
    fact(name, value) {
      shared.facts[name] = (shared.facts[name] ?? 0) + value
    },
  } as CheckContext<Record<string, Message>, unknown>
}
