import { defineCheck, findTable, get, nameOf, quoted, sql, verifyPassword } from 'dbdoctor'

interface Evidence {
  readonly table: string
  readonly name: string
}

type Flag = string | { readonly column: string; readonly equals: string | number | boolean }

export default defineCheck({
  id: 'auth/probe-user',
  title: 'The database knows the probe user',
  severity: 'error',
  after: [
    'connection/opens',
    // What a hash costs would be seen in the latencies.
    { id: 'server/latency', blocks: false },
  ],
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
    'user-missing': ({ table, name }: Evidence) => `${quoted(table)} has no row for the probe user ${name}`,
    'several-users': {
      severity: 'warning',
      say: ({ table, name }: Evidence) => `${quoted(table)} has more than one row for the probe user ${name}`,
    },
    inactive: ({ name }: Evidence) => `the probe user ${name} is not active`,
    unverified: { severity: 'warning', say: ({ name }: Evidence) => `the probe user ${name} is not verified` },
    'no-password': ({ name }: Evidence) =>
      `the probe user ${name} has no password hash: it may sign in by other means only`,
    'plain-text': ({ table, name }: Evidence) => `${quoted(table)} keeps the password of ${name} as plain text`,
    'weak-hash': ({ name, scheme }: Evidence & { scheme: string }) =>
      `the password of ${name} is kept as ${scheme}, which is guessed within seconds`,
    'password-differs': ({ name, scheme }: Evidence & { scheme: string }) =>
      `the configured password of ${name} does not match the stored hash (${scheme})`,
  },
  async run({ db, given: { users, login }, report, coverage, saw, probe, skip }) {
    const name = String(get(login.body, login.fields.user))
    const password = String(get(login.body, login.fields.password))
    const catalog = await db.catalog()
    if (catalog.outcome === 'failed') return skip(catalog.reason ?? 'unavailable', catalog.text)
    const schema = users.schema ?? catalog.value.defaultSchema
    const table = findTable(catalog.value, { schema, name: users.table })
    if (!table) return report('no-such-column', { table: users.table, columns: [] })
    const printed = nameOf(table, catalog.value)
    const known = table.columns.map((column) => column.name)
    const active = users.active ?? known.find((column) => /^(is_?active|active|is_?enabled|enabled)$/i.test(column))
    const verified =
      users.verified ??
      known.find((column) =>
        /^(is_?verified|verified|email_?verified|email_?confirmed|is_?email_?verified)$/i.test(column),
      )
    const flags = [active, verified].flatMap((flag) => (flag === undefined ? [] : [columnOf(flag)]))
    const columns = [users.email, users.passwordHash, ...flags]
    const unknown = columns.filter((column) => !known.includes(column))
    if (unknown.length > 0) return report('no-such-column', { table: printed, columns: unknown })

    probe(name)
    const answer = await db.read(async (kysely) => {
      const rows = kysely.withSchema(table.schema).selectFrom(table.name).select(columns).limit(2)
      const exact = await rows.where(users.email, '=', name).execute()
      // Applications fold addresses; the database may not.
      return exact.length > 0
        ? exact
        : rows.where(sql`lower(${sql.ref(users.email)})`, '=', name.toLowerCase()).execute()
    })
    if (answer.outcome === 'failed') {
      const { reason, text, code } = answer
      return reason ? skip(reason, text) : report('unreadable', { table: printed, text, code })
    }
    const evidence = { table: printed, name }
    const [row, other] = answer.value as Record<string, unknown>[]
    if (!row) return report('user-missing', evidence)
    if (other) report('several-users', evidence)
    if (active !== undefined && !holds(row, active)) report('inactive', evidence)
    if (verified !== undefined && !holds(row, verified)) report('unverified', evidence)

    const stored = row[users.passwordHash]
    if (typeof stored !== 'string' || stored === '') return report('no-password', evidence)
    const seen = coverage('password hash')
    const held = await verifyPassword(password, stored)
    if (held.outcome === 'unknown') return seen.missing(name, 'unavailable', held.text, true)
    seen.examined()
    if (held.outcome === 'plain-text') return report('plain-text', evidence)
    const { scheme } = held
    if (!held.sound) report('weak-hash', { ...evidence, scheme })
    if (held.outcome === 'differs') return report('password-differs', { ...evidence, scheme })
    saw(`${scheme}, password matches`)
  },
})

function columnOf(flag: Flag): string {
  return typeof flag === 'string' ? flag : flag.column
}

/** Whether a flag is set: true, 1, a date; or the value that the config names. */
function holds(row: Record<string, unknown>, flag: Flag): boolean {
  const value = row[columnOf(flag)]
  if (typeof flag === 'object') return String(value) === String(flag.equals)
  return Boolean(value) && !['0', 'f', 'false', 'no', 'n'].includes(String(value).toLowerCase())
}
