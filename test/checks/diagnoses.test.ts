import { describe, expect, test } from 'vitest'
import builtIn from '../../checks/index.js'
import { causesOf } from '../../src/report/causes.js'
import type { Finding, Result } from '../../src/report/report.js'
import { findingWith, resultWith } from '../support/reports.js'

const pass = (id: string) => resultWith({ id, status: 'pass' })
const fail = (id: string, code: string, severity: 'error' | 'warning' = 'error') =>
  resultWith({
    id,
    status: severity === 'error' ? 'fail' : 'warn',
    findings: [findingWith({ address: `${id}#${code}`, severity, message: `it is ${code}` })],
  })
const blocked = (id: string) =>
  resultWith({ id, status: 'skip', skip: { reason: 'blocked', detail: 'by connection/opens' } })
const crash = (id: string) => resultWith({ id, status: 'crash', error: { name: 'Error', message: 'oops' } })

const short = {
  'integrity.orphanedRows': 3,
  'schema.indexes': 10,
  'schema.indexes.plain': 0,
  'schema.indexes.expected': 77,
}
const causes = (...results: Result[]) => causesOf(builtIn.diagnoses ?? [], results, short)
const ids = (...results: Result[]) => causes(...results).map(({ id }) => id)
const sound = [pass('connection/opens'), pass('schema/tables'), pass('integrity/foreign-keys')]

test('what a cause claims is what was answered', () => {
  expect(causes(...sound)).toEqual([
    {
      id: 'all-well',
      headline: '',
      because: ['connection: 1 of 1 check passed', 'schema: 1 of 1 check passed', 'integrity: 1 of 1 check passed'],
      next: [],
    },
  ])
})

describe('each fits, and stays silent without its facts', () => {
  test.each<[string, Result[], Result[][]]>([
    ['all-well', sound, [sound.slice(1), [...sound, crash('integrity/x')], [...sound, fail('schema/x', 'y')]]],
    [
      'database-unreachable',
      [fail('connection/opens', 'other'), blocked('schema/tables')],
      [sound, [crash('connection/opens')], [fail('connection/latency', 'slow', 'warning')]],
    ],
    [
      'database-crashed-and-recovered',
      [...sound, fail('connection/restarts', 'crashed', 'warning')],
      [sound, [...sound, fail('connection/restarts', 'statistics-lost', 'warning')]],
    ],
    [
      'restore-incomplete',
      [fail('schema/indexes', 'count-differs'), fail('integrity/row-counts', 'too-few')],
      [[fail('schema/indexes', 'count-differs')], [pass('schema/indexes'), fail('integrity/row-counts', 'too-few')]],
    ],
    [
      'wrong-test-credentials',
      [fail('auth/login', 'refused')],
      [
        [fail('auth/login', 'refused'), fail('connection/opens', 'refused')],
        [fail('auth/login', 'refused'), pass('auth/probe-user')],
        [fail('auth/login', 'refused'), fail('auth/probe-user', 'user-missing')],
      ],
    ],
    [
      'login-refuses-right-password',
      [fail('auth/login', 'refused'), pass('auth/probe-user')],
      [[fail('auth/login', 'refused')], [pass('auth/probe-user'), pass('auth/login')]],
    ],
    [
      'api-up-but-not-its-database',
      [pass('connection/opens'), fail('server/endpoints', 'database-down')],
      [[pass('connection/opens'), fail('server/endpoints', 'erroring')]],
    ],
    [
      'schema-incomplete',
      [pass('connection/opens'), fail('schema/tables', 'missing')],
      [sound, [fail('schema/tables', 'unexpected', 'warning')]],
    ],
    [
      'rows-orphaned',
      [fail('integrity/foreign-keys', 'dangling')],
      [sound, [fail('integrity/foreign-keys', 'mismatch')]],
    ],
    ['rows-orphaned', [fail('integrity/orphaned-rows', 'orphaned', 'warning')], [sound]],
    [
      'data-damaged',
      [fail('integrity/foreign-keys', 'mismatch')],
      [sound, [fail('integrity/foreign-keys', 'dangling')]],
    ],
    [
      'inconclusive',
      [...sound, crash('integrity/x')],
      [sound, [fail('connection/opens', 'refused'), blocked('schema/tables')]],
    ],
  ])('%s', (id, fitting, others) => {
    expect(ids(...fitting)).toContain(id)
    for (const other of others) expect(ids(...other)).not.toContain(id)
  })
})

test.each([
  ['database-not-running', 'connection/opens', ['refused', 'no-socket', 'stale-socket']],
  ['database-file-missing', 'connection/opens', ['missing']],
  ['database-starting', 'connection/opens', ['starting']],
  ['database-stopping', 'connection/opens', ['shutting-down']],
  ['database-in-recovery', 'connection/opens', ['recovering', 'not-consistent']],
  ['too-many-connections', 'connection/opens', ['too-many-connections', 'pooler-full']],
  ['wrong-database-password', 'connection/opens', ['password-rejected', 'no-password']],
  ['wrong-database-name', 'connection/opens', ['no-such-database']],
  ['database-access-denied', 'connection/opens', ['not-admitted', 'no-login', 'denied', 'database-closed', 'tls']],
  ['not-a-database', 'connection/opens', ['not-a-database', 'not-a-file', 'empty', 'encrypted']],
  ['database-locked', 'connection/opens', ['locked']],
  ['database-hanging', 'connection/opens', ['silent', 'mute']],
  ['pooler-without-server', 'connection/opens', ['behind-pooler']],
  ['wrong-service-on-port', 'connection/opens', ['wrong-service']],
  ['file-corrupt', 'connection/opens', ['truncated', 'damaged']],
  ['statistics-lost', 'connection/restarts', ['statistics-lost', 'stopped-immediately']],
  ['writer-interrupted', 'connection/restarts', ['hot-journal', 'wal-left-behind']],
  ['index-corrupt', 'integrity/foreign-keys', ['index-disagrees']],
  ['migration-half-applied', 'schema/migrations', ['failed', 'dirty', 'half-applied']],
  ['application-fault', 'server/endpoints', ['status-differs']],
  ['api-server-erroring', 'server/reachable', ['erroring']],
  ['sequence-behind', 'integrity/sequences', ['behind', 'repeats']],
  ['extension-missing', 'schema/extensions', ['library-gone']],
  ['full-text-outdated', 'integrity/full-text', ['rows-gone', 'content-gone']],
  ['sequence-exhausted', 'integrity/sequences', ['exhausted', 'rowids-exhausted']],
  ['writes-refused', 'integrity/writes', ['read-only', 'insert-refused', 'not-found', 'delete-refused']],
])('%s is the one cause of what %s says', (id, check, codes) => {
  for (const code of codes) {
    expect(ids(fail(check, code), blocked('integrity/x'))).toEqual([id])
    expect(ids(pass(check), blocked('integrity/x'))).not.toContain(id)
  }
})

test.each([
  ['database-slow', 'connection/latency', ['slow-connect', 'slow-query']],
  ['limit-near', 'connection/capacity', ['disk-low', 'connections-low']],
  ['limit-near', 'storage/wraparound', ['old']],
  ['damage-hidden', 'storage/checksums', ['damage-hidden']],
  ['trigger-outdated', 'schema/triggers', ['names-gone']],
  ['not-enforced', 'integrity/enforcement', ['key-disabled', 'key-not-validated', 'replica-role']],
  ['transaction-left-open', 'activity/locks', ['idle-in-transaction', 'long-query']],
  ['migration-locked', 'schema/migrations', ['locked']],
  ['not-vacuumed', 'activity/vacuum', ['not-analyzed', 'dead-rows', 'off']],
  ['archiving-failed', 'activity/archiving', ['failing', 'behind', 'switched-off']],
  ['replication-stuck', 'activity/replication', ['slot-forgotten', 'slot-lost', 'standby-behind', 'not-receiving']],
])('%s is the one cause of the warning that %s gives', (id, check, codes) => {
  for (const code of codes) {
    expect(ids(...sound, fail(check, code, 'warning'))).toEqual([id])
    expect(ids(...sound, pass(check))).toEqual(['all-well'])
  }
})

test('what a damaged table or index makes unreadable is no cause of its own', () => {
  const about = (id: string, code: string, evidence: Finding['evidence']) =>
    resultWith({
      id,
      status: 'fail',
      findings: [findingWith({ address: `${id}#${code}`, severity: 'error', evidence })],
    })
  const page = about('storage/pages', 'page-damaged', { table: 'users' })
  const child = about('integrity/foreign-keys', 'dangling', { table: 'posts', parent: 'users' })
  expect(ids(page, about('integrity/constraints', 'unreadable', { table: 'users' }), child)).toEqual(['file-corrupt'])
  expect(ids(page, about('integrity/foreign-keys', 'dangling', { table: 'posts', parent: 'tags' }))).toEqual([
    'file-corrupt',
    'rows-orphaned',
  ])
  // Its indexes, and its values, are of the rows that are left.
  const both = resultWith({
    id: 'storage/pages',
    status: 'fail',
    findings: ['page-damaged', 'index-damaged'].map((code) =>
      findingWith({ address: `storage/pages#${code}`, severity: 'error', evidence: { table: 'users' } }),
    ),
  })
  expect(ids(both, about('integrity/constraints', 'duplicated', { table: 'users' }))).toEqual(['file-corrupt'])
  expect(ids(both, about('integrity/constraints', 'duplicated', { table: 'posts' }))).toEqual([
    'file-corrupt',
    'data-damaged',
  ])
  // What names no table is not of this one.
  const file = about('connection/opens', 'damaged', {})
  expect(ids(file, about('integrity/assertions', 'rows-differ', {}))).toEqual(['file-corrupt', 'data-damaged'])
  const index = about('storage/pages', 'index-damaged', { table: 'users' })
  expect(ids(index, about('schema/tables', 'unreadable', { table: 'users' }))).toEqual(['index-corrupt'])
  expect(ids(index, about('schema/tables', 'unreadable', { table: 'posts' }))).toEqual([
    'index-corrupt',
    'file-corrupt',
  ])
  // What is compared with the table fails in the same words.
  const text = 'could not open file "base/1/2"'
  const gone = about('storage/pages', 'index-damaged', { table: 'users', text })
  expect(ids(gone, about('integrity/foreign-keys', 'unreadable', { table: 'posts', text }))).toEqual(['index-corrupt'])
  const empty = about('integrity/orphaned-rows', 'parent-empty', { table: 'posts', parent: 'users' })
  expect(ids(page, empty)).toEqual(['file-corrupt'])
})

test('what a server does without its database follows from that', () => {
  const erring = [fail('server/endpoints', 'erroring'), fail('auth/login', 'erroring')]
  for (const code of ['refused', 'missing', 'starting', 'too-many-connections', 'no-such-database', 'locked', 'other'])
    expect(causes(fail('connection/opens', code), ...erring)).toEqual([
      expect.objectContaining({ explains: ['server/endpoints#erroring', 'auth/login#erroring'] }),
    ])
  // Many a server lets nobody in when it finds no user; where only our own password is wrong, it says something of its own.
  expect(ids(fail('connection/opens', 'refused'), fail('auth/login', 'refused'))).toEqual(['database-not-running'])
  expect(ids(fail('connection/opens', 'password-rejected'), fail('auth/login', 'refused'))).toEqual([
    'wrong-database-password',
    'application-fault',
  ])
  // That a server is silent follows from a database that is, and not from one that refuses at once.
  const silent = fail('server/reachable', 'silent')
  expect(ids(fail('connection/opens', 'mute'), silent)).toEqual(['database-hanging'])
  expect(ids(fail('connection/opens', 'refused'), silent)).toEqual(['database-not-running', 'api-server-hanging'])
  expect(ids(fail('connection/opens', 'refused'), fail('server/reachable', 'refused'))).toEqual([
    'database-not-running',
    'api-server-not-running',
  ])
  expect(causes(fail('connection/opens', 'refused'))[0]).not.toHaveProperty('explains')
})

test('a request that is not answered in time is a server that hangs, whichever it is', () => {
  const login = (code: string) =>
    resultWith({
      id: 'auth/login',
      status: 'fail',
      findings: [findingWith({ address: 'auth/login#unanswered', severity: 'error', evidence: { code } })],
    })
  expect(ids(...sound, login('ETIMEDOUT'))).toEqual(['api-server-hanging'])
  expect(ids(...sound, login('ECONNRESET'))).toEqual(['application-fault'])
})

test('what the database says of the probe user explains a server that lets nobody in, where that is not about the password', () => {
  const said = (severity: 'warning' | 'info') =>
    resultWith({
      id: 'auth/probe-user',
      status: 'pass',
      findings: [findingWith({ address: 'auth/probe-user#unverified', severity, message: 'ada is not verified' })],
    })
  for (const severity of ['warning', 'info'] as const) {
    const denied = causes(said(severity), fail('auth/login', 'denied'))
    expect(denied).toMatchObject([{ id: 'probe-user-inactive', headline: 'Ada is not verified.' }])
    expect(ids(said(severity), fail('auth/login', 'refused'))).not.toContain('probe-user-inactive')
  }
  expect(ids(...sound, said('info'), pass('auth/login'))).toEqual(['all-well'])
})

test('what is unknown is a cause where nothing is broken', () => {
  expect(ids(...sound, crash('integrity/x'))).toEqual(['inconclusive'])
  expect(ids(...sound, crash('integrity/x'), fail('server/reachable', 'refused'))).toEqual(['api-server-not-running'])
  expect(ids(...sound, crash('server/x'))).not.toContain('all-well')
})

test('what holds below a fault is a part of the evidence', () => {
  expect(causes(...sound, fail('server/reachable', 'refused'))[0]?.because).toEqual([
    'connection: 1 of 1 check passed',
    'schema: 1 of 1 check passed',
    'integrity: 1 of 1 check passed',
    'server/reachable: it is refused',
  ])
})

test('a warning comes after errors, unless it explains them', () => {
  const down = fail('server/reachable', 'refused')
  expect(ids(fail('connection/restarts', 'statistics-lost', 'warning'), down)).toEqual([
    'api-server-not-running',
    'statistics-lost',
  ])
  expect(ids(fail('connection/restarts', 'crashed', 'warning'), down)).toEqual([
    'database-crashed-and-recovered',
    'api-server-not-running',
  ])
})

test('what is slow may be so because of anything else: it is named last', () => {
  const slow = fail('connection/latency', 'slow-connect', 'warning')
  expect(ids(...sound, slow, fail('activity/locks', 'blocking', 'warning'))).toEqual([
    'blocked-by-a-lock',
    'database-slow',
  ])
  expect(ids(...sound, slow, crash('integrity/x'))).toEqual(['inconclusive', 'database-slow'])
  expect(ids(...sound, slow, fail('server/reachable', 'refused'))).toEqual(['api-server-not-running', 'database-slow'])
})

test('the lowest layer that fails is the root cause', () => {
  expect(ids(fail('connection/opens', 'refused'), blocked('schema/tables'))).toEqual(['database-not-running'])
  expect(
    ids(pass('connection/opens'), fail('schema/indexes', 'invalid'), fail('integrity/foreign-keys', 'dangling')),
  ).toEqual(['index-invalid', 'rows-orphaned'])
})

test('a headline names what was found', () => {
  const orphans = (table: string, parent: string, rows: number, more = {}) =>
    resultWith({
      id: 'integrity/foreign-keys',
      status: 'fail',
      findings: [
        findingWith({
          address: 'integrity/foreign-keys#dangling',
          evidence: { table, parent, rows, ...more },
        }),
      ],
    })
  const headline = (...results: Result[]) => causes(...results)[0]?.headline
  expect(headline(orphans('orders', 'customers', 1))).toBe(
    '1 row of orders points at a row of customers that does not exist.',
  )
  expect(
    headline(orphans('inventory', 'film', 15), orphans('film_actor', 'film', 17), orphans('film_category', 'film', 3)),
  ).toBe('35 rows of film_actor (17), inventory (15) and film_category (3) point at rows of film that do not exist.')
  expect(headline(orphans('a', 'p', 2), orphans('b', 'q', 3, { inferred: true }))).toBe(
    '2 rows of a point at rows of p that do not exist; 3 rows of b point at rows of q that do not exist (inferred).',
  )
  const missing = (...tables: string[]) =>
    resultWith({
      id: 'schema/tables',
      status: 'fail',
      findings: tables.map((table) => findingWith({ address: 'schema/tables#missing', evidence: { table } })),
    })
  expect(headline(missing('a', 'b', 'c', 'd', 'e'))).toMatch(/: tables "a", "b", "c" and 2 more are missing\.$/)
  expect(headline(missing('a'))).toMatch(/: table "a" is missing\.$/)
  const advice = (evidence: Finding['evidence']) =>
    causes(
      resultWith({
        id: 'integrity/foreign-keys',
        status: 'fail',
        findings: [findingWith({ address: 'integrity/foreign-keys#dangling', severity: 'error', evidence })],
      }),
    )[0]?.next.at(-1)
  const orphan = { table: 'orders', parent: 'customers', rows: 1 }
  expect([advice({ ...orphan, none: '0' }), advice(orphan)]).toEqual([
    'Write NULL where there is no parent: in the rows that are there, and in the application.',
    'Restore the missing parents, or move the orphaned rows aside.',
  ])
  const numbers = (code: string) => headline(fail('integrity/sequences', code))
  expect([numbers('behind'), numbers('repeats')]).toEqual([
    'The rows are there, and new ones are refused: it is behind.',
    'The rows are there, and new ones get numbers that are taken: it is repeats.',
  ])
  expect(causes(fail('connection/opens', 'refused'))[0]?.headline).toBe(
    'The database could not be opened: it is refused.',
  )
})
