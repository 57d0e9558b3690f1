import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 as Ajv } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { configOf } from '../fixtures/demo/config.js'
import { schemaPath } from '../src/init/config-text.js'
import { reportJsonSchema } from '../src/report/schema.js'
import { reporterNames } from '../src/reporters/index.js'
import { dbdoctor } from './support/cli.js'
import { testFolder } from './support/databases.js'

const text = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')

test('docs/checks.md is fresh; npm run docs writes it', async () => {
  const { stdout } = await dbdoctor(['list', '--markdown'])
  expect(text('docs/checks.md').trimEnd()).toBe(stdout)
})

test('docs/report.schema.json is fresh; npm run docs writes it', () => {
  expect(JSON.parse(text('docs/report.schema.json'))).toEqual(reportJsonSchema())
})

test('docs/config.md and its schema are fresh; npm run docs writes them', async () => {
  expect(text('docs/config.md').trimEnd()).toBe((await dbdoctor(['config', '--markdown'])).stdout)
  expect(text('docs/config.schema.json').trimEnd()).toBe((await dbdoctor(['config', '--schema'])).stdout)
})

test('docs/dependencies.md names each package that is needed at run time, and no other', () => {
  const { dependencies } = JSON.parse(text('package.json'))
  const named = text('docs/dependencies.md').matchAll(/^\| ([\w-]+) \| \S.* \| \d+ \|$/gm)
  expect([...named].map(([, name]) => name)).toEqual(Object.keys(dependencies))
})

test('each setting says what it is for', () => {
  const rows = text('docs/config.md').match(/^\| `.*$/gm) ?? []
  expect(rows.length).toBeGreaterThan(100)
  expect(rows.filter((row) => !/ \S.*\. \|$/.test(row.slice(row.lastIndexOf(' | '))))).toEqual([])
  const chapters = text('docs/config.md').split(/^## /m).slice(1)
  expect(chapters.filter((chapter) => !/^\S+\n\n\S.*\.\n/.test(chapter))).toEqual([])
})

describe('the schema of configs', () => {
  const schema = JSON.parse(text('docs/config.schema.json'))
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema)
  const config = {
    $schema: './node_modules/dbdoctor/docs/config.schema.json',
    ...configOf('${DATABASE_URL}', '${API_URL}', '${JWT_SECRET}'),
  }

  test('takes a config that has everything in it', () => {
    validate(config)
    expect(validate.errors).toBe(null)
  })

  test.each([
    { databse: {} },
    { database: { url: 7 } },
    { api: { url: 'http://a', timeout: 10 } },
    { api: { url: 'http://a', timeout: '10' } },
    { checks: { 'schema/tables': 'on' } },
    { checks: { 'schema/tables': { severity: 'fatal' } } },
    { checks: { 'server/latency': { options: { pages: '1s' } } } },
  ])('refuses %j, as the config itself does', async (wrong) => {
    expect(validate(wrong)).toBe(false)
    const file = join(await testFolder(), 'dbdoctor.config.json')
    writeFileSync(file, JSON.stringify(wrong))
    expect((await dbdoctor(['check', 'x.db', '-c', file])).exitCode).toBe(2)
  })

  test('is packed, where the configs that are written look for it', () => {
    const { files, name } = JSON.parse(text('package.json'))
    expect(schemaPath).toBe(`./node_modules/${name}/docs/config.schema.json`)
    expect(files).toContain('docs')
    expect(existsSync('docs/config.schema.json')).toBe(true)
  })
})

test('the README shows what the demo prints', async () => {
  const { stdout } = await dbdoctor(['demo'])
  // Times and disks differ, and so do the account that is thrown away and the SQLite that comes with another Node.
  const timeless = (report: string) =>
    report.replace(/(< )?[\d.]+ m?s\b|SQLite [\d.]+|[\d.]+ [kMGT]B left|probe-\w+@/g, '…').replace(/\s+/g, ' ')
  const shown = /```text\n([\s\S]*?)```/.exec(text('README.md'))?.[1] ?? ''
  expect(timeless(shown).trim()).toBe(timeless(stdout).trim())
})

test('the README names every command, option of check, format and exit code', async () => {
  const readme = text('README.md')
  const { stdout: help } = await dbdoctor(['check', '--help'])
  for (const [option] of help.matchAll(/--[a-z-]+/g)) if (option !== '--help') expect(readme).toContain(option)
  for (const name of [...reporterNames, 'list', 'explain', 'demo', 'dbdoctor report', '130', '143'])
    expect(readme).toContain(name)
})
