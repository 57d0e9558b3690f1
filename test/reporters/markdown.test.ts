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
  expect(section(stdout, 'External services: ⚠️ AS EXPECTED')).toContain('⚠️ 3 of 3 services')
  expect(section(stdout, 'What needs external services')).toContain('Microsoft OAuth redirects to')
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

test('a finding is told once, and followed by what is typed, as it is typed', async () => {
  const { stdout } = await dbdoctor(['demo', 'two-causes', '-f', 'markdown'])
  const report = await reportOf(['demo', 'two-causes'])
  for (const { message } of report.results.flatMap(({ findings }) => findings.slice(0, 1)))
    expect(stdout.replace(/\\/g, '').split(message).length, message).toBeLessThanOrEqual(2)
  expect(stdout.replace(/\\/g, '').split(report.verdict.headline)).toHaveLength(3)
  expect(section(stdout, '1. rows-orphaned')).toContain(`- \`\`\`sql
  select * from "chat_participants" c where c."chat_id" is not null and not exists (select 1 from "chats" p where p."id" = c."chat_id")
  \`\`\``)
  // Where no finding and no cause has a step, the check has.
  expect(section(stdout, 'What was broken')).toMatch(/other-key\)\n {2}- Give every server the same key/)
})

test('what the config promises stands beside what was seen, also where nothing was', async () => {
  const { stdout } = await dbdoctor(['demo', 'healthy', '-f', 'markdown'])
  expect(section(stdout, 'Promises')).toContain('| access token lifetime | 15 minutes | 15 minutes |')
  expect(section(stdout, 'Promises')).toContain('| refresh token lifetime | 7 days | 7 days |')
  for (const can of ['User login', 'Token refresh', 'Protected routes', 'Session management', 'User registration'])
    expect(section(stdout, 'What works')).toContain(`- ✅ **${can}**`)
  expect(section(stdout, 'Status')).toMatch(/demo\.db · SQLite [\d.]+ · API at http:\/\/127\.0\.0\.1:\d+ · examined at/)
  const down = (await dbdoctor(['demo', 'server-down', '-f', 'markdown'])).stdout
  expect(section(down, 'Promises')).toContain('| access token lifetime | 15 minutes | not observed |')
  expect(section(down, 'What is not known')).toContain('- ❔ **User login**: blocked')
})

test('whatever a step holds, it stays in its block', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const finding = findingWith({ address: 'schema/tables#missing', message: 'x', next: [`select * from "${name}"`] })
      const document = markdown.render(
        reportWith({ id: 'schema/tables', status: 'fail', findings: [finding] }),
        options,
      )
      expect(headings(document)).toHaveLength(2 + sections.length)
      const lines = document.split('\n')
      const at = lines.findIndex((line) => /`sql$/.test(line))
      const fence = lines[at]?.replace(/^ *- |sql$/g, '') ?? ''
      const length = name.split('\n').length
      expect(lines[at + 1 + length]?.trim()).toBe(fence)
      expect(lines.slice(at + 1, at + 1 + length).join()).not.toContain(fence)
    }),
  )
})

test('whatever a name holds, it is no markup', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const finding = findingWith({ address: 'schema/tables#missing', message: `table ${name}` })
      const document = markdown.render(
        reportWith({ id: 'schema/tables', status: 'fail', findings: [finding] }),
        options,
      )
      const line = document.split('\n').find((one) => one.startsWith('- ❌ table ')) ?? ''
      expect(line).not.toBe('')
      expect(headings(document)).toHaveLength(2 + sections.length)
      expect(line.replace(/\\[\\`*_[\]<>|~&]/g, '')).not.toMatch(/[\\`*_[\]<>|~&]/)
    }),
  )
})

test('of thousands of notes, and of gaps, a few are told, and how many there are', () => {
  const notes = Array.from({ length: 30_000 }, (_, at) =>
    findingWith({ address: 'schema/key-types#no-key', severity: 'info', message: `"t${at}" has no key` }),
  )
  const missing = Array.from({ length: 5_000 }, (_, at) => ({
    object: `m${at}`,
    reason: 'no-permission' as const,
    detail: 'no rights',
  }))
  const document = markdown.render(
    reportWith(
      { id: 'schema/key-types', status: 'pass', findings: notes },
      { id: 'schema/tables', status: 'skip', coverage: { examined: 0, of: 5_000, unit: 'table', missing } },
    ),
    options,
  )
  expect(document.match(/has no key/g)).toHaveLength(20)
  expect(document).toContain('  - and 29980 more of the kind\n')
  expect(document.match(/not examined: m\d+: no rights/g)).toHaveLength(20)
  expect(document).toContain('  - not examined: 4980 more\n')
  expect(document.length).toBeLessThan(20_000)
})
