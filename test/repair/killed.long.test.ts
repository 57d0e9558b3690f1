import { expect, test } from 'vitest'
import { onEachDialect, testFolder } from '../support/databases.js'
import { killedAt } from './orphans.js'

onEachDialect((dialect) => {
  test('killed at any point, a second run ends it or takes it back', async () => {
    const folder = await testFolder()
    let points = 0
    for (let nth = 1; ; nth++) {
      const there = [await killedAt(dialect, 'before', nth, folder), await killedAt(dialect, 'after', nth, folder)]
      points += there.filter(Boolean).length
      if (!there.includes(true)) break
    }
    expect(points).toBeGreaterThan(6)
  })
})
