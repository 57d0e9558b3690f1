import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import type { Examination } from '../../src/report/report.js'
import { examine, onEachDialect, postgresVersion, testDatabase, testFolder } from '../support/databases.js'
import { zooOf } from './zoo.js'

const alarms = ({ results }: Examination) =>
  results.flatMap(({ findings }) =>
    findings.filter(({ severity }) => severity !== 'info').map(({ address, message }) => `${address}: ${message}`),
  )
const unknowns = ({ results }: Examination) =>
  results.flatMap(({ id, skip, coverage, error }) => [
    ...(error ? [`${id}: ${error.message}`] : []),
    ...(skip?.reason === 'blocked' ? [`${id}: ${skip.detail}`] : []),
    ...(coverage?.missing ?? []).map(({ object, detail }) => `${id}: ${object}: ${detail}`),
  ])

onEachDialect((dialect) => {
  test.each(['quick', 'standard', 'deep'] as const)('nothing odd and healthy raises an alarm (%s)', async (depth) => {
    const { target, execute } = await testDatabase(dialect, zooOf(dialect))
    const version = dialect === 'postgres' ? await postgresVersion() : null
    if (version !== null && version >= 18) await execute(zooOf('postgres-18'))
    const report = await examine(target, { depth })
    expect(alarms(report)).toEqual([])
    expect(unknowns(report)).toEqual(
      version !== null && version < 15
        ? ['storage/collations: the default collation: this server records no version of it']
        : [],
    )
    expect(report.verdict).toMatchObject({
      status: 'healthy',
      database: depth === 'quick' ? 'unverified' : 'intact',
      headline: expect.stringMatching(
        depth === 'quick' ? /^No sign of a database crash: / : /^No database crash: .*, 0 orphaned rows/,
      ),
    })
    expect(report.causes.map(({ id }) => id)).toEqual(['all-well'])
  })
})

test('whatever a role has set, a PostgreSQL database is the same to it', async () => {
  const { target } = await testDatabase('postgres', zooOf('postgres'))
  const odd = {
    ...{ standard_conforming_strings: 'off', backslash_quote: 'off', quote_all_identifiers: 'on', array_nulls: 'off' },
    ...{ DateStyle: 'SQL,DMY', IntervalStyle: 'sql_standard', TimeZone: 'Asia/Kathmandu', extra_float_digits: '-15' },
    ...{ transform_null_equals: 'on', bytea_output: 'escape', xmloption: 'document', client_min_messages: 'debug1' },
    ...{ default_transaction_isolation: 'serializable', default_transaction_deferrable: 'on', search_path: 'pg_temp' },
    ...{ work_mem: '64kB', temp_file_limit: '0', enable_seqscan: 'off', enable_hashjoin: 'off' },
    ...{ statement_timeout: '2s', lock_timeout: '1ms', idle_in_transaction_session_timeout: '1s', row_security: 'off' },
  }
  const options = Object.entries(odd).map(([name, value]) => `-c ${name}=${value}`)
  const told = async (settings: string) => {
    const url = new URL(target)
    url.searchParams.set('options', settings)
    const report = await examine(url.href, { depth: 'deep' })
    const findings = report.results.flatMap((result) => result.findings)
    return [...unknowns(report), ...findings.map(({ address, message }) => `${address}: ${message}`)]
  }
  const usual = await told('')
  expect(usual.length).toBeGreaterThan(10)
  expect(await told(options.join(' '))).toEqual(usual)
})

describe('a healthy file of any kind', () => {
  test.each([
    ['encoding', 'UTF-16le'],
    ['encoding', 'UTF-16be'],
    ['page_size', 512],
    ['page_size', 65_536],
    ['auto_vacuum', 1],
    ['auto_vacuum', 2],
    ['journal_mode', 'wal'],
    ['journal_mode', 'persist'],
    ['journal_mode', 'truncate'],
  ])('%s %s', async (setting, value) => {
    const file = join(await testFolder(), 'kind.db')
    const database = new BetterSqlite(file)
    database.pragma(`${setting} = '${value}'`)
    database.exec(zooOf('sqlite'))
    expect(database.pragma(setting, { simple: true })).toBe(value)
    database.close()
    const report = await examine(file, { depth: 'deep' })
    expect(alarms(report)).toEqual([])
    expect(unknowns(report)).toEqual([])
  })
})

test('a role that may read a part raises no alarm either, and is told what it does not see', async () => {
  const { target, execute } = await testDatabase('postgres', zooOf('postgres'))
  await execute(`create role visitor login password 'visitor'; grant usage on schema billing to visitor;
    grant select on all tables in schema public, billing to visitor; revoke select on film from visitor; grant select (film_id) on film to visitor`)
  const url = new URL(target)
  Object.assign(url, { username: 'visitor', password: 'visitor' })
  try {
    const report = await examine(url.href)
    expect(alarms(report)).toEqual([])
    expect(report.verdict).toMatchObject({ status: 'inconclusive', database: 'unverified' })
    const missing = report.results.flatMap(({ coverage }) => coverage?.missing ?? [])
    for (const object of ['documents', /^Odd Schema/])
      expect(missing).toContainEqual(
        expect.objectContaining({ object: expect.stringMatching(object), reason: 'no-permission' }),
      )
  } finally {
    await execute('drop owned by visitor; drop role visitor')
  }
})
