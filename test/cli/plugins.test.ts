import { describe, expect, test } from 'vitest'
import { dbdoctor, reportOf } from '../support/cli.js'
import { testDatabase } from '../support/databases.js'
import { projectWith } from '../support/recipes.js'

const target = testDatabase('sqlite', 'create table users (id integer primary key); insert into users values (1), (2);')

/** A package as somebody would publish it: a check with options, a diagnosis upon it, a format. */
const acme = `
import { defineCheck, defineDiagnosis, definePlugin, defineReporter, pluralize, z } from 'dbdoctor'

const seats = defineCheck({
  id: 'integrity/acme-seats',
  title: 'There are no more users than seats',
  severity: 'error',
  after: ['connection/opens'],
  depth: 'standard',
  docs: { why: 'The licence is for so many.', fix: 'Buy more seats, or remove users.' },
  options: z.strictObject({ seats: z.int().default(5) }),
  messages: {
    tooMany: ({ rows, seats }) => pluralize(rows, 'user') + ' on ' + pluralize(seats, 'seat'),
  },
  async run({ db, options, report, skip }) {
    const answer = await db.read(async (kysely) => kysely.selectFrom('users').select(({ fn }) => fn.countAll().as('n')).executeTakeFirst())
    if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
    const rows = Number(answer.value.n)
    if (rows > options.seats) report('tooMany', { rows, seats: options.seats })
  },
})

export default definePlugin({
  name: 'acme',
  checks: [seats],
  diagnoses: [
    defineDiagnosis({
      id: 'acme-overbooked',
      headline: 'More people than the licence is for.',
      when: (chart) => chart.found('integrity/acme-seats#tooMany'),
      next: ['call sales'],
    }),
  ],
  reporters: [
    defineReporter({ name: 'acme-line', render: (report, { width }) => report.verdict.status + ' at ' + width + ' columns\\n' }),
  ],
})
`

const package_ = [
  [
    'node_modules/dbdoctor-plugin-acme/package.json',
    '{ "name": "dbdoctor-plugin-acme", "type": "module", "exports": "./lib/index.js" }',
  ],
  ['node_modules/dbdoctor-plugin-acme/lib/index.js', acme],
] as const

/** A project whose config says this, with the package installed. */
const project = (config: object, ...files: (readonly [string, string])[]) =>
  projectWith([...package_, ['dbdoctor.config.json', JSON.stringify(config)], ...files])

describe('a package in node_modules', () => {
  const named = { plugins: ['dbdoctor-plugin-acme'] }
  const strict = { ...named, checks: { 'integrity/acme-seats': { options: { seats: 1 } } } }

  test('brings checks with options of their own, and diagnoses', async () => {
    const { target: address } = await target
    const report = await reportOf(['check', address], { cwd: await project(strict) })
    expect(report.causes[0]).toMatchObject({
      id: 'acme-overbooked',
      because: expect.arrayContaining(['integrity/acme-seats: 2 users on 1 seat']),
    })
    expect(report.exitCode).toBe(1)
    const content = await reportOf(['check', address], { cwd: await project(named) })
    expect(content.results.find(({ id }) => id === 'integrity/acme-seats')?.status).toBe('pass')
    expect(content.exitCode).toBe(0)
  })

  test('whose options are parsed like any other setting', async () => {
    const cwd = await project({ ...named, checks: { 'integrity/acme-seats': { options: { seets: 1 } } } })
    const { exitCode, stderr } = await dbdoctor(['check', (await target).target], { cwd })
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(
      /checks\["integrity\/acme-seats"\]\.options: unknown setting "seets" \(did you mean "seats"\?\)/,
    )
    const { stdout } = await dbdoctor(['explain', 'integrity/acme-seats'], { cwd })
    expect(stdout).toContain('seats = 5')
  })

  test('may be CommonJS, as compilers write it', async () => {
    const cwd = await project(
      { plugins: ['./plugin.cjs', './compiled.cjs'] },
      ['plugin.cjs', "module.exports = { name: 'mine', reporters: [{ name: 'mine', render: () => 'mine' }] }"],
      [
        'compiled.cjs',
        `exports.__esModule = true
        exports.default = { name: 'other', reporters: [{ name: 'other', render: () => 'other' }] }`,
      ],
    )
    const args = ['check', (await target).target, '-f', 'mine', '-f', 'other=other.txt']
    expect(await dbdoctor(args, { cwd })).toMatchObject({ stdout: 'mine', stderr: '', exitCode: 0 })
  })

  test('is found from the folder of the config, wherever the command is typed', async () => {
    const cwd = await project(named, ['deep/down/here.txt', ''])
    const { stdout } = await dbdoctor(['list'], { cwd: `${cwd}/deep/down` })
    expect(stdout).toMatch(/^integrity\/acme-seats +There are no more users than seats$/m)
  })
})

describe('formats of a plugin', () => {
  const config = { plugins: ['dbdoctor-plugin-acme'] }

  test('are written beside the built-in ones, to standard output or a file', async () => {
    const cwd = await project(config)
    const args = ['check', (await target).target, '-f', 'acme-line', '-f', 'json=report.json']
    const { stdout, exitCode } = await dbdoctor(args, { cwd })
    expect({ stdout, exitCode }).toEqual({ stdout: 'healthy at 80 columns', exitCode: 0 })
    expect(await dbdoctor(['report', 'report.json', '-f', 'acme-line'], { cwd })).toMatchObject({ stdout, exitCode: 0 })
  })

  test('are named where one is asked for that nobody knows', async () => {
    const cwd = await project(config)
    const near = await dbdoctor(['check', (await target).target, '-f', 'acme-lime'], { cwd })
    expect(near).toMatchObject({ exitCode: 2, stdout: '' })
    expect(near.stderr).toMatch(/there is no format "acme-lime"\n {2}did you mean acme-line\?$/)
    const far = await dbdoctor(['check', (await target).target, '-f', 'docx'], { cwd })
    expect(far.stderr).toMatch(/there is no format "docx"\n {2}write pretty or .* or acme-line, or NAME=FILE$/)
  })
})

describe('a plugin that is no good is named in two lines', () => {
  const mine = (code: string) => project({ plugins: ['./mine.mjs'] }, ['mine.mjs', code])
  const format = (render: string, name = 'own') =>
    `export default { name: 'mine', reporters: [{ name: '${name}', render: ${render} }] }`

  test.each([
    ['throws', "throw new Error('no licence\\nfor you')", /the plugin \.\/mine\.mjs cannot be loaded: no licence$/],
    ['throws what is no error', "throw 'tantrum'", /the plugin \.\/mine\.mjs cannot be loaded: tantrum$/],
    ['does not parse', 'export default {', /the plugin \.\/mine\.mjs cannot be loaded: /],
    [
      'lacks a package',
      "import 'nowhere-to-be-found'",
      /the plugin \.\/mine\.mjs cannot be loaded: .*nowhere-to-be-found/,
    ],
    ['exports nothing', 'export const x = 1', /the plugin \.\/mine\.mjs is none: name: /],
    ['exports a number', 'export default 7', /the plugin \.\/mine\.mjs is none: its default export: .*number/],
    ['exports null', 'export default null', /the plugin \.\/mine\.mjs is none: its default export: .*null/],
    [
      'has half a check',
      "export default { name: 'mine', checks: [{ id: 'schema/x' }] }",
      /is none: checks\[0\]\.title: /,
    ],
    ['has a check that does not run', checkWith('run: 7'), /is none: checks\[0\]\.run/],
    [
      'has a diagnosis that asks nothing',
      "export default { name: 'm', diagnoses: [{ id: 'x', headline: 'x', next: [] }] }",
      /diagnoses\[0\]\.when: expected a function/,
    ],
    [
      'has a format that no shell can name',
      format('() => ""', 'a=b'),
      /reporters\[0\]\.name: write it in small letters/,
    ],
    ['takes the name of a format', format('() => ""', 'json'), /two formats are called json \(in dbdoctor and mine\)$/],
    [
      'takes the name of a check',
      checkWith("run() {}, id: 'schema/tables'"),
      /two checks are called schema\/tables \(in dbdoctor and mine\)$/,
    ],
  ])('one that %s', async (_, code, message) => {
    const { exitCode, stdout, stderr } = await dbdoctor(['check', (await target).target], { cwd: await mine(code) })
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    const lines = stderr.split('\n')
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(message)
    expect(lines[1]).toMatch(/^ {2}\S/)
  })

  test('one whose check breaks says so, and with --verbose where', async () => {
    const cwd = await mine(checkWith("run() { throw new TypeError('oops') }"))
    const args = ['check', (await target).target, '--only', 'schema/mine']
    const short = await dbdoctor(args, { cwd })
    expect(short.exitCode).toBe(3)
    expect(short.stdout).toContain('the check broke: TypeError: oops')
    expect(short.stdout).not.toMatch(/at .*mine/)
    expect((await dbdoctor([...args, '--verbose'], { cwd })).stdout.replace(/\s+/g, ' ')).toMatch(
      /oops at .*mine\.\w+:\d+:\d+/,
    )
  })

  test('one that is not there', async () => {
    for (const plugin of ['./nowhere.ts', 'dbdoctor-plugin-nowhere']) {
      const cwd = await project({ plugins: [plugin] })
      const { exitCode, stderr } = await dbdoctor(['check', (await target).target], { cwd })
      expect(exitCode).toBe(2)
      expect(stderr.split('\n')).toHaveLength(2)
      expect(stderr).toContain(`the plugin ${plugin} cannot be loaded: `)
      expect(stderr).toContain(`are looked for from ${cwd}`)
    }
  })

  test.each([
    ["() => { throw new Error('out of ink') }", /the format own broke: out of ink$/],
    ['async () => ""', /the format own made no text of the report: render has to return a string$/],
  ])('one whose format is %s', async (render, message) => {
    const cwd = await mine(format(render))
    const { exitCode, stdout, stderr } = await dbdoctor(['check', (await target).target, '-f', 'own'], { cwd })
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr.split('\n')[0]).toMatch(message)
    expect(stderr.split('\n')).toHaveLength(2)
  })
})

function checkWith(parts: string): string {
  return `export default { name: 'mine', checks: [{
    id: 'schema/mine', title: 'x', severity: 'error', after: [], docs: { why: 'x', fix: 'x' }, messages: {}, ${parts} }] }`
}
