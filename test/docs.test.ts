import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { reporterNames } from '../src/reporters/index.js'
import { dbdoctor } from './support/cli.js'

const text = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')

test('docs/checks.md is fresh; npm run docs writes it', async () => {
  const { stdout } = await dbdoctor(['list', '--markdown'])
  expect(text('docs/checks.md').trimEnd()).toBe(stdout)
})

test('the README shows what the demo prints', async () => {
  const { stdout } = await dbdoctor(['demo'])
  // Times differ, and so do the account that is thrown away and the SQLite that comes with another Node.
  const timeless = (report: string) =>
    report.replace(/(< )?[\d.]+ m?s\b|SQLite [\d.]+|probe-\w+@/g, '…').replace(/\s+/g, ' ')
  const shown = /```text\n([\s\S]*?)```/.exec(text('README.md'))?.[1] ?? ''
  expect(timeless(shown).trim()).toBe(timeless(stdout).trim())
})

test('the README names every command, option of check, format and exit code', async () => {
  const readme = text('README.md')
  const { stdout: help } = await dbdoctor(['check', '--help'])
  for (const [option] of help.matchAll(/--[a-z-]+/g)) if (option !== '--help') expect(readme).toContain(option)
  for (const name of [...reporterNames, 'list', 'explain', 'demo', '130', '143']) expect(readme).toContain(name)
})
