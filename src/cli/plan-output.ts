import { DbdoctorError } from '../contracts/errors.js'
import { scriptOf } from '../repair/script.js'
import type { Plan } from '../repair/step.js'
import { typed } from '../values/text.js'
import type { FixOptions, Output } from './options.js'
import { print, replaceFile, usesColor } from './output.js'
import { planText } from './plan-text.js'

const formats = ['pretty', 'json', 'sql'] as const

type PlanOutput = Output<(typeof formats)[number]>

/** Where a plan goes, and how it is written. Throws `ERR_UNKNOWN_FORMAT`. */
export function planOutputs(outputs: readonly Output[] | undefined): readonly PlanOutput[] {
  return (outputs ?? [{ format: 'pretty', file: null }]).map(({ format, file }) => {
    const known = formats.find((name) => name === format)
    if (known) return { format: known, file }
    throw new DbdoctorError(
      'ERR_UNKNOWN_FORMAT',
      `a plan has no format ${JSON.stringify(format)}`,
      `write ${formats.join(' or ')}, or NAME=FILE; the others are for the report after --apply`,
    )
  })
}

/** Writes a plan in all its formats. */
export async function writePlan(
  plan: Plan,
  outputs: readonly PlanOutput[],
  target: string | undefined,
  options: FixOptions,
): Promise<void> {
  for (const { format, file } of outputs) {
    const color = file === null && usesColor(process.stdout, options.color)
    const render = {
      pretty: () => planText(plan, againWith(target, options), color),
      json: () => `${JSON.stringify(plan, null, 2)}\n`,
      sql: () => scriptOf(plan),
    }
    await (file === null ? print(render[format]()) : replaceFile(file, render[format]()))
  }
}

/** The command that made the plan, so that it makes the same again. A target that may hold a password is not repeated. */
export function againWith(target: string | undefined, { config, orphans, only, skip, depth }: FixOptions): string {
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
