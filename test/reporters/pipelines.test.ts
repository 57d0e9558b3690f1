import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Ajv } from 'ajv'
import fc from 'fast-check'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { describe, expect, test } from 'vitest'
import type { Report } from '../../src/report/report.js'
import { loadReporter, type ReporterName } from '../../src/reporters/index.js'
import { dbdoctor, reportOf } from '../support/cli.js'
import { testFolder } from '../support/databases.js'
import { findingWith, reportNamed, reportWith } from '../support/reports.js'

const options = { color: false, width: 80, verbose: false, quiet: false }
const rendered = async (format: ReporterName, report: Report) => (await loadReporter(format)).render(report, options)

const finding = (code: string, rest: Partial<Parameters<typeof findingWith>[0]> = {}) =>
  findingWith({ address: `schema/tables#${code}`, message: `it is ${code}`, ...rest })
const report = {
  ...reportWith(
    { id: 'connection/opens', status: 'pass', ms: 1234 },
    {
      id: 'schema/tables',
      status: 'fail',
      docs: { why: 'Because.', fix: 'Mend it.' },
      findings: [
        finding('missing', {
          evidence: { schema: 'public', table: 'users' },
          next: ['create table users'],
          fingerprint: 'a',
        }),
        finding('odd', { severity: 'warning', fingerprint: 'a' }),
      ],
    },
    { id: 'schema/indexes', status: 'crash', error: { name: 'Error', message: 'oops' } },
    { id: 'integrity/foreign-keys', status: 'skip', skip: { reason: 'no-permission', detail: 'may not read' } },
    { id: 'integrity/row-counts', status: 'skip', skip: { reason: 'not-configured', detail: 'nothing expected' } },
    { id: 'server/latency', status: 'skip', skip: { reason: 'blocked', detail: 'by server/reachable' } },
    { id: 'storage/checksums', status: 'skip', asked: false, skip: { reason: 'unavailable', detail: 'off' } },
  ),
  config: { path: 'ops/dbdoctor.config.yaml', lines: { 'schema/tables': 7 } },
}

// Draft 4 is what it says; it uses nothing that draft 7 reads otherwise.
const { $schema, id, ...schema } = JSON.parse(
  readFileSync(
    createRequire(import.meta.url).resolve('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json'),
    'utf8',
  ),
)
const ajv = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false })
const isSarif = ajv.compile(schema)

// https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
const isCodeQuality = new Ajv().compile({
  type: 'array',
  items: {
    type: 'object',
    required: ['description', 'check_name', 'fingerprint', 'severity', 'location'],
    properties: {
      description: { type: 'string' },
      check_name: { type: 'string', pattern: '^\\S+$' },
      fingerprint: { type: 'string', minLength: 1 },
      severity: { enum: ['info', 'minor', 'major', 'critical', 'blocker'] },
      location: {
        type: 'object',
        required: ['path', 'lines'],
        properties: {
          // Relative to the repository.
          path: { type: 'string', pattern: '^(?!\\./|/)' },
          lines: { type: 'object', required: ['begin'], properties: { begin: { type: 'integer', minimum: 1 } } },
        },
      },
    },
  },
})

describe('junit', () => {
  const parse = (xml: string) => {
    // Characters that XML 1.0 has no place for, which the validator lets pass. https://www.w3.org/TR/xml/#charsets
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
    expect(xml).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]/u)
    expect(XMLValidator.validate(xml)).toBe(true)
    return new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' }).parse(xml).testsuites
  }

  test('failure, error and skipped are told apart, a suite a layer', async () => {
    const suites = parse(await rendered('junit', report))
    expect(suites).toMatchObject({ tests: '7', failures: '1', errors: '2', skipped: '3' })
    expect(suites.testsuite.map(({ name }: { name: string }) => name)).toEqual([
      'app.db connection',
      'app.db schema',
      'app.db integrity',
      'app.db server',
      'app.db storage',
    ])
    const [tables, indexes] = suites.testsuite[1].testcase
    expect(tables.failure).toMatchObject({ message: 'it is missing', type: 'schema/tables#missing' })
    expect(tables.failure['#text']).toContain('create table users')
    expect(indexes.error).toMatchObject({ message: 'oops', type: 'crash' })
    const [keys, counts] = suites.testsuite[2].testcase
    expect(keys.error).toMatchObject({ message: 'no-permission: may not read', type: 'no-permission' })
    expect(counts['system-out']).toBe('not-configured: nothing expected')
    expect(suites.testsuite[0].testcase).toMatchObject({ time: '1.234', classname: 'dbdoctor.connection/opens' })
  })

  test('whatever a name holds, the document is well-formed, and has as many cases', async () => {
    const { render } = await loadReporter('junit')
    fc.assert(
      fc.property(fc.oneof(fc.constant('a\u0001'), fc.constant('\uffff'), fc.string({ unit: 'binary' })), (name) => {
        const { tests, failures, errors, skipped } = parse(render(reportNamed(name), options))
        expect([tests, failures, errors, skipped]).toEqual(['4', '1', '2', '1'])
      }),
    )
  })
})

describe('sarif', () => {
  test('it satisfies the schema; rules have help, results a place, an object and a fingerprint', async () => {
    const log = JSON.parse(await rendered('sarif', report))
    expect({ valid: isSarif(log), errors: isSarif.errors }).toEqual({ valid: true, errors: null })
    const [{ tool, results }] = log.runs
    expect(tool.driver.rules[0]).toMatchObject({ id: 'schema/tables#missing', help: { text: 'Mend it.' } })
    expect(results.map(({ ruleId, level }: { ruleId: string; level: string }) => [ruleId, level])).toEqual([
      ['schema/tables#missing', 'error'],
      ['schema/tables#odd', 'warning'],
      ['schema/indexes#crash', 'error'],
      ['integrity/foreign-keys#no-permission', 'error'],
      ['storage/checksums#unavailable', 'note'],
    ])
    expect(results[0]).toMatchObject({
      locations: [
        {
          physicalLocation: { artifactLocation: { uri: 'ops/dbdoctor.config.yaml' }, region: { startLine: 7 } },
          logicalLocations: [{ fullyQualifiedName: 'public.users' }],
        },
      ],
      partialFingerprints: { 'dbdoctor/v1': 'a' },
    })
  })

  test('whatever a name holds, it satisfies the schema', async () => {
    const { render } = await loadReporter('sarif')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const log = JSON.parse(render(reportNamed(name), options))
        expect({ valid: isSarif(log), errors: isSarif.errors }).toEqual({ valid: true, errors: null })
      }),
    )
  })
})

describe('gitlab', () => {
  test('whatever a name holds, the document is what GitLab reads, and no two entries share a fingerprint', async () => {
    const { render } = await loadReporter('gitlab')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const entries: { fingerprint: string }[] = JSON.parse(render(reportNamed(name), options))
        expect({ valid: isCodeQuality(entries), errors: isCodeQuality.errors }).toEqual({ valid: true, errors: null })
        expect(new Set(entries.map(({ fingerprint }) => fingerprint)).size).toBe(entries.length)
      }),
    )
  })

  test('each entry has a place and a fingerprint of its own', async () => {
    const entries = JSON.parse(await rendered('gitlab', report))
    expect(entries[0]).toEqual({
      description: 'it is missing',
      check_name: 'schema/tables#missing',
      fingerprint: 'a',
      severity: 'critical',
      location: { path: 'ops/dbdoctor.config.yaml', lines: { begin: 7 } },
    })
    const fingerprints = entries.map(({ fingerprint }: { fingerprint: string }) => fingerprint)
    expect(new Set(fingerprints).size).toBe(fingerprints.length)
  })
})

describe('github', () => {
  test('annotations are commands, ten of a kind at most', async () => {
    const many = Array.from({ length: 25 }, (_, index) => finding(`f${index}`))
    const lines = (await rendered('github', reportWith({ id: 'schema/tables', status: 'fail', findings: many })))
      .trim()
      .split('\n')
    expect(lines).toHaveLength(11)
    expect(lines[9]).toBe('::error title=dbdoctor::16 more; the summary has them all')
    expect(lines[10]).toBe('dbdoctor: unhealthy: The headline.')
    expect((await rendered('github', report)).split('\n')[0]).toBe(
      '::error file=ops/dbdoctor.config.yaml,line=7,title=schema/tables#missing::it is missing%0Acreate table users',
    )
  })

  test('whatever a name holds, it begins no command of its own', async () => {
    const { render } = await loadReporter('github')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const odd = reportWith({
          id: 'schema/tables',
          status: 'fail',
          findings: [finding('odd', { message: `${name}\r\n::set-env name=A::b` })],
        })
        const lines = render(odd, options).trimEnd().split('\n')
        expect(lines).toHaveLength(2)
        expect(lines[0]).toMatch(/^::error title=/)
      }),
    )
  })

  test('the summary of the step gets the markdown report', async () => {
    const summary = `${await testFolder()}/summary.md`
    const { stdout } = await dbdoctor(['demo', 'orphans', '-f', 'github', '--only', 'integrity/foreign-keys'], {
      env: { GITHUB_STEP_SUMMARY: summary },
    })
    expect(stdout).toMatch(/^::error title=integrity\/foreign-keys#dangling::/)
    expect(readFileSync(summary, 'utf8')).toMatch(/^# Health summary: demo\.db/)
  })
})

/**
 * Reads the text format as strictly as it is written: each family is declared once, before its samples, which are not mixed with others';
 * no sample is there twice. https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
 */
function parsePrometheus(text: string): Map<string, Map<string, number>> {
  const families = new Map<string, Map<string, number>>()
  let current = ''
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  for (const line of text.slice(0, -1).split('\n')) {
    const [, help] = /^# HELP ([a-zA-Z_:][\w:]*) (?:[^\\]|\\[\\n])*$/.exec(line) ?? []
    const [, type] = /^# TYPE ([a-zA-Z_:][\w:]*) gauge$/.exec(line) ?? []
    const label = '[a-zA-Z_]\\w*="(?:[^"\\\\]|\\\\[\\\\n"])*"'
    const [, name, labels, value] =
      new RegExp(`^([a-zA-Z_:][\\w:]*)\\{(${label}(?:,${label})*)\\} (\\S+)$`).exec(line) ?? []
    if (help && !families.has(help)) current = help
    else if (type && type === current && !families.has(type)) families.set(type, new Map())
    else if (name && name === current && labels && !families.get(name)?.has(labels) && Number.isFinite(Number(value)))
      families.get(name)?.set(labels, Number(value))
    else throw new Error(`not a line of the format: ${line}`)
  }
  return families
}

describe('prometheus', () => {
  test('a state holds once, and the others do not', async () => {
    const families = parsePrometheus(await rendered('prometheus', report))
    expect(Object.fromEntries(families.get('dbdoctor_verdict') ?? [])).toEqual({
      'target="app.db",status="healthy"': 0,
      'target="app.db",status="degraded"': 0,
      'target="app.db",status="unhealthy"': 1,
      'target="app.db",status="inconclusive"': 0,
    })
    expect(
      families.get('dbdoctor_findings')?.get('target="app.db",check="schema/tables",layer="schema",severity="warning"'),
    ).toBe(1)
    expect([...families.values()].every((samples) => samples.size > 0)).toBe(true)
  })

  test('whatever a name holds, it is one label of one sample', async () => {
    const { render } = await loadReporter('prometheus')
    const sizes = (name: string) =>
      [...parsePrometheus(render(reportNamed(name), options)).values()].map(({ size }) => size)
    const plain = sizes('plain')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        expect(sizes(name)).toEqual(plain)
      }),
    )
  })
})

describe('what real runs report', () => {
  test.each(['incident', 'index-corrupt', 'file-truncated'])('of %s is read by strict parsers', async (scenario) => {
    const folder = await testFolder()
    const file = (name: ReporterName) => `${folder}/${name}`
    const formats = ['junit', 'sarif', 'gitlab', 'prometheus'] as const
    await dbdoctor(['demo', scenario, ...formats.flatMap((name) => ['-f', `${name}=${file(name)}`])])
    const text = (name: ReporterName) => readFileSync(file(name), 'utf8')
    expect(XMLValidator.validate(text('junit'))).toBe(true)
    const log = JSON.parse(text('sarif'))
    expect({ valid: isSarif(log), errors: isSarif.errors }).toEqual({ valid: true, errors: null })
    const entries = JSON.parse(text('gitlab'))
    expect({ valid: isCodeQuality(entries), errors: isCodeQuality.errors }).toEqual({ valid: true, errors: null })
    expect(entries.length).toBeGreaterThan(0)
    expect(parsePrometheus(text('prometheus')).size).toBeGreaterThan(5)
  })
})

test('a config file is pointed at by the line that asked', async () => {
  const folder = await testFolder()
  const { config } = await reportOf(['demo', 'orphans'])
  expect(config).toBeUndefined()
  writeFileSync(
    `${folder}/dbdoctor.config.yaml`,
    '# api: none\ndatabase:\n  url: sqlite:gone.db\napi:\n  url: http://127.0.0.1:9\n  endpoints: [/]\nchecks:\n  schema/tables: { severity: warning }\n',
  )
  const { config: found } = await reportOf(['check'], { cwd: folder })
  expect(found).toMatchObject({
    path: 'dbdoctor.config.yaml',
    lines: { 'schema/tables': 8, 'connection/opens': 2, 'server/endpoints': 6, 'server/reachable': 4 },
  })
})
