import fc from 'fast-check'
import { expect, test } from 'vitest'
import { markdown } from '../../src/reporters/markdown.js'
import { dbdoctor, reportOf } from '../support/cli.js'
import { findingWith, reportWith } from '../support/reports.js'

const options = { color: false, width: 80, verbose: false, quiet: false }
const headings = (document: string) => document.split('\n').filter((line) => /^##? /.test(line))
const section = (document: string, heading: string) =>
  document.split(/^##+ /m).find((part) => part.startsWith(heading)) ?? ''
const sections = [
  '## System health',
  '## Root cause analysis',
  '## Fixes suggested',
  '## Performance',
  '## Capabilities',
  '## Next steps',
  '## Technical details',
  '## Conclusion',
]

test('the incident is told from its results, section by section', async () => {
  const { stdout, exitCode } = await dbdoctor(['demo', 'incident', '-f', 'markdown'])
  expect(exitCode).toBe(1)
  expect(headings(stdout)).toEqual(['# Health summary: demo.db', '## Status: ❌ UNHEALTHY', ...sections])
  expect(section(stdout, 'Database: ✅ HEALTHY')).toContain('38 of 38 tables')
  expect(section(stdout, 'External services: ⚠️ AS EXPECTED')).toContain('Microsoft OAuth redirects to')
  expect(section(stdout, 'What caused the issues')).toMatch(
    /^1\. \*\*No database crash\*\*: 38 of 38 tables, 77 of 77 indexes, 52 foreign keys, 0 orphaned rows\n2\. \*\*The configured password of test@example\.com does not match/m,
  )
  expect(section(stdout, 'Test credentials')).toMatch(/test@example\.com[\s\S]*not shown/)
  expect(stdout).not.toContain('TestPassword')
})

test('what is blocked is said to be blocked, and what was not looked at is not called well', async () => {
  const { stdout } = await dbdoctor(['demo', 'server-down', '-f', 'markdown'])
  expect(section(stdout, 'External services: ❔ BLOCKED')).toContain(
    '1 check blocked by server/reachable, not looked at',
  )
  expect(section(stdout, 'API server\n')).toContain('Not checked.')
  expect(section(stdout, 'What needs external services')).toContain('Not checked.')
})

test('an examination of nothing but a file claims nothing of a server', async () => {
  const report = await reportOf(['check', '/nowhere/app.db'])
  const document = markdown.render(report, options)
  for (const part of ['API server', 'Authentication', 'External services'])
    expect(document).toContain(`### ${part}: ❔ NOT CHECKED`)
  expect(document).not.toContain('No database crash')
  expect(section(document, 'What caused the issues')).toContain('The database could not be opened')
})

test('whatever a name holds, it is no markup', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const finding = findingWith({ address: 'schema/tables#missing', message: `table ${name}` })
      const document = markdown.render(
        reportWith({ id: 'schema/tables', status: 'fail', findings: [finding] }),
        options,
      )
      const line = document.split('\n').find((one) => one.startsWith('  - table ')) ?? ''
      expect(headings(document)).toHaveLength(2 + sections.length)
      expect(line.replace(/\\[\\`*_[\]<>|~&]/g, '')).not.toMatch(/[\\`*_[\]<>|~&]/)
    }),
  )
})
