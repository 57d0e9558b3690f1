import { defineCheck, findTable, get, nameOf, quoted, sql, verifyPassword } from 'dbdoctor'

interface Evidence {
  readonly table: string
  readonly name: string
}

/** Something that a column says of the user. */
interface Marked {
  readonly name: string
  readonly column: string
  readonly value: string
  /** The config names the column: what it says matters to the application. */
  readonly named?: true
}

/** Many a server lets them in all the same; where it does not, its refusal is an error, and this is why. */
const severityOf = ({ named }: Marked) => (named ? 'warning' : 'info')

type Flag = string | { readonly column: string; readonly equals: string | number | boolean }

export default defineCheck({
  id: 'auth/probe-user',
  title: 'The database knows the probe user',
  severity: 'error',
  after: ['connection/opens'],
  needs: ['users', 'login'],
  docs: {
    why: 'A login fails for a user who is gone, a test password that is wrong, and a server that is broken; only the database tells them apart, even while the server is down.',
    fix: 'Create or activate the probe user, or correct its password in the config; hash passwords with argon2id, bcrypt or scrypt.',
  },
  messages: {
    'no-such-column': ({ table, columns }: { table: string; columns: readonly string[] }) =>
      columns.length > 0
        ? `the config looks for users in ${quoted(table)}, which has no ${columns.map(quoted).join(', ')}`
        : `the config looks for users in ${quoted(table)}, and there is no such table`,
    unreadable: ({ table, text }: { table: string; text: string; code: string }) =>
      `${quoted(table)} cannot be read: ${text}`,
    'user-missing': {
      say: ({ table, name }: Evidence) => `${quoted(table)} has no row for the probe user ${name}`,
      repair: () => [{ kind: 'service', service: 'probe-user', missing: true }],
    },
    'several-users': {
      severity: 'warning',
      say: ({ table, name }: Evidence) => `${quoted(table)} has more than one row for the probe user ${name}`,
    },
    inactive: ({ name, column, value, expected }: Marked & { expected?: string }) =>
      `the probe user ${name} is there, and ${column} is ${value}${expected === undefined ? '' : `, ${expected} expected`}`,
    unverified: {
      severity: severityOf,
      say: ({ name, column, value }: Marked) => `the probe user ${name} is not verified: ${column} is ${value}`,
    },
    'password-change-due': {
      severity: severityOf,
      say: ({ name, column, value }: Marked) =>
        `the probe user ${name} has to change the password: ${column} is ${value}`,
    },
    'failed-attempts': {
      severity: 'info',
      say: ({ name, column, value }: Marked) => `the probe user ${name} has failed to sign in: ${column} is ${value}`,
    },
    'no-password': ({ name }: Evidence) =>
      `the probe user ${name} has no password hash: it may sign in by other means only`,
    'plain-text': ({ table, name }: Evidence) => `${quoted(table)} keeps the password of ${name} as plain text`,
    'weak-hash': ({ name, scheme }: Evidence & { scheme: string }) =>
      `the password of ${name} is kept as ${scheme}, which is guessed within seconds`,
    'password-differs': {
      say: ({ name, scheme }: Evidence & { scheme: string }) =>
        `the configured password of ${name} does not match the stored hash (${scheme})`,
      repair: () => [{ kind: 'service', service: 'probe-user' }],
    },
  },
  async run({ db, user, given: { users, login }, report, coverage, saw, probe, skip }) {
    const name = String(get(login.body, login.fields.user))
    const password = String(get(login.body, login.fields.password))
    const catalog = await db.catalog()
    if (catalog.outcome === 'failed') return skip(catalog.reason ?? 'unavailable', catalog.text)
    const schema = users.schema ?? catalog.value.defaultSchema
    const table = findTable(catalog.value, { schema, name: users.table })
    if (!table) return report('no-such-column', { table: users.table, columns: [] })
    const printed = nameOf(table, catalog.value)
    const known = table.columns.map((column) => column.name)
    const { passwordHash: hash } = users
    const own = typeof hash === 'string' ? [hash] : hash === false ? [] : [hash.key]
    const flags = [users.active, users.verified].flatMap((flag) => (flag === undefined ? [] : [columnOf(flag)]))
    const wanted = [users.email, ...own, ...flags]
    const unknown = wanted.filter((column) => !known.includes(column))
    if (unknown.length > 0) return report('no-such-column', { table: printed, columns: unknown })
    const telling = known.filter((column) => signs.some(({ columns }) => columns.test(folded(column))))
    const countsFailures = known.some((column) => failureCounters.test(folded(column)))
    user.learn({ matches: null, countsFailures })

    probe(name)
    const columns = [...new Set([...wanted, ...telling])]
    const answer = await db.read(async (kysely) => {
      const rows = kysely.withSchema(table.schema).selectFrom(table.name).select(columns).limit(2)
      const exact = await rows.where(users.email, '=', name).execute()
      // Applications fold addresses; the database may not.
      const found =
        exact.length > 0
          ? exact
          : await rows.where(sql`lower(${sql.ref(users.email)})`, '=', name.toLowerCase()).execute()
      const [row] = found
      if (typeof hash !== 'object' || !row) return { found, stored: typeof hash === 'string' ? row?.[hash] : undefined }
      const hashes = await kysely
        .withSchema(hash.schema ?? table.schema)
        .selectFrom(hash.table)
        .select(hash.column)
        .where(hash.user, '=', row[hash.key])
        .execute()
      return { found, stored: hashes.map((one) => one[hash.column]).find((one) => typeof one === 'string') }
    })
    if (answer.outcome === 'failed') {
      const { reason, text, code } = answer
      return reason ? skip(reason, text) : report('unreadable', { table: printed, text, code })
    }
    const evidence = { table: printed, name }
    const { found, stored } = answer.value
    const [row, other] = found as Record<string, unknown>[]
    if (!row) return report('user-missing', evidence)
    if (other) report('several-users', evidence)
    for (const [flag, code] of [
      [users.active, 'inactive'],
      [users.verified, 'unverified'],
    ] as const) {
      if (flag === undefined || holds(row, flag)) continue
      const expected = typeof flag === 'object' ? shown(flag.equals) : undefined
      const column = columnOf(flag)
      report(code, { name, column, value: shown(row[column]), named: true, ...(expected && { expected }) })
    }
    for (const column of telling.filter((one) => !flags.includes(one))) {
      const code = saidBy(column, row[column])
      if (code) report(code, { name, column, value: shown(row[column]) })
    }

    if (hash === false) return saw('the user is there; no hash is looked at')
    if (typeof stored !== 'string' || stored === '') return report('no-password', evidence)
    const seen = coverage('password hash')
    const held = await verifyPassword(password, stored)
    if (held.outcome === 'unknown') return seen.missing(name, 'unavailable', held.text, true)
    seen.examined()
    user.learn({ matches: held.outcome === 'matches', countsFailures })
    if (held.outcome === 'plain-text') return report('plain-text', evidence)
    const { scheme } = held
    if (!held.sound) report('weak-hash', { ...evidence, scheme })
    if (held.outcome === 'differs') return report('password-differs', { ...evidence, scheme })
    saw(`${scheme}, password matches`)
  },
})

type Sign = 'inactive' | 'unverified' | 'password-change-due' | 'failed-attempts'

/** What applications call the columns that keep a user from signing in, without case and underscores, and what they say then. */
const signs: readonly { readonly columns: RegExp; readonly says: Sign; readonly when: (value: unknown) => boolean }[] =
  [
    {
      columns: /^(account|user)?(status|state)$/,
      says: 'inactive',
      when: (value) =>
        typeof value === 'string' &&
        /^(suspend|block|bann|disabl|inactiv|lock|delet|archiv|deactiv|clos|terminat|expir|reject|invit|draft|pending|unverif|unconfirm)/i.test(
          value,
        ),
    },
    { columns: /^(is)?(active|activated|enabled)$/, says: 'inactive', when: isFalse },
    {
      columns: /^(is|account)?(disabled|blocked|banned|suspended|locked|deactivated|archived|deleted|inactive)$/,
      says: 'inactive',
      when: isTrue,
    },
    {
      columns: /^(disabled|blocked|banned|suspended|locked|deactivated|archived|deleted)(at|on|date)$/,
      says: 'inactive',
      when: (value) => value !== null,
    },
    {
      columns:
        /^((locked|lock|lockout|blocked|banned|suspended)(until|end|enddate|expires|expiresat|endsat)|banexpires)$/,
      says: 'inactive',
      when: (value) => momentOf(value) > Date.now(),
    },
    {
      columns: /^(is)?(email)?(verified|confirmed)$/,
      says: 'unverified',
      when: isFalse,
    },
    { columns: /^(email)?(verified|confirmed)at$/, says: 'unverified', when: (value) => value === null },
    {
      columns:
        /^(must|force|forced|needs?)(change)?password(change|reset)?$|^password(change|reset)(required|due)$|^passwordexpired$/,
      says: 'password-change-due',
      when: isTrue,
    },
    {
      columns: /(attempts|failedcount|failurecount|failures)$/,
      says: 'failed-attempts',
      when: (value) => Number(value) > 0,
    },
  ]

/** Columns by which an application locks accounts: a wrong password is not tried then, unless the config asks for it. */
const failureCounters =
  /(attempts|failedcount|failurecount|failures|badpasswordcount)$|^(failed|bad|wrong)(login|signin|password|access)|^lock(ed)?(out)?(until|at|end)/

function saidBy(column: string, value: unknown): Sign | null {
  return signs.find(({ columns, when }) => columns.test(folded(column)) && when(value))?.says ?? null
}

function folded(column: string): string {
  return column.replaceAll('_', '').toLowerCase()
}

function isFalse(value: unknown): boolean {
  return value !== null && !isTrue(value)
}

function isTrue(value: unknown): boolean {
  return Boolean(value) && !['0', 'f', 'false', 'no', 'n'].includes(String(value).toLowerCase())
}

/** Milliseconds since 1970 of a moment in any form that databases keep; in the past where it is none. */
function momentOf(value: unknown): number {
  if (value instanceof Date) return value.getTime()
  if (typeof value === 'number') return value < 1e11 ? value * 1000 : value
  const parsed =
    typeof value === 'string' ? Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(value) ? value : `${value}Z`) : Number.NaN
  return Number.isNaN(parsed) ? 0 : parsed
}

/** A value of such a column as it is printed: short. */
function shown(value: unknown): string {
  const text = value instanceof Date ? value.toISOString() : String(value)
  return typeof value === 'string' ? `'${text.slice(0, 40)}'` : text.slice(0, 40)
}

function columnOf(flag: Flag): string {
  return typeof flag === 'string' ? flag : flag.column
}

/** Whether a flag is set: true, 1, a date; or the value that the config names. */
function holds(row: Record<string, unknown>, flag: Flag): boolean {
  const value = row[columnOf(flag)]
  return typeof flag === 'object' ? String(value) === String(flag.equals) : isTrue(value)
}
