import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { passwordHash } from '../../../fixtures/demo/people.js'
import type { ConfigInput } from '../../../src/config/config.js'
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
  const no = dialect === 'sqlite' ? '0' : 'false'
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
      `the probe user ada@example.com is there, and is_active is ${no}`,
      `the probe user ada@example.com is not verified: is_verified is ${no}`,
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
      "the probe user ada@example.com is there, and state is 'active', 'open' expected",
    ])
    expect(await saidOf(row, { users: { ...users, email: 'mail' } })).toEqual([
      'the config looks for users in "Account Holders", which has no "mail"',
    ])
    expect(await saidOf('', { users: { table: 'people' } })).toEqual([
      'the config looks for users in "people", and there is no such table',
    ])
  })

  const past = `'2020-01-01 00:00:00'`
  const future = `'2999-01-01 00:00:00'`
  const yes = dialect === 'sqlite' ? '1' : 'true'

  test.each([
    ['status text', `'suspended'`, `is there, and status is 'suspended'`],
    ['state text', `'active'`, null],
    ['blocked boolean', 'true', `is there, and blocked is ${yes}`],
    ['blocked boolean', 'false', null],
    ['"isBanned" boolean', 'true', `is there, and isBanned is ${yes}`],
    ['enabled boolean', 'false', `is there, and enabled is ${no}`],
    ['locked_until timestamp', future, 'is there, and locked_until is'],
    ['locked_until timestamp', past, null],
    ['locked_until timestamp', 'null', null],
    ['deleted_at timestamp', past, 'is there, and deleted_at is'],
    ['deleted_at timestamp', 'null', null],
    ['email_verified_at timestamp', 'null', 'is not verified: email_verified_at is null'],
    ['email_verified_at timestamp', past, null],
    ['must_change_password boolean', 'true', `has to change the password: must_change_password is ${yes}`],
    ['failed_attempts integer', '5', 'has failed to sign in: failed_attempts is 5'],
    ['failed_attempts integer', '0', null],
    // What only looks like a sign: when somebody confirmed something else, and how often they came.
    ['sign_in_count integer', '7', null],
    ['marital_status text', `'closed'`, null],
  ])('a column %s of %s', async (column, value, sentence) => {
    const hash = await passwordHash({ id: 1, password })
    const columns = `email text, password_hash text, ${column}`
    const text = await saidOf(`insert into users values (1, 'ada@example.com', '${hash}', ${value});`, { columns })
    if (sentence === null) expect(text).toBe('pass')
    else expect(text).toEqual([expect.stringContaining(`the probe user ada@example.com ${sentence}`)])
  })

  test('a hash in another table, and a user whose hash is not looked at', async () => {
    const hash = await passwordHash({ id: 1, password })
    const rows = `create table account (id integer, user_id integer, password text);
      insert into account values (1, 1, null), (2, 1, '${hash}'); insert into users values (1, 'ada@example.com');`
    const columns = 'email text'
    const elsewhere = { passwordHash: { table: 'account', column: 'password', user: 'user_id' } }
    expect(await saidOf(rows, { columns, users: elsewhere })).toBe('pass')
    expect(await saidOf(rows, { columns, users: elsewhere, password: 'Wrong-42!' })).toEqual([
      'the configured password of ada@example.com does not match the stored hash (scrypt)',
    ])
    expect(await saidOf(rows, { columns, users: { passwordHash: false } })).toBe('pass')
  })
})
