import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Report } from '../../src/report/report.js'
import { reporterNames } from '../../src/reporters/index.js'
import { dbdoctor } from '../support/cli.js'
import { testDatabase, testFolder } from '../support/databases.js'

const schema = 'create table a (id integer primary key); create table b (a_id integer references a (id));'
const scene = { folder: '', ill: '', healed: '', saved: {} as Report }
const at = (name: string) => join(scene.folder, name)
const write = (name: string, text: string) => {
  writeFileSync(at(name), text)
  return at(name)
}

beforeAll(async () => {
  scene.folder = await testFolder()
  const { target, execute } = await testDatabase('sqlite', `${schema} insert into b values (7), (8);`)
  scene.ill = at('ill.json')
  scene.healed = at('healed.json')
  await dbdoctor(['check', target, '-f', `json=${scene.ill}`])
  await execute('delete from b')
  await dbdoctor(['check', target, '-f', `json=${scene.healed}`])
  scene.saved = JSON.parse(readFileSync(scene.ill, 'utf8'))
})

describe('a saved report', () => {
  test('is rendered as its run would have been, with its exit code', async () => {
    const { exitCode, stdout, stderr } = await dbdoctor(['report', scene.ill])
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' })
    expect(stdout).toContain('UNHEALTHY')
    expect((await dbdoctor(['report', scene.healed])).exitCode).toBe(0)
  })

  test('comes in every format, several at once', async () => {
    const outputs = reporterNames.filter((name) => name !== 'pretty').map((name) => `${name}=${at(`out.${name}`)}`)
    const { exitCode } = await dbdoctor(['report', scene.ill, ...outputs.flatMap((output) => ['-f', output])])
    expect(exitCode).toBe(1)
    for (const name of reporterNames.filter((each) => each !== 'pretty'))
      expect(readFileSync(at(`out.${name}`), 'utf8').length).toBeGreaterThan(100)
  })

  test('as JSON is the same, and keeps what a newer dbdoctor has added', async () => {
    const { stdout } = await dbdoctor(['report', scene.ill, '-f', 'json'])
    expect(JSON.parse(stdout)).toEqual(scene.saved)
    const newer = { ...scene.saved, weather: 'fair', results: scene.saved.results.map((one) => ({ ...one, mood: 7 })) }
    const again = await dbdoctor(['report', write('newer.json', JSON.stringify(newer)), '-f', 'json'])
    expect(JSON.parse(again.stdout)).toEqual(newer)
  })

  test('comes from standard input, with a byte order mark or not', async () => {
    const input = `\ufeff${readFileSync(scene.ill, 'utf8')}`
    expect(await dbdoctor(['report', '-'], { input })).toMatchObject({ exitCode: 1, stderr: '' })
    expect(await dbdoctor(['report', '-', scene.healed], { input })).toMatchObject({ exitCode: 0, stderr: '' })
  })

  test('keeps its exit code unless a threshold is named; that of a signal stays', async () => {
    const exitOf = async (report: Partial<Report>, ...args: string[]) =>
      (await dbdoctor(['report', write('saved.json', JSON.stringify({ ...scene.saved, ...report })), ...args])).exitCode
    expect(await exitOf({ exitCode: 0 })).toBe(0)
    expect(await exitOf({ exitCode: 0 }, '--fail-on', 'fail')).toBe(1)
    expect(await exitOf({ exitCode: 1 }, '--fail-on', 'never')).toBe(0)
    expect(await exitOf({ exitCode: 130, complete: false }, '--fail-on', 'never')).toBe(130)
    const { stdout } = await dbdoctor(['report', scene.ill, '--fail-on', 'never', '-f', 'json'])
    expect(JSON.parse(stdout).exitCode).toBe(0)
  })
})

describe('two saved reports', () => {
  test('are held against each other', async () => {
    const healed = await dbdoctor(['report', scene.ill, scene.healed])
    expect(healed).toMatchObject({ exitCode: 0, stderr: '' })
    expect(healed.stdout).toMatch(/Fixed\n {4}✔ "b": 2 rows/)
    expect(healed.stdout).toContain('UNHEALTHY → HEALTHY  1 fixed')
    const ill = await dbdoctor(['report', scene.healed, scene.ill, '-f', 'json'])
    expect(ill.exitCode).toBe(1)
    expect(JSON.parse(ill.stdout)).toMatchObject({
      kind: 'dbdoctor-comparison',
      exitCode: 1,
      counts: { new: 1, fixed: 0 },
      notes: ['The first report is the younger one.'],
      differences: expect.arrayContaining([
        expect.objectContaining({ fate: 'new', severity: 'error', rows: { before: null, after: 2 } }),
      ]),
    })
    expect((await dbdoctor(['report', scene.ill, scene.ill])).exitCode).toBe(0)
  })

  test('of a database that cannot be opened any more, nothing is fixed', async () => {
    await dbdoctor(['check', '/nowhere/test.db', '-f', `json=${at('gone.json')}`])
    const { exitCode, stdout } = await dbdoctor(['report', scene.ill, at('gone.json')])
    expect(exitCode).toBe(1)
    expect(stdout).toContain('No longer known')
    expect(stdout).not.toContain('Fixed')
  })
})

describe('what is no report is exit 2, two lines and no stack', () => {
  const refused = async (args: readonly string[], message: RegExp, input = '') => {
    const { exitCode, stdout, stderr } = await dbdoctor(['report', ...args], { input })
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr.split('\n')).toHaveLength(2)
    expect(stderr).not.toMatch(/at .*\.js:/)
  }

  test.each([
    ['', /is empty\n {2}write a report with: dbdoctor check -f json=report\.json/],
    ['no json', /is not JSON/],
    ['[1, 2]', /is no report of dbdoctor/],
    ['null', /is no report of dbdoctor/],
    ['{"runs":[{"tool":{"driver":{"name":"CodeQL"}}}]}', /is no report of dbdoctor/],
    ['{"schemaVersion":2,"tool":{"name":"eslint"}}', /is no report of dbdoctor/],
    [
      '{"schemaVersion":2,"tool":{"name":"dbdoctor"}}',
      /has schemaVersion 2, and this dbdoctor reads 1\n {2}read it with/,
    ],
    [
      '{"schemaVersion":1,"tool":{"name":"dbdoctor","version":"1"}}',
      /not a valid report: exitCode: .*; and \d+ more\n/,
    ],
    ['{"tool":{"name":"dbdoctor"}}', /not a valid report: schemaVersion: /],
  ])('%j', async (text, message) => {
    await refused(['-'], message, text)
  })

  test('a report that was cut off', async () => {
    const text = readFileSync(scene.ill, 'utf8')
    await refused(
      [write('cut.json', text.slice(0, text.length / 2).replace(/\}\s*$/, ''))],
      /ends in the middle: it was cut off/,
    )
  })

  test.each([
    ['exitCode', 256],
    ['startedAt', 'yesterday'],
    ['target', undefined],
    ['results', [{ id: 'a/b' }]],
    ['facts', { 'schema.tables': '38' }],
  ])('a report with another %s', async (key, value) => {
    await refused(
      [write('odd.json', JSON.stringify({ ...scene.saved, [key]: value }))],
      new RegExp(`valid report: ${key}`),
    )
  })

  test('an unknown status, whose value is not repeated', async () => {
    const results = scene.saved.results.map((one) => ({ ...one, status: 'hunter2' }))
    await refused(
      [write('odd.json', JSON.stringify({ ...scene.saved, results }))],
      /^(?!.*hunter2).*results\[0\]\.status/,
    )
  })

  test.each([
    [['nowhere.json'], /nowhere\.json cannot be read: ENOENT/],
    [['a', 'b', 'c'], /more than two reports/],
    [['-', '-'], /standard input holds one report/],
    [['a', 'b', '-f', 'junit'], /two reports cannot be compared as junit\n {2}write pretty or markdown or json/],
    [['a', 'b', '--fail-on', 'warn'], /--fail-on judges one report/],
  ])('%j', (args, message) => refused(args, message))
})
