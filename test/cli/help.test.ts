import { describe, expect, test } from 'vitest'
import { createProgram } from '../../src/cli/program.js'
import { dbdoctor } from '../support/cli.js'

const nothing = { checks: async () => ({ name: 'none' }), demo: async () => ({ scenarios: [] }) }
const program = createProgram(nothing, () => {})
const names = program.commands.map((command) => command.name())

describe.each(names)('%s --help', (name) => {
  test('shows examples that are right', async () => {
    const { exitCode, stdout } = await dbdoctor([name, '--help'])
    expect(exitCode).toBe(0)
    const [usage = '', examples = ''] = stdout.split('\nExamples:\n')
    const lines = examples.split('\n')
    expect(
      lines.every((line) => line.includes(`dbdoctor ${name}`)),
      examples,
    ).toBe(true)
    for (const [option] of examples.matchAll(/(?<=\s)--?[a-z][a-z-]*/g))
      expect(usage).toMatch(new RegExp(`${option}\\b`))
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
  })

  test('a mistyped option is answered with the one that was meant', async () => {
    const [option] = program.commands.find((command) => command.name() === name)?.options ?? []
    const long = option?.long ?? '--help'
    const { exitCode, stderr } = await dbdoctor([name, `${long}x`])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(`(Did you mean ${long}?)`)
  })
})

test('--help of all shows where to begin', async () => {
  const { stdout } = await dbdoctor(['--help'])
  for (const name of names) expect(stdout).toMatch(new RegExp(`^ {2}${name}\\b`, 'm'))
  expect(stdout).toContain('Examples:\n  dbdoctor check ./app.db\n')
})
