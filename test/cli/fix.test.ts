import { join } from 'node:path'
import { expect, test } from 'vitest'
import { dbdoctor, reportOf } from '../support/cli.js'
import { testFolder } from '../support/databases.js'

const demo = (scenario: string, ...more: string[]) => ['demo', scenario, '--fix', '--no-progress', ...more]

test('demo server-down --fix starts the server, mends the test user, and ends healthy', async () => {
  const folder = await testFolder()
  const file = join(folder, 'report.json')
  const { stdout, exitCode } = await dbdoctor(demo('server-down', '-f', 'markdown', '-f', `json=${file}`))
  expect(exitCode).toBe(0)
  const applied = stdout.slice(stdout.indexOf('## Fixes applied'), stdout.indexOf('## System performance'))
  expect(applied).toContain('### 1. Start the API server ✅')
  expect(applied).toMatch(/- Before: nothing listens at http:\/\/127\.0\.0\.1:\d+ .*server\/reachable#refused/)
  expect(applied).toMatch(/- After: The API server answers: 200 in /)
  expect(applied).toContain('### 2. Create the probe user, or set its password ✅')
  expect(applied).toContain('- After: The database knows the probe user: scrypt, password matches')
  expect(applied).not.toContain('Fixes suggested')
  expect(stdout).toMatch(
    /1\. \*\*No database crash\*\*: 38 of 38 tables.*\n2\. \*\*Nothing listens at .*\*\*: mended \(start the API server\)/,
  )
  expect(stdout).toContain('- ✅ the configured password of test@example.com does not match the stored hash (scrypt)')
  expect(stdout).not.toContain('TestPassword123')
})

test('demo orphans --fix puts the rows aside, and ends healthy', async () => {
  const report = await reportOf(demo('orphans'))
  expect([report.exitCode, report.verdict.status, report.verdict.database]).toEqual([0, 'healthy', 'intact'])
  expect(report.fixes?.map(({ class: kind, outcome, rows }) => [kind, outcome, rows])).toEqual([
    ['data', 'applied', 59],
    ['data', 'applied', 2],
  ])
})

test('what cannot be mended is left, and said', async () => {
  const report = await reportOf(demo('jwt-key-mismatch'))
  expect([report.exitCode, report.fixes]).toEqual([1, []])
})

test('a plan has formats of its own, and steps that exist', async () => {
  const html = await dbdoctor(['fix', 'app.db', '-f', 'html'])
  expect([html.exitCode, html.stderr]).toEqual([
    2,
    'dbdoctor: a plan has no format "html"\n  write pretty or json or sql, or NAME=FILE; the others are for the report after --apply',
  ])
  const steps = await dbdoctor(['fix', 'app.db', '--steps', '1,x'])
  expect([steps.exitCode, steps.stderr]).toEqual([2, expect.stringContaining('Write numbers of steps')])
  const classes = await dbdoctor(['fix', 'app.db', '--class', 'all'])
  expect([classes.exitCode, classes.stderr]).toEqual([
    2,
    expect.stringContaining('Write one or more of safe, data, service.'),
  ])
})

test('what does not open has no step in the database', async () => {
  const { stdout, exitCode } = await dbdoctor(['fix', join(await testFolder(), 'gone.db'), '--no-progress'])
  expect(exitCode).toBe(0)
  expect(stdout).toContain('There is nothing that dbdoctor can mend.')
  expect(stdout).toMatch(/Left to you\n +connection\/opens#missing +there is no file at /)
})
