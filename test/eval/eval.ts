import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { evaluate } from './evaluate.js'

const folder = mkdtempSync(join(tmpdir(), 'dbdoctor-eval-'))
try {
  const scores = await evaluate(folder)
  const total = scores.reduce(
    (sum, { wanted, found, right, alarms }) => ({
      wanted: sum.wanted + wanted,
      found: sum.found + found,
      right: sum.right + right,
      alarms: sum.alarms + alarms.length,
    }),
    { wanted: 0, found: 0, right: 0, alarms: 0 },
  )
  for (const { schema, missed, wrong, alarms } of scores) {
    for (const one of missed) console.log(`${schema}: missed ${one}`)
    for (const one of wrong) console.log(`${schema}: wrong ${one}`)
    for (const one of alarms) console.log(`${schema}: false alarm ${one}`)
  }
  const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`
  console.table(
    scores.map(({ schema, wanted, found, right }) => ({
      schema,
      relationships: wanted,
      found,
      recall: percent(right, wanted),
      precision: percent(right, found),
    })),
  )
  const recall = total.right / total.wanted
  const precision = total.right / total.found
  console.log(
    `recall ${percent(total.right, total.wanted)}, precision ${percent(total.right, total.found)}, false alarms ${total.alarms}`,
  )
  process.exitCode = recall >= 0.95 && precision >= 0.95 && total.alarms === 0 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
