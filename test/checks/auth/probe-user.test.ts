import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { passwordHash } from '../../../fixtures/demo/people.js'
import type { ConfigInput } from '../../../src/config.js'
import { examineOne, onEachDialect, said, testDatabase } from '../../support/databases.js'

const password = 'Right-Password-42!'
const login = { path: '/login', body: { email: 'ada@example.com', password } }

onEachDialect((dialect) => {
  async function saidOf(
    row: string,
    {
      users = {} as object,
      columns = 'email text, password_hash text, is_active boolean, is_verified boolean',
      password: given = password,
    } = {},
  ) {
    const { target } = await testDatabase(dialect, `create table users (id integer primary key, ${columns}); ${row}`)
    const config: ConfigInput = {
      database: { users },
      auth: { login: { ...login, body: { ...login.body, password: given } } },
    }
    return said(await examineOne('auth/probe-user', target, { config }))
  }
  const insert = (hash: string | null, { email = 'ada@example.com', active = true, verified = true } = {}) =>
    `insert into users (id, email, password_hash, is_active, is_verified) values (1, '${email}', ${hash === null ? 'null' : `'${hash}'`}, ${active}, ${verified});`

  test('a user who is there, active, verified, with the password that is configured, is silent', async () => {
    const hash = await passwordHash({ id: 1, password })
    expect(await saidOf(insert(hash))).toBe('pass')
    expect(await saidOf(insert(hash, { email: 'Ada@Example.com' }))).toBe('pass')
    expect(await saidOf(insert(hash), { users: { active: 'is_active', verified: { column: 'id', equals: 1 } } })).toBe(
      'pass',
    )
  })

  test('a user who is missing, one who is not active, one without a password', async () => {
    const hash = await passwordHash({ id: 1, password })
    expect(await saidOf('')).toEqual(['"users" has no row for the probe user ada@example.com'])
    expect(await saidOf(insert(hash, { active: false, verified: false }))).toEqual([
      'the probe user ada@example.com is not active',
      'the probe user ada@example.com is not verified',
    ])
    expect(await saidOf(insert(null))).toEqual([
      'the probe user ada@example.com has no password hash: it may sign in by other means only',
    ])
  })

  test('a password that differs, one in plain text, and one that is hashed for show', async () => {
    const hash = await passwordHash({ id: 1, password })
    expect(await saidOf(insert(hash), { password: 'Wrong-Password-42!' })).toEqual([
      'the configured password of ada@example.com does not match the stored hash (scrypt)',
    ])
    expect(await saidOf(insert(password))).toEqual(['"users" keeps the password of ada@example.com as plain text'])
    expect(await saidOf(insert(createHash('md5').update(password).digest('hex')))).toEqual([
      'the password of ada@example.com is kept as unsalted MD5, which is guessed within seconds',
    ])
    // Of a scheme that is not known here: not examined, and no fault of the user's.
    expect(await saidOf(insert('$6$rounds=5000$salt$hash'))).toBe('pass')
  })

  test('tables and columns of other names, and of none', async () => {
    const hash = await passwordHash({ id: 1, password })
    const row = `create table "Account Holders" ("E-Mail" text, "select" text, state text); insert into "Account Holders" values ('ada@example.com', '${hash}', 'active');`
    const users = {
      table: 'Account Holders',
      email: 'E-Mail',
      passwordHash: 'select',
      active: { column: 'state', equals: 'active' },
    }
    expect(await saidOf(row, { users })).toBe('pass')
    expect(await saidOf(row, { users: { ...users, active: { column: 'state', equals: 'open' } } })).toEqual([
      'the probe user ada@example.com is not active',
    ])
    expect(await saidOf(row, { users: { ...users, email: 'mail' } })).toEqual([
      'the config looks for users in "Account Holders", which has no "mail"',
    ])
    expect(await saidOf('', { users: { table: 'people' } })).toEqual([
      'the config looks for users in "people", and there is no such table',
    ])
  })
})
