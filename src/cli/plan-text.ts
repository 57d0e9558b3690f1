import { Chalk } from 'chalk'
import { checksOf, type Plan, type Step } from '../repair/step.js'
import { inert } from '../values/inert.js'
import { lasting, pluralize } from '../values/text.js'

const colours = { safe: 'green', data: 'yellow', service: 'cyan' } as const

/** A plan, for people: what is done and why, what it locks, how it is taken back and how it is verified. */
export function planText({ id, target, refusal, steps, unmended }: Plan, again: string, color: boolean): string {
  const paint = new Chalk({ level: color ? 1 : 0 })
  const lines = [
    '',
    `  ${paint.bold('dbdoctor fix')} ${paint.dim('·')} ${inert(target)}`,
    '',
    ...(steps.length === 0 ? ['  There is nothing that dbdoctor can mend.', ''] : []),
    ...steps.flatMap((step) => [
      `  ${paint.bold(`${step.number}. ${capital(inert(step.what))}`)}  ${paint[colours[step.class]](step.class)}`,
      ...facts(step).map(([name, text]) => `     ${paint.dim(name.padEnd(8))} ${inert(text)}`),
      '',
    ]),
    ...(unmended.length > 0 ? [`  ${paint.bold('Left to you')}`] : []),
    ...unmended.map(({ address, why }) => `     ${paint.dim(address)}  ${inert(why)}`),
    ...(unmended.length > 0 ? [''] : []),
    ...(refusal === null ? [] : [`  ${paint.red(`Nothing can be repaired here: ${inert(refusal)}.`)}`, '']),
    ...(steps.length > 0 && refusal === null
      ? [
          `  Nothing has been changed. To carry out ${steps.length === 1 ? 'this step' : `these ${pluralize(steps.length, 'step')}`}:`,
          `     ${again} --apply ${id}`,
          '',
        ]
      : []),
  ]
  return `${lines.join('\n')}\n`
}

function facts(step: Step): [name: string, text: string][] {
  const { findings, statements, service, file, lock, rows, reads, seconds, undone, images } = step
  const size = [
    ...(rows === null ? [] : [pluralize(rows, 'row')]),
    ...(reads === undefined ? [] : [`reads about ${pluralize(reads, 'row')}`]),
    ...(seconds === null ? [] : [`about ${lasting(Math.max(1, seconds) * 1000)}`]),
  ]
  return [
    ...findings.map(({ why, address }, at): [string, string] => [at > 0 ? '' : 'why', `${why} (${address})`]),
    ...statements.map((statement, at): [string, string] => [at > 0 ? '' : service || file ? 'runs' : 'sql', statement]),
    ...(service ? [] : [['locks', lock] satisfies [string, string]]),
    ...(size.length > 0 ? [['size', size.join(', ')] satisfies [string, string]] : []),
    ...(images.length > 0
      ? [['keeps', 'the rows as they are, in the journal: they are user data'] satisfies [string, string]]
      : []),
    ['undo', undone],
    [
      'verify',
      file?.action === 'recover'
        ? 'the new file is sound, and what it holds is counted'
        : `${checksOf(step).join(' and ')} ${checksOf(step).length > 1 ? 'find' : 'finds'} it no more`,
    ],
  ]
}

function capital(text: string): string {
  return `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}`
}
