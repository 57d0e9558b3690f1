import { join } from 'node:path'
import { execa } from 'execa'
import { expect, inject, test } from 'vitest'
import { dbdoctor } from '../support/cli.js'
import { testDatabase } from '../support/databases.js'
import { complaintsOf, filesOf, projectWith } from '../support/recipes.js'

const files = filesOf('docs/writing-a-check.md')
const project = files.then((written) => projectWith(written, ['vitest', '@types/node']))

test.each(['node16', 'nodenext', 'bundler'])(
  'what the page writes compiles with moduleResolution %s',
  { timeout: 120_000 },
  async (resolution) => {
    expect([...(await files).keys()]).toEqual([
      ...['checks/settings.ts', 'checks/settings.test.ts', 'dbdoctor.config.ts', 'checks/acme.ts'],
    ])
    expect(await complaintsOf(await project, [...(await files).keys()], resolution)).toBe('')
  },
)

test('its tests pass, on both dialects', { timeout: 120_000 }, async () => {
  const cwd = await project
  const vitest = join(cwd, 'node_modules/vitest/vitest.mjs')
  const { exitCode, stdout } = await execa(process.execPath, [vitest, 'run', '--reporter=json'], {
    cwd,
    env: { TEST_POSTGRES_URL: inject('postgres') },
    reject: false,
  })
  expect(JSON.parse(stdout)).toMatchObject({ success: true, numPassedTests: 4, numPendingTests: 0 })
  expect(exitCode).toBe(0)
})

test('its commands say what it found', async () => {
  const cwd = await project
  const { target } = await testDatabase(
    'sqlite',
    'create table users (id integer primary key); create table settings (user_id, key); insert into users values (1);',
  )
  const args = ['check', target, '--only', 'integrity/acme-settings']
  const { stdout, exitCode } = await dbdoctor(args, { cwd })
  expect(stdout).toContain('1 user without a locale')
  expect(exitCode).toBe(0)
  expect((await dbdoctor(['explain', 'integrity/acme-settings'], { cwd })).stdout).toContain('key = "locale"')
})

test('its plugin brings a diagnosis and a format', async () => {
  const written = new Map(await files)
  written.set('dbdoctor.config.ts', "export default { plugins: ['./checks/acme.ts'] }")
  const cwd = await projectWith(written)
  const { target } = await testDatabase(
    'sqlite',
    'create table users (id integer primary key); create table settings (user_id, key); insert into users values (1);',
  )
  const { stdout, exitCode } = await dbdoctor(['check', target, '-f', 'acme-line'], { cwd })
  expect(stdout).toMatch(/^unhealthy: .*The mailer stops at the first user without settings\.$/)
  expect(exitCode).toBe(1)
})
