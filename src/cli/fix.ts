import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { DbdoctorError } from '../contracts/errors.js'
import type { Repairer } from '../dialects/repairer.js'
import { createRegistry } from '../engine/registry.js'
import { applySteps, type Outcome } from '../repair/apply.js'
import { type Journal, openJournal, reopenJournal } from '../repair/journal.js'
import { serve } from '../repair/serve.js'
import { type Plan, type Step, whyOf } from '../repair/step.js'
import { undoSteps } from '../repair/undo.js'
import type { Fix, Report } from '../report/report.js'
import { inert } from '../values/inert.js'
import { pluralize, typed } from '../values/text.js'
import { onSubject } from './check.js'
import { examined, type Interruptible } from './examine.js'
import { formatsOf } from './formats.js'
import type { CheckOptions, FixOptions } from './options.js'
import { print, refuseUnwritable, styleOf, writeReport } from './output.js'
import type { Parts } from './parts.js'
import { againWith, planOutputs, writePlan } from './plan-output.js'
import { lookAgain, onRepairer, planFor, servicesOf } from './repairing.js'

/** `dbdoctor fix`: plans the repair, carries it out, or takes it back. Answers with the exit code. */
export async function fix(parts: Parts, target: string | undefined, options: FixOptions): Promise<number> {
  return onSubject(parts, target, options, (subject) => {
    if (options.undo !== undefined) return takeBack(subject, options.undo)
    return options.apply === undefined ? show(subject, target, options) : apply(subject, target, options, options.apply)
  })
}

/** Plans and carries out whatever can be mended: for a database that was built to be broken. */
export async function fixAll(subject: Interruptible, options: CheckOptions, journal: string): Promise<number> {
  const wanted: FixOptions = { ...options, orphans: 'quarantine', journal, yes: true }
  return onRepairer(subject, async (repairer) => {
    const plan = await planFor(subject, wanted, repairer)
    return carryOut(subject, wanted, repairer, plan, openJournal(journal, plan), null)
  })
}

async function show(subject: Interruptible, target: string | undefined, options: FixOptions): Promise<number> {
  const outputs = planOutputs(options.format)
  const plan = await onRepairer(subject, (repairer) => planFor(subject, options, repairer))
  await writePlan(plan, outputs, target, options)
  return 0
}

async function apply(
  subject: Interruptible,
  target: string | undefined,
  options: FixOptions,
  id: string,
): Promise<number> {
  const again = againWith(target, options)
  await refuseUnwritable(formatsOf(options.format, createRegistry(subject.plugins).reporters))
  return onRepairer(subject, async (repairer) => {
    const path = options.journal ?? `dbdoctor-fix-${id}.jsonl`
    if (existsSync(path)) return goOn(subject, options, repairer, path, id, again)
    const plan = await planFor(subject, options, repairer)
    if (plan.id !== id)
      throw new DbdoctorError(
        'ERR_PLAN_STALE',
        `plan ${id} no longer fits what is there: ${plan.steps.length === 0 ? 'nothing is left to mend' : `now it would be ${plan.id}`}`,
        'look at the plan again: dbdoctor fix, with the same options',
      )
    refuse(repairer, plan)
    await confirm(chosen(plan, options), options)
    return carryOut(subject, options, repairer, plan, openJournal(path, plan), again)
  })
}

/** Goes on with what an earlier run has begun: its plan is in the journal, and part of it is done. */
async function goOn(
  subject: Interruptible,
  options: FixOptions,
  repairer: Repairer | null,
  path: string,
  id: string,
  again: string,
): Promise<number> {
  const { journal, plan } = reopenJournal(path)
  if (plan.id !== id)
    throw new DbdoctorError('ERR_JOURNAL', `${path} is the journal of plan ${plan.id}`, 'name another with --journal')
  refuseOther(repairer, plan)
  refuse(repairer, plan)
  await confirm(chosen(plan, options), options)
  return carryOut(subject, options, repairer, plan, journal, again)
}

/** `again` is the command that names the same database; null where it will be gone. */
async function carryOut(
  subject: Interruptible,
  options: FixOptions,
  repairer: Repairer | null,
  plan: Plan,
  journal: Journal,
  again: string | null,
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
    if (steps.length > 0 && again !== null)
      process.stderr.write(`journal: ${journal.path}; taken back by: ${again} --undo ${typed(journal.path)}\n`)
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
      const told = lines.length > 0 ? lines : ['nothing was carried out, or all of it is undone']
      await print(`${told.map(inert).join('\n')}\n`)
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
