import { inert } from '../values/inert.js'
import type { Plan, Step } from './step.js'

/** What a shell of the database needs to know before anything else, so that it stops at the first error. */
const beginnings = {
  sqlite: ['.bail on', 'pragma foreign_keys = off;'],
  postgres: ['\\set ON_ERROR_STOP on'],
} as const

/** A plan as a script for psql or sqlite3. What is no SQL stands in comments. */
export function scriptOf({ id, dialect, target, steps }: Plan): string {
  const remark = (text: string) => `-- ${inert(text).replaceAll('\n', ' ')}`
  return [
    remark(`dbdoctor fix ${id}: ${target}`),
    ...(dialect ? beginnings[dialect] : []),
    ...steps.flatMap((step) => [
      '',
      remark(
        `${step.number}. ${step.what} (${step.findings.map(({ address, why }) => `${address}: ${why}`).join('; ')})`,
      ),
      remark(`undone: ${step.undone}`),
      ...linesOf(step, dialect === 'sqlite' ? 'begin immediate;' : 'begin;').map((line) =>
        step.service ? remark(line) : line,
      ),
    ]),
    '',
  ].join('\n')
}

function linesOf({ service, alone, locks, statements }: Step, begin: string): string[] {
  if (service) return [...statements]
  const lines = [...locks, ...statements].map((statement) => `${statement};`)
  return alone ? lines : [begin, ...lines, 'commit;']
}
