import { expect, test } from 'vitest'
import { evaluate } from '../eval/evaluate.js'
import { testFolder } from '../support/databases.js'

test('foreign keys taken from well-known schemas are found again, and no row is called orphaned', {
  timeout: 60_000,
}, async () => {
  const scores = await evaluate(await testFolder())
  const sum = (of: (score: (typeof scores)[number]) => number) => scores.reduce((total, score) => total + of(score), 0)
  const right = sum((score) => score.right)
  expect(right / sum((score) => score.wanted)).toBeGreaterThanOrEqual(0.95)
  expect(right / sum((score) => score.found)).toBeGreaterThanOrEqual(0.95)
  expect(scores.flatMap(({ alarms }) => alarms)).toEqual([])
})
