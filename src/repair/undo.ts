import type { Repairer } from '../dialects/repairer.js'
import { forgetSettled } from './apply.js'
import { type Journal, standingOf } from './journal.js'
import type { Plan, Step } from './step.js'

/** What came of taking a step back. */
export type Undoing =
  | { readonly step: Step; readonly outcome: 'undone' }
  /** There was nothing to take back, or nobody can; the text says which. */
  | { readonly step: Step; readonly outcome: 'left'; readonly text: string }
  | { readonly step: Step; readonly outcome: 'failed'; readonly text: string }

export interface Undo {
  readonly journal: Journal
  readonly plan: Plan
  readonly repairer: Repairer | null
  /** Ends a process that a step has started; whether it was there. */
  readonly end: (process: number) => boolean
}

/** Takes steps back, the last first, each in a transaction of its own. Stops at the first that fails. */
export async function undoSteps({ journal, plan, repairer, end }: Undo): Promise<readonly Undoing[]> {
  const outcomes: Undoing[] = []
  await forgetSettled({ journal, repairer })
  for (const step of [...plan.steps].reverse()) {
    const outcome = await undoStep(step, { journal, plan, repairer, end }).catch(
      (error: unknown): Undoing => ({
        step,
        outcome: 'failed',
        text: error instanceof Error ? error.message : String(error),
      }),
    )
    if (outcome) outcomes.push(outcome)
    if (outcome?.outcome === 'failed') break
  }
  return outcomes
}

/** Null for a step that was never carried out, or is undone already. */
async function undoStep(step: Step, { journal, repairer, end }: Undo): Promise<Undoing | null> {
  const standing = standingOf(journal.entries, step.number)
  const done = () => {
    journal.write({ type: 'undone', step: step.number })
    return { step, outcome: 'undone' } as const
  }
  if (standing.state === 'planned' || standing.state === 'undone') return null
  if (step.service) {
    if (!('process' in standing) || standing.process === undefined) return { step, outcome: 'left', text: step.undone }
    return end(standing.process) ? done() : { step, outcome: 'left', text: 'the process has ended' }
  }
  if (!repairer) throw new Error('the database does not open')
  if (step.file) {
    const { action, to } = step.file
    await (action === 'recover' ? repairer.files?.remove(to) : repairer.files?.putBack(to))
    return done()
  }
  if (standing.state === 'begun' && !step.alone) {
    const fate = standing.mark === null ? 'rolled-back' : await repairer.fateOf(standing.mark)
    if (fate === 'rolled-back') return null
    if (fate === 'unknown')
      throw new Error('the server does not know any more whether it was committed: look at the rows yourself')
  }
  if (standing.state === 'undoing') {
    const fate = await repairer.fateOf(standing.mark)
    if (fate === 'unknown')
      throw new Error('the server does not know any more whether it was taken back: look at the rows yourself')
    if (fate === 'committed') {
      await repairer.forget(standing.mark)
      return done()
    }
  }
  const statements = [...standing.undo, ...step.undo]
  if (statements.length === 0) return { step, outcome: 'left', text: step.undone }
  await repairer.begin({ restoring: true })
  try {
    for (const statement of statements) await repairer.run(statement)
    const mark = await repairer.mark()
    journal.write({ type: 'undoing', step: step.number, mark })
    await repairer.commit()
    const undone = done()
    await repairer.forget(mark)
    return undone
  } catch (error) {
    await repairer.rollback()
    throw error
  }
}
