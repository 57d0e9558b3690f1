import type { Repairer } from '../dialects/repairer.js'
import { identifier } from '../values/text.js'
import { type Journal, settledMarks, standingOf } from './journal.js'
import { type Images, type Step, whyOf } from './step.js'

/** Rows of which one record of the journal tells: a line is no longer than a text may be. */
const rowsInRecord = 1000

/** What carries steps out, and what they may use. */
export interface Workshop {
  readonly journal: Journal
  /** Null where no step needs the database. */
  readonly repairer: Repairer | null
  /** Runs the command of a service; answers with the process that goes on, if one does. */
  readonly serve: (step: Step) => Promise<number | undefined>
  /** Aborted by whoever wants no further step to begin. */
  readonly interrupt: AbortSignal
  /** What the checks of the step see now. */
  readonly lookAgain: (step: Step) => Promise<Look>
}

/** The fault is gone, and what was seen instead; or it is still there; or nobody could tell, and why. */
export type Look =
  | { readonly look: 'gone'; readonly seen: string }
  | { readonly look: 'there' }
  | { readonly look: 'blind'; readonly why: string }

/** What came of a step. */
export type Outcome =
  | { readonly step: Step; readonly outcome: 'applied'; readonly rows: number; readonly after: string }
  | { readonly step: Step; readonly outcome: 'applied-before'; readonly after: string }
  | { readonly step: Step; readonly outcome: 'failed'; readonly text: string }

/**
 * Carries steps out, one after the other, and stops at the first that fails. A step counts when the check that found its fault finds it no
 * more. What an earlier run was in the middle of is settled first: the database is asked whether it was committed.
 */
export async function applySteps(steps: readonly Step[], workshop: Workshop): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  await forgetSettled(workshop)
  for (const step of steps) {
    if (workshop.interrupt.aborted) break
    const outcome = await applyStep(step, workshop)
    outcomes.push(outcome)
    if (outcome.outcome === 'failed') break
  }
  return outcomes
}

/** Removes what marks have left in the database, of steps whose fate is known. */
export async function forgetSettled({ journal, repairer }: Pick<Workshop, 'journal' | 'repairer'>): Promise<void> {
  for (const mark of settledMarks(journal.entries)) await repairer?.forget(mark)
}

async function applyStep(step: Step, workshop: Workshop): Promise<Outcome> {
  const { journal } = workshop
  const failed = (text: string): Outcome => {
    journal.write({ type: 'failed', step: step.number, text })
    return { step, outcome: 'failed', text }
  }
  try {
    const before = await settle(step, workshop)
    const { rows, seen } = before ? { rows: 0, seen: null } : await carryOut(step, workshop)
    const verified = journal.entries.find((entry) => entry.type === 'verified' && entry.step === step.number)
    const known = verified?.type === 'verified' ? verified.after : seen
    const look: Look = known === null ? await workshop.lookAgain(step) : { look: 'gone', seen: known }
    if (look.look === 'there') return failed(`it was carried out, and is still found: ${whyOf(step)}`)
    if (look.look === 'blind') return failed(`it was carried out, and not verified: ${look.why}`)
    const after = look.seen
    if (!verified) journal.write({ type: 'verified', step: step.number, after })
    return before ? { step, outcome: 'applied-before', after } : { step, outcome: 'applied', rows, after }
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error))
  }
}

/** Whether an earlier run has carried the step out; what it left in doubt is in the journal then. */
async function settle(step: Step, { journal, repairer }: Workshop): Promise<boolean> {
  const standing = standingOf(journal.entries, step.number)
  if (standing.state === 'applied') return true
  if (standing.state !== 'begun' || standing.mark === null || !repairer) return false
  const fate = await repairer.fateOf(standing.mark)
  if (fate === 'unknown')
    throw new Error('the server does not know any more whether an earlier run committed it: look at the rows yourself')
  if (fate === 'rolled-back') return false
  journal.write({ type: 'applied', step: step.number, rows: 0 })
  await repairer.forget(standing.mark)
  return true
}

/** How many rows were changed, and what was seen of it where no check can see it: what was saved from a damaged file. */
async function carryOut(step: Step, workshop: Workshop): Promise<{ rows: number; seen: string | null }> {
  const { journal, repairer } = workshop
  if (step.service) {
    journal.write({ type: 'before', step: step.number, undo: [] })
    const running = await workshop.serve(step)
    journal.write({ type: 'applied', step: step.number, rows: 0, ...(running !== undefined && { process: running }) })
    return { rows: 0, seen: null }
  }
  if (!repairer) throw new Error('the database does not open')
  if (step.file) return { rows: 0, seen: await repairFile(step, step.file, journal, repairer) }
  const work = step.alone ? carryOutAlone : inTransaction
  return { rows: await work(step, journal, repairer), seen: null }
}

async function repairFile(
  step: Step,
  { action, to }: NonNullable<Step['file']>,
  journal: Journal,
  { files }: Repairer,
): Promise<string | null> {
  if (!files) throw new Error('the database is no file of its own')
  journal.write({ type: 'before', step: step.number, undo: [] })
  const seen = action === 'recover' ? await files.recover(to) : await files.rollBack(to)
  journal.write({ type: 'applied', step: step.number, rows: 0 })
  return seen ?? null
}

async function inTransaction(step: Step, journal: Journal, repairer: Repairer): Promise<number> {
  await repairer.begin()
  try {
    for (const lock of step.locks) await repairer.run(lock)
    for (const { query, expected, of } of step.guards) {
      const [row] = await repairer.query(query)
      const found = Number(row?.rows)
      if (found !== expected) throw new Error(`${of} has ${found} such rows now, and the plan was made for ${expected}`)
    }
    const undo: string[] = []
    for (const query of step.undoQueries) undo.push(...(await firstTexts(repairer, query)))
    journal.write({ type: 'before', step: step.number, undo })
    let kept = 0
    for (const images of step.images) {
      const statements = await restoring(images, repairer)
      kept += statements.length
      for (let at = 0; at < statements.length; at += rowsInRecord)
        journal.write({ type: 'images', step: step.number, undo: statements.slice(at, at + rowsInRecord) })
    }
    const changed: number[] = []
    for (const statement of step.statements) changed.push(await repairer.run(statement))
    const rows = step.images.length > 0 ? kept : Math.max(0, ...changed)
    if (step.rows !== null && rows !== step.rows)
      throw new Error(`it would change ${rows} rows, and the plan was made for ${step.rows}`)
    const mark = await repairer.mark()
    journal.write({ type: 'committing', step: step.number, mark })
    await repairer.commit()
    journal.write({ type: 'applied', step: step.number, rows })
    await repairer.forget(mark)
    return rows
  } catch (error) {
    await repairer.rollback()
    throw error
  }
}

/** What refuses a transaction: a failed attempt may leave something behind. */
async function carryOutAlone(step: Step, journal: Journal, repairer: Repairer): Promise<number> {
  const undo: string[] = []
  for (const query of step.undoQueries) undo.push(...(await firstTexts(repairer, query)))
  journal.write({ type: 'before', step: step.number, undo })
  const clean = async () => {
    for (const statement of step.leftovers === undefined ? [] : await firstTexts(repairer, step.leftovers))
      await repairer.run(statement)
  }
  // An earlier run may have been ended in the middle.
  await clean()
  try {
    for (const statement of step.statements) await repairer.run(statement)
  } catch (error) {
    await clean()
    throw error
  }
  journal.write({ type: 'applied', step: step.number, rows: 0 })
  return 0
}

/** The statements that give rows back as they are now. */
async function restoring({ table, where, columns, key }: Images, repairer: Repairer): Promise<string[]> {
  const value = (column: string) => repairer.literalOf(`c.${identifier(column)}`)
  const asked = [...columns, ...key].map((column, at) => `${value(column)} as v${at}`)
  const rows = await repairer.query(`select ${asked.join(', ')} from ${table} c where ${where}`)
  return rows.map((row) => {
    const literal = (at: number) => row[`v${at}`] ?? 'null'
    if (key.length === 0) {
      const names = columns.map((column) => identifier(column)).join(', ')
      const values = columns.map((_, at) => literal(at)).join(', ')
      return `insert into ${table} (${names}) ${repairer.overriding} values (${values})`
    }
    const set = columns.map((column, at) => `${identifier(column)} = ${literal(at)}`).join(', ')
    const found = key.map((column, at) => `${identifier(column)} = ${literal(columns.length + at)}`).join(' and ')
    return `update ${table} set ${set} where ${found}`
  })
}

/** The one column of a query's rows, as texts. */
async function firstTexts(repairer: Repairer, query: string): Promise<string[]> {
  const rows = await repairer.query(query)
  return rows.flatMap((row) => Object.values(row)[0] ?? [])
}
