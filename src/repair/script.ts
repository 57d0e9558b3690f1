import { inert } from '../values/inert.js'
import type { Plan, Step } from './step.js'

/** What a shell of the database needs to know before anything else, so that it stops at the first error; and how a transaction begins there. */
const shells = {
  sqlite: { setup: ['.bail on', 'pragma foreign_keys = off;'], begin: 'begin immediate;' },
  postgres: { setup: ['\\set ON_ERROR_STOP on', 'set standard_conforming_strings = on;'], begin: 'begin;' },
} as const

/** A plan as a script for psql or sqlite3. What is no SQL stands in comments. */
export function scriptOf({ id, dialect, target, steps }: Plan): string {
  const shell = dialect && shells[dialect]
  const remark = (text: string) => `-- ${inert(text).replaceAll('\n', ' ')}`
  return [
    remark(`dbdoctor fix ${id}: ${target}`),
    ...(shell?.setup ?? []),
    ...steps.flatMap((step) => [
      '',
      remark(
        `${step.number}. ${step.what} (${step.findings.map(({ address, why }) => `${address}: ${why}`).join('; ')})`,
      ),
      remark(`undone: ${step.undone}`),
      ...linesOf(step, shell?.begin ?? '').map((line) => (step.service || step.file ? remark(line) : line)),
    ]),
    '',
  ].join('\n')
}

function linesOf({ service, file, alone, locks, statements }: Step, begin: string): string[] {
  if (service || file) return [...statements]
  const lines = [...locks, ...statements].map((statement) => `${statement};`)
  return alone ? lines : [begin, ...lines, 'commit;']
}
