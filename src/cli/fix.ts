import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { givenBy } from '../config/given.js'
import { DbdoctorError } from '../contracts/errors.js'
import type { Repair } from '../contracts/repair.js'
import type { RepairClass } from '../contracts/repair-class.js'
import type { Repairer } from '../dialects/repairer.js'
import { createRegistry } from '../engine/registry.js'
import { applySteps, type Outcome } from '../repair/apply.js'
import { reading } from '../repair/catalog.js'
import { type Journal, openJournal, reopenJournal } from '../repair/journal.js'
import { planOf } from '../repair/plan.js'
import { scriptOf } from '../repair/script.js'
import { serve } from '../repair/serve.js'
import type { Services } from '../repair/services.js'
import { checksOf, type OrphanMode, type Plan, type Step, whyOf } from '../repair/step.js'
import { undoSteps } from '../repair/undo.js'
import type { Fix, Report, Result } from '../report/report.js'
import { inert } from '../values/inert.js'
import { pluralize, typed } from '../values/text.js'
import { onSubject } from './check.js'
import { examined, type Interruptible } from './examine.js'
import { formatsOf } from './formats.js'
import type { CheckOptions, Output } from './options.js'
import { print, refuseUnwritable, replaceFile, styleOf, usesColor, writeReport } from './output.js'
import type { Parts } from './parts.js'
import { planText } from './plan-text.js'

export interface FixOptions extends CheckOptions {
  /** The id of the plan that is carried out. */
  readonly apply?: string
  /** Numbers of steps, and classes of steps; all of them where neither is named. */
  readonly steps?: readonly number[]
  readonly class?: readonly RepairClass[]
  readonly yes?: boolean
  readonly journal?: string
  readonly orphans: OrphanMode
  /** The journal of what is taken back. */
  readonly undo?: string
}

/** How long a server that was started may take to answer, in milliseconds. */
const startTimeout = 60_000

/** `dbdoctor fix`: plans the repair, carries it out, or takes it back. Answers with the exit code. */
export async function fix(parts: Parts, target: string | undefined, options: FixOptions): Promise<number> {
  return onSubject(parts, target, options, (subject) => {
    if (options.undo !== undefined) return takeBack(subject, options.undo)
    return options.apply === undefined ? showPlan(subject, target, options) : apply(subject, options, options.apply)
  })
}

/** Plans and carries out whatever can be mended: for a database that was built to be broken. */
export async function fixAll(subject: Interruptible, options: CheckOptions, journal: string): Promise<number> {
  const wanted: FixOptions = { ...options, orphans: 'quarantine', journal, yes: true }
  return onRepairer(subject, async (repairer) => {
    const plan = await planFor(subject, wanted, repairer)
    return carryOut(subject, wanted, repairer, plan, openJournal(journal, plan))
  })
}

const planFormats = ['pretty', 'json', 'sql'] as const

async function showPlan(subject: Interruptible, target: string | undefined, options: FixOptions): Promise<number> {
  const outputs = (options.format ?? [{ format: 'pretty', file: null }]).map(planOutput)
  const plan = await onRepairer(subject, (repairer) => planFor(subject, options, repairer))
  for (const { format, file } of outputs) {
    const text =
      format === 'json'
        ? `${JSON.stringify(plan, null, 2)}\n`
        : format === 'sql'
          ? scriptOf(plan)
          : planText(plan, againWith(target, options), file === null && usesColor(process.stdout, options.color))
    await (file === null ? print(text) : replaceFile(file, text))
  }
  return 0
}

/** The command that made the plan, so that it makes the same again. A target that may hold a password is not repeated. */
function againWith(target: string | undefined, { config, orphans, only, skip, depth }: FixOptions): string {
  const shown = target === undefined ? [] : [/:\/\//.test(target) ? 'TARGET' : typed(target)]
  const lists = { '--only': only, '--skip': skip }
  return [
    ...['dbdoctor fix', ...shown],
    ...(config === undefined ? [] : ['-c', typed(config)]),
    ...Object.entries(lists).flatMap(([name, ids]) => (ids ? [name, typed(ids.join(','))] : [])),
    ...(depth === 'standard' ? [] : ['--depth', depth]),
    ...(orphans === 'quarantine' ? [] : ['--orphans', orphans]),
  ].join(' ')
}

function planOutput({ format, file }: Output): Output<(typeof planFormats)[number]> {
  const known = planFormats.find((name) => name === format)
  if (known) return { format: known, file }
  throw new DbdoctorError(
    'ERR_UNKNOWN_FORMAT',
    `a plan has no format ${JSON.stringify(format)}`,
    `write ${planFormats.join(' or ')}, or NAME=FILE; the others are for the report after --apply`,
  )
}

async function apply(subject: Interruptible, options: FixOptions, id: string): Promise<number> {
  await refuseUnwritable(formatsOf(options.format, createRegistry(subject.plugins).reporters))
  return onRepairer(subject, async (repairer) => {
    const path = options.journal ?? `dbdoctor-fix-${id}.jsonl`
    if (existsSync(path)) return goOn(subject, options, repairer, path, id)
    const plan = await planFor(subject, options, repairer)
    if (plan.id !== id)
      throw new DbdoctorError(
        'ERR_PLAN_STALE',
        `plan ${id} no longer fits what is there: ${plan.steps.length === 0 ? 'nothing is left to mend' : `now it would be ${plan.id}`}`,
        'look at the plan again: dbdoctor fix, with the same options',
      )
    refuse(repairer, plan)
    await confirm(chosen(plan, options), options)
    return carryOut(subject, options, repairer, plan, openJournal(path, plan))
  })
}

/** Goes on with what an earlier run has begun: its plan is in the journal, and part of it is done. */
async function goOn(
  subject: Interruptible,
  options: FixOptions,
  repairer: Repairer | null,
  path: string,
  id: string,
): Promise<number> {
  const { journal, plan } = reopenJournal(path)
  if (plan.id !== id)
    throw new DbdoctorError('ERR_JOURNAL', `${path} is the journal of plan ${plan.id}`, 'name another with --journal')
  refuseOther(repairer, plan)
  refuse(repairer, plan)
  await confirm(chosen(plan, options), options)
  return carryOut(subject, options, repairer, plan, journal)
}

async function carryOut(
  subject: Interruptible,
  options: FixOptions,
  repairer: Repairer | null,
  plan: Plan,
  journal: Journal,
): Promise<number> {
  try {
    const steps = chosen(plan, options)
    const household = {
      folder: subject.surroundings.folder,
      environment: subject.surroundings.environment,
      given: servicesOf(subject).given,
      log: `${journal.path}.log`,
    }
    for (const { why } of plan.unmended) process.stderr.write(`left to you: ${inert(why)}\n`)
    if (steps.length > 0)
      process.stderr.write(`journal: ${journal.path}; taken back by: dbdoctor fix --undo ${journal.path}\n`)
    const outcomes = await applySteps(steps, {
      journal,
      repairer,
      serve: (step) => serve(step, household),
      interrupt: subject.interruption.signal,
      lookAgain: (step) => lookAgain(subject, options, step),
    })
    const fixes = outcomes.map((outcome) => fixOf(outcome, household.log))
    const report: Report = { ...(await examined(subject, options)), fixes }
    const registry = createRegistry(subject.plugins)
    await writeReport(report, formatsOf(options.format, registry.reporters), styleOf(options))
    return outcomes.some(({ outcome }) => outcome === 'failed') ? Math.max(1, report.exitCode) : report.exitCode
  } finally {
    journal.close()
  }
}

async function takeBack(subject: Interruptible, path: string): Promise<number> {
  return onRepairer(subject, async (repairer) => {
    const { journal, plan } = reopenJournal(path)
    try {
      refuseOther(repairer, plan)
      refuse(repairer, plan)
      const outcomes = await undoSteps({ journal, plan, repairer, end: endProcess })
      const lines = outcomes.map(({ step, ...one }) => {
        const what = `${step.number}. ${step.what}`
        if (one.outcome === 'undone') return `undone  ${what}`
        return `${one.outcome === 'left' ? 'left  ' : 'FAILED'}  ${what}: ${one.text}`
      })
      await print(
        `${inert((lines.length > 0 ? lines : ['nothing was carried out, or all of it is undone']).join('\n'))}\n`,
      )
      return outcomes.some(({ outcome }) => outcome === 'failed') ? 1 : 0
    } finally {
      journal.close()
    }
  })
}

function endProcess(number: number): boolean {
  try {
    process.kill(number)
    return true
  } catch {
    return false
  }
}

/** Examines, and plans what mends what was found. */
async function planFor(subject: Interruptible, options: FixOptions, repairer: Repairer | null): Promise<Plan> {
  const repairs = new Map<string, readonly Repair[]>()
  const report = await examined(onlyReading(subject), options, null, createRegistry(subject.plugins), repairs)
  if (!report.complete)
    throw new DbdoctorError('ERR_REPAIR_REFUSED', 'no plan was made: the run was interrupted', 'nothing was changed')
  const dialect = await subject.dialect(true)
  const { orphans } = options
  return reading(dialect, subject.interruption.signal, (read) =>
    planOf({ report, repairs, repairer, reading: read, services: servicesOf(subject), orphans }),
  )
}

/** What the config says of what runs beside the database. */
function servicesOf({ config, surroundings }: Interruptible): Services {
  const { auth } = config
  // Whoever confirms a repair opts in to an account, though a check may not make one.
  const open = auth.register ? { ...config, auth: { ...auth, register: { ...auth.register, enabled: true } } } : config
  const { given } = givenBy(open, ['api?', 'login?', 'register?'], surroundings)
  return { given, database: config.database.start }
}

/** The same, without what a check would write: whoever plans or looks again leaves nothing behind. */
function onlyReading(subject: Interruptible): Interruptible {
  const { config } = subject
  const { auth, database } = config
  return {
    ...subject,
    config: { ...config, auth: { ...auth, register: undefined }, database: { ...database, writes: undefined } },
  }
}

/** What the checks that found the fault see now, where they do not find it any more; else null. */
async function lookAgain(subject: Interruptible, options: FixOptions, step: Step): Promise<string | null> {
  const { skip: _, ...rest } = options
  const starts = step.service === 'api-server' || step.service === 'database-server'
  const wait = starts ? startTimeout : rest.wait
  const only = checksOf(step)
  const report = await examined(onlyReading(subject), { ...rest, only, ...(wait !== undefined && { wait }) })
  const results = report.results.filter(({ id }) => only.includes(id))
  const blind = results.some(
    ({ status, findings }) => status === 'crash' || (status === 'skip' && findings.length === 0),
  )
  const there = results.flatMap(({ findings }) => findings).filter(({ suppressed }) => !suppressed)
  const mended = new Set(step.findings.map(({ fingerprint }) => fingerprint))
  if (blind || there.some(({ fingerprint }) => mended.has(fingerprint))) return null
  return results.map(seenBy).join('; ')
}

function seenBy({ title, saw, coverage }: Result): string {
  const figure = saw ?? (coverage && `${coverage.examined} of ${pluralize(coverage.of, coverage.unit)}`)
  return figure === undefined ? title : `${title}: ${figure}`
}

/** Opens the database for writing, where there is one that opens. */
async function onRepairer<T>(subject: Interruptible, work: (repairer: Repairer | null) => Promise<T>): Promise<T> {
  const dialect = await subject.dialect(true)
  const repairer = (await dialect?.repairer().catch(() => null)) ?? null
  try {
    return await work(repairer)
  } finally {
    await repairer?.close()
  }
}

/** The steps that were asked for. */
function chosen({ steps }: Plan, options: FixOptions): readonly Step[] {
  const unknown = options.steps?.find((number) => !steps.some((step) => step.number === number))
  if (unknown !== undefined)
    throw new DbdoctorError('ERR_USAGE', `the plan has no step ${unknown}`, `it has ${pluralize(steps.length, 'step')}`)
  return steps.filter(
    (step) => (options.steps?.includes(step.number) ?? true) && (options.class?.includes(step.class) ?? true),
  )
}

async function confirm(steps: readonly Step[], { yes = false }: FixOptions): Promise<void> {
  if (yes || steps.length === 0) return
  const refused = (what: string) =>
    new DbdoctorError('ERR_REPAIR_REFUSED', what, 'nothing was changed; --yes carries the steps out without a question')
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw refused('nobody is there to be asked')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const list = steps.map(({ number, what }) => `  ${number}. ${inert(what)}\n`).join('')
    const answer = await terminal.question(`${list}Carry out ${pluralize(steps.length, 'step')}? [y/N] `)
    if (!/^y(es)?$/i.test(answer.trim())) throw refused('it was not confirmed')
  } finally {
    terminal.close()
  }
}

function refuse(repairer: Repairer | null, { steps }: Plan): void {
  if (!repairer?.refusal || steps.every(({ service }) => service !== undefined)) return
  throw new DbdoctorError(
    'ERR_REPAIR_REFUSED',
    `nothing can be repaired here: ${repairer.refusal}`,
    'nothing was changed',
  )
}

function refuseOther(repairer: Repairer | null, { identity, target }: Plan): void {
  // A plan that was made while nobody could get in has no step there.
  if (identity === '' || identity === repairer?.identity) return
  throw new DbdoctorError(
    'ERR_REPAIR_REFUSED',
    `the journal is of another database: ${target}`,
    'name the database that it was written for; nothing was changed',
  )
}

function fixOf(one: Outcome, log: string): Fix {
  const { number, class: kind, what, findings } = one.step
  const addresses = findings.map(({ address }) => address)
  return {
    ...{ step: number, class: kind, what, addresses, before: whyOf(one.step), outcome: one.outcome },
    ...(one.outcome === 'applied' && one.rows > 0 && { rows: one.rows }),
    ...(one.outcome === 'failed' ? { text: one.text } : { after: one.after }),
    ...(one.outcome !== 'failed' && one.step.service === 'api-server' && { log }),
  }
}
