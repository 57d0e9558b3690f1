import { join } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { complaintsOf, filesOf, projectWith } from '../support/recipes.js'

const files = filesOf('docs/writing-a-diagnosis.md')
const project = files.then((written) => projectWith(written, ['vitest', '@types/node']))

test('what the page writes compiles', { timeout: 120_000 }, async () => {
  const names = [...(await files).keys()]
  expect(names).toEqual(['checks/queue.ts', 'checks/queue.test.ts', 'dbdoctor.config.ts'])
  expect(await complaintsOf(await project, names, 'nodenext')).toBe('')
})

test('its tests pass', { timeout: 120_000 }, async () => {
  const cwd = await project
  const vitest = join(cwd, 'node_modules/vitest/vitest.mjs')
  const { stdout } = await execa(process.execPath, [vitest, 'run', '--reporter=json'], { cwd, reject: false })
  expect(JSON.parse(stdout)).toMatchObject({ success: true, numPassedTests: 2 })
})
