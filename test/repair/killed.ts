/**
 * Carries a plan out, or takes it back, as `dbdoctor fix` does, and ends itself by SIGKILL right before or right after the nth record of the
 * journal: `killed.ts TARGET PLAN.json JOURNAL apply|undo before|after N`. Ends with 0 where there was no such record.
 */
import { readFileSync } from 'node:fs'
import { dialectOf, parseTarget } from '../../src/dialects/target.js'
import { applySteps } from '../../src/repair/apply.js'
import { type Journal, openJournal } from '../../src/repair/journal.js'
import type { Plan } from '../../src/repair/step.js'
import { undoSteps } from '../../src/repair/undo.js'

const [target = '', planFile = '', journalFile = '', what, when, nth] = process.argv.slice(2)
const plan: Plan = JSON.parse(readFileSync(planFile, 'utf8'))
const dialect = await dialectOf(parseTarget(target), process.env)
const repairer = await dialect.repairer()
const opened = openJournal(journalFile, plan)
let written = 0
const journal: Journal = {
  ...opened,
  write(entry) {
    written++
    if (when === 'before' && written === Number(nth)) process.kill(process.pid, 'SIGKILL')
    opened.write(entry)
    if (when === 'after' && written === Number(nth)) process.kill(process.pid, 'SIGKILL')
  },
}
if (what === 'apply')
  await applySteps(plan.steps, {
    interrupt: new AbortController().signal,
    journal,
    repairer,
    serve: async () => undefined,
    lookAgain: async () => ({ look: 'gone', seen: 'looked' }),
  })
else await undoSteps({ journal, plan, repairer, end: () => false })
await repairer.close()
await dialect.dismiss()
