import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, test } from 'vitest'
import { type DiagnoseOptions, diagnose, env, type RunEvent } from '../../bin/index.js'
import { reportOf } from '../support/cli.js'
import { onEachDialect, testDatabase, testFolder } from '../support/databases.js'
import { projectWith } from '../support/recipes.js'

const orphaned = `create table a (id int primary key); create table b (a_id int references a (id));`

onEachDialect((dialect) => {
  test('a program is told what the command line tells', async () => {
    const { target } = await testDatabase(dialect, orphaned)
    // How fast it is differs from run to run.
    const { raw: _, ...told } = await reportOf(['check', target, '--skip', 'connection/latency'])
    const report = await diagnose({ target, skip: ['connection/latency'] })
    const timeless = ({ verdict, exitCode, counts, causes, facts, results }: typeof report) => ({
      ...{ exitCode, counts, facts, verdict, causes: causes.map(({ id }) => id) },
      results: results.map(({ id, status, findings }) => ({ id, status, findings })),
    })
    expect(timeless(report)).toEqual(timeless(told))
    expect(report.exitCode).toBe(0)
  })
})

test('the environment is what was handed over, and nothing else', async () => {
  const { target } = await testDatabase('sqlite', orphaned)
  const config = { database: { url: env('SOME_DATABASE') } }
  const environment = { SOME_DATABASE: target }
  expect((await diagnose({ config, environment, depth: 'quick' })).exitCode).toBe(0)
  await expect(diagnose({ config, depth: 'quick' })).rejects.toMatchObject({ code: 'ERR_ENVIRONMENT_UNSET' })
  expect((await diagnose({ environment: { DATABASE_URL: target }, depth: 'quick' })).target?.dialect).toBe('sqlite')
})

test('a config file brings its plugins, and the baseline beside it; a config alone brings none', async () => {
  const { target } = await testDatabase(
    'sqlite',
    `pragma foreign_keys = off; ${orphaned} insert into b (a_id) values (7);`,
  )
  const folder = await testFolder()
  const config = join(folder, 'dbdoctor.config.json')
  await writeFile(config, JSON.stringify({ database: { url: target } }))
  const found = await diagnose({ config })
  expect(found.exitCode).toBe(1)
  const findings = found.results.flatMap(({ findings: own }) =>
    own.map(({ fingerprint, address, message }) => ({ fingerprint, address, message, rows: 1, reason: 'known' })),
  )
  await writeFile(
    join(folder, 'dbdoctor.baseline.json'),
    JSON.stringify({ kind: 'dbdoctor-baseline', version: 1, findings }),
  )
  expect((await diagnose({ config })).exitCode).toBe(0)
  expect((await diagnose({ config: { database: { url: target } } })).exitCode).toBe(1)
})

test('a signal ends it, and what is known is the report', async () => {
  const { target } = await testDatabase('sqlite', orphaned)
  const calling = new AbortController()
  const onEvent = (event: RunEvent) => {
    if (event.type === 'settled' && event.result.id === 'connection/opens') calling.abort()
  }
  const report = await diagnose({ target, signal: calling.signal, onEvent })
  expect(report).toMatchObject({ complete: false, exitCode: 3, verdict: { status: 'inconclusive' } })
})

describe('what is wrong with the question is a DbdoctorError', () => {
  test.each<[DiagnoseOptions | object, string, RegExp]>([
    [{ target: 'foo' }, 'ERR_TARGET_INVALID', /"foo" is not a target/],
    [{}, 'ERR_USAGE', /nothing to examine/],
    [{ target: 'x.db', depht: 'quick' }, 'ERR_USAGE', /unknown setting "depht" \(did you mean "depth"\?\)/],
    [{ target: 'x.db', deadline: 2_000 }, 'ERR_USAGE', /deadline: write a time with its unit/],
    [{ target: 'x.db', only: ['integrity/foriegn-keys'] }, 'ERR_UNKNOWN_CHECK', /foriegn-keys/],
    [{ config: 'nowhere.json' }, 'ERR_CONFIG_NOT_FOUND', /no config file nowhere\.json/],
    [{ config: { databse: {} } }, 'ERR_CONFIG_INVALID', /did you mean "database"\?/],
    [{ target: 'x.db', plugins: [{ name: '' }] }, 'ERR_PLUGIN_INVALID', /plugins\[0\] is none: name/],
  ])('%j', async (options, code, message) => {
    await expect(diagnose(options)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })
})

test('the package works by itself, leaves no process, no listener and no exit code, and says nothing', async () => {
  const { target } = await testDatabase('sqlite', orphaned)
  const folder = await projectWith([
    [
      'program.js',
      `import { diagnose } from 'dbdoctor'
      const listeners = () => process.eventNames().map((name) => [name, process.listenerCount(name)])
      const before = JSON.stringify(listeners())
      const { verdict } = await diagnose({ target: ${JSON.stringify(target)}, depth: 'quick' })
      const wrong = await diagnose({ target: ${JSON.stringify(target)}, only: ['nope'] }).catch(({ code }) => code)
      const untouched = JSON.stringify(listeners()) === before && process.exitCode === undefined
      process.send({ database: verdict.database, wrong, untouched })
      process.on('message', () => process.exit())`,
    ],
  ])
  const program = execa(process.execPath, [join(folder, 'program.js')], { ipc: true })
  const answer = await program.getOneMessage()
  const { stdout: children } = await execa('ps', ['-o', 'pid=', '--ppid', String(program.pid)], { reject: false })
  expect(answer).toEqual({ database: 'unverified', wrong: 'ERR_UNKNOWN_CHECK', untouched: true })
  expect(children).toBe('')
  await program.sendMessage('bye')
  expect(await program).toMatchObject({ stdout: '', stderr: '' })
})
