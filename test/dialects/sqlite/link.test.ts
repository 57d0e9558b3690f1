import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { expect, test } from 'vitest'

const jiti = createRequire(import.meta.url)
  .resolve('jiti/package.json')
  .replace('package.json', 'lib/jiti-cli.mjs')

test('whoever ends the SQLite process waits until it is gone, whatever answer was on its way', async () => {
  const script = fileURLToPath(new URL('./ending.ts', import.meta.url))
  const { stdout } = await execa(process.execPath, [jiti, script])
  expect(stdout).toBe('8 of 8')
})
