import {
  type Answer,
  agreeing,
  ahead,
  allowsNull,
  type Catalog,
  type CheckConstraint,
  checksOf,
  defineCheck,
  type Failure,
  heldHere,
  identifier,
  isSmall,
  type Key,
  leavesOf,
  lookAtPages,
  nameOf,
  pluralize,
  quoted,
  roleSearchPath,
  type Session,
  sql,
  type Table,
  z,
} from 'dbdoctor'

interface Evidence {
  readonly schema: string
  readonly table: string
  readonly rows: number
  /** The statement that finds them, as it would be typed. */
  readonly select: string
}

interface Duplicate extends Evidence {
  readonly columns: readonly string[]
  readonly rebuild: string
}

type Sql = ReturnType<typeof sql>

/** How a dialect reads a table row by row, past its indexes. */
interface Reading {
  readonly from: (table: Table) => Sql
  readonly settings: Sql | null
  /** The same, as it would be typed: what comes before the statement, and after the table. */
  readonly typed: { readonly before: string; readonly after: string }
  /** Whether a column has no value, as it would be typed: of a NOT NULL column, `is null` is taken for false unseen. */
  readonly isNull: (column: string) => string
  /** What makes the indexes of a table anew, as it would be typed before the table. */
  readonly rebuild: string
}

/** What is counted of a table in one scan. */
interface Rule {
  readonly kind: 'null-found' | 'key-null' | 'label-gone' | 'check-violated'
  readonly columns: readonly string[]
  readonly constraint: string | null
  readonly violated: Sql
  readonly where: string
  /** What a CHECK says. */
  readonly expression?: string
}

export default defineCheck({
  id: 'integrity/constraints',
  title: 'No row violates what its table declares',
  severity: 'error',
  after: ['connection/opens', { id: 'storage/pages', blocks: false }],
  depth: 'standard',
  docs: {
    why: 'Rows from before a constraint, or that came in past it, break the application that trusts the schema. Duplicates under a unique index mean that the index lost entries.',
    fix: 'Look at the rows that the finding shows, put them right, then validate the constraint or rebuild the index.',
  },
  options: z.strictObject({
    unique: z
      .int()
      .nonnegative()
      .default(1_000_000)
      .describe('rows up to which duplicates are looked for, unless --depth deep'),
  }),
  messages: {
    'check-violated': {
      say: ({ table, constraint, rows }: Evidence & { constraint: string | null; condition?: string | undefined }) =>
        `${quoted(table)}: ${agreeing(rows, 'row', 'violate')} ${constraint === null ? 'a CHECK' : `CHECK ${quoted(constraint)}`}`,
      next: ({ select }: Evidence) => [select],
    },
    'null-found': {
      say: ({ table, columns, rows }: Evidence & { columns: readonly string[] }) =>
        `${quoted(table)}: ${pluralize(rows, 'row')} without a value in ${columns.join(', ')}, which is NOT NULL`,
      next: ({ select }: Evidence) => [select],
    },
    'key-null': {
      severity: 'info',
      say: ({ table, columns, rows }: Evidence & { columns: readonly string[] }) =>
        `${quoted(table)}: ${pluralize(rows, 'row')} without a value in the primary key (${columns.join(', ')}), which SQLite allows`,
      next: ({ select }: Evidence) => [
        select,
        'Where it is not meant so, give each of them a key, and declare the column NOT NULL: nothing can reference them.',
      ],
    },
    'label-gone': {
      say: ({ table, columns, rows }: Evidence & { columns: readonly string[] }) =>
        `${quoted(table)}: ${pluralize(rows, 'row')} whose value of ${columns.join(', ')} its type no longer has: ${rows === 1 ? 'it' : 'they'} cannot be read, nor dumped`,
      next: ({ select }: Evidence) => [
        select,
        'Write a label over them that the type has: adding the old one again makes another label of that name.',
      ],
    },
    duplicate: {
      say: ({ table, columns, rows }: Duplicate) =>
        `${quoted(table)}: ${pluralize(rows, 'value')} of (${columns.join(', ')}) ${rows === 1 ? 'is' : 'are'} there more than once, and should be unique`,
      next: ({ select, rebuild }: Duplicate) => [select, `Keep one row of each value, then: ${rebuild}`],
    },
    unreadable: {
      say: ({ table, text }: { schema: string; table: string; text: string }) =>
        `${quoted(table)} could not be examined: ${text}`,
      next: () => [lookAtPages],
    },
  },
  async run({ db, config, depth, options, report, coverage, skip }) {
    const answer = await db.catalog()
    if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
    const catalog = answer.value
    const wanted = catalog.tables.filter(
      ({ kind, schema, partitionOf }) =>
        ['table', 'partitioned'].includes(kind) && !partitionOf && (!config.schemas || config.schemas.includes(schema)),
    )
    const whole = new Map(wanted.filter((one) => heldHere(catalog, one)).map((one) => [one, leavesOf(catalog, one)]))
    const seen = coverage('table', whole.size)
    const read = new Set<Table>()
    const reading = readings[db.dialect]
    const tables = [...whole.values()].flat()
    const keysOf = ({ rowsEstimate, keys }: Table) =>
      depth === 'deep' || (rowsEstimate ?? 0) <= options.unique ? keys : []
    const questions = new Map(
      tables.map((table): [Table, Question] => [
        table,
        { from: reading.from(table), rules: rulesOf(catalog, table, reading), keys: keysOf(table) },
      ]),
    )
    const statements = new Map(
      [...questions].filter(([table]) => isSmall(table)).map(([table, question]) => [table, counting(question)]),
    )
    const together = await db.together(statements, reading.settings)
    const looks = ahead(questions, async ([table, question]): Promise<Answer<Found>> => {
      const rows = together.get(table)
      return rows
        ? { outcome: 'answered', value: { ...foundIn(rows, question), unanswered: [] } }
        : look(db, depth === 'deep', question)
    })
    for await (const [[table], found] of looks) {
      const name = nameOf(table, catalog)
      if (found.outcome === 'failed') {
        if (found.reason) seen.missing(name, found.reason, found.text)
        else report('unreadable', { schema: table.schema, table: name, text: found.text })
        continue
      }
      read.add(table)
      if (keysOf(table).length < table.keys.length)
        seen.missing(`the keys of ${name}`, 'unsafe', 'many rows: --depth deep looks for duplicates', true)
      const typed = identifier(table.schema, table.name)
      const { before, after } = reading.typed
      for (const { rule, reason, text } of found.value.unanswered)
        seen.missing(`${called(rule)} of ${name}`, reason, text, reason === 'unavailable')
      for (const { rule, rows } of found.value.violated) {
        const select = `select ${rule.kind === 'label-gone' ? 'ctid' : '*'} from ${typed} where ${rule.where}`
        const evidence = { schema: table.schema, table: name, rows, select }
        if (rule.kind !== 'check-violated') report(rule.kind, { ...evidence, columns: rule.columns })
        else
          report('check-violated', {
            ...evidence,
            constraint: rule.constraint,
            // What has no name is known by what it says.
            ...(rule.constraint === null && { condition: rule.expression }),
          })
      }
      for (const { columns, rows } of found.value.repeated) {
        const names = columns.map((column) => identifier(column)).join(', ')
        const select = `${before}select ${names}, count(*) from ${typed}${after} group by ${names} having count(*) > 1`
        const rebuild = `${reading.rebuild} ${typed}`
        report('duplicate', { schema: table.schema, table: name, columns, rows, select, rebuild })
      }
    }
    seen.examined([...whole.values()].filter((leaves) => leaves.every((leaf) => read.has(leaf))).length)
  },
})

const readings: Record<Session['dialect'], Reading> = {
  sqlite: {
    from: ({ name }) => sql`${sql.id(name)} not indexed`,
    settings: null,
    typed: { before: '', after: ' not indexed' },
    isNull: (column) => `typeof(${identifier(column)}) = 'null'`,
    rebuild: 'reindex',
  },
  postgres: {
    from: ({ schema, name }) => sql`only ${sql.id(schema, name)}`,
    // What a condition calls is found where the application finds it.
    settings: sql`${roleSearchPath.postgres}; set local enable_indexscan = off; set local enable_indexonlyscan = off; set local enable_bitmapscan = off`,
    typed: { before: 'set enable_indexscan = off; set enable_indexonlyscan = off; ', after: '' },
    isNull: (column) => `num_nulls(${identifier(column)}) = 1`,
    rebuild: 'reindex table concurrently',
  },
}

function rulesOf(catalog: Catalog, table: Table, { from, isNull }: Reading): Rule[] {
  const columns = table.columns.filter(({ nullable, generated }) => !nullable && !generated)
  return [
    ...columns.map(
      ({ name }): Rule => ({
        kind: 'null-found',
        columns: [name],
        constraint: null,
        violated: sql`${sql.id(name)} is null`,
        where: isNull(name),
      }),
    ),
    ...table.keys
      .filter((key) => key.primary && allowsNull(table, key))
      .map(
        ({ columns }): Rule => ({
          kind: 'key-null',
          columns,
          constraint: null,
          violated: sql.join(
            columns.map((name) => sql`${sql.id(name)} is null`),
            sql` or `,
          ),
          where: columns.map(isNull).join(' or '),
        }),
      ),
    // A value is the oid of its label, and compares without it. Where somebody deleted the label from pg_enum, whatever shows it fails.
    ...table.columns
      .filter(({ enumerated }) => enumerated)
      .map(({ name, type }): Rule => {
        const column = sql.id(name)
        const labels = sql`(select enum_range(labelled.${column}) from ${from(table)} labelled limit 1)`
        return {
          kind: 'label-gone',
          columns: [name],
          constraint: null,
          violated: sql`${column} is not null and array_position(${labels}, ${column}) is null`,
          where: `array_position(enum_range(null::${type}), ${identifier(name)}) is null and ${identifier(name)} is not null`,
        }
      }),
    ...checksOf(catalog, table).flatMap((check): Rule[] => {
      const expression = expressionOf(check)
      // A comment at its end would take the parenthesis with it.
      const where = `not (${expression}${expression.includes('--') ? '\n' : ''})`
      return [
        { kind: 'check-violated', columns: [], constraint: check.name, violated: sql.raw(where), where, expression },
      ]
    }),
  ]
}

function called({ kind, columns, constraint, expression }: Rule): string {
  return kind === 'check-violated' ? `CHECK ${constraint ?? `(${expression})`}` : `the values of ${columns.join(', ')}`
}

/** What a CHECK says, without the words around it. Unknown satisfies it. */
function expressionOf({ definition }: CheckConstraint): string {
  return /^CHECK \((.*)\)(?: NO INHERIT)?(?: NOT VALID)?(?: NOT ENFORCED)?$/is.exec(definition)?.[1] ?? definition
}

interface Found {
  readonly violated: readonly { readonly rule: Rule; readonly rows: number }[]
  readonly repeated: readonly { readonly columns: readonly string[]; readonly rows: number }[]
  /** Rules that could not be asked: they call a function that is not here, or read what is not for this role. */
  readonly unanswered: readonly {
    readonly rule: Rule
    readonly reason: NonNullable<Failure['reason']>
    readonly text: string
  }[]
}

/**
 * One statement for all that a table declares: a scan for what can be told row by row, and one for each key. Where it fails for the sake of
 * a condition, each condition by itself, so that only the guilty one is unknown.
 */
async function look(
  { dialect, scan }: Session,
  deep: boolean,
  { from, rules, keys }: Question,
): Promise<Answer<Found>> {
  const ask = (some: readonly Rule[], also: readonly Key[]) => {
    const question = { from, rules: some, keys: also }
    return scan(
      async (kysely) => foundIn((await counting(question).execute(kysely)).rows, question),
      deep,
      readings[dialect].settings,
    )
  }
  const together = await ask(rules, keys)
  if (together.outcome === 'answered') return { outcome: 'answered', value: { ...together.value, unanswered: [] } }
  if (!isOfCondition(together)) return together
  const [plain, conditions] = [rules.filter(isPlain), rules.filter((rule) => !isPlain(rule))]
  const certain = await ask(plain, keys)
  if (certain.outcome === 'failed') return certain
  const violated = [...certain.value.violated]
  const unanswered: Found['unanswered'][number][] = []
  for (const rule of conditions) {
    const alone = await ask([rule], [])
    if (alone.outcome === 'answered') violated.push(...alone.value.violated)
    else if (isOfCondition(alone)) unanswered.push({ rule, reason: alone.reason ?? 'unavailable', text: alone.text })
    else return alone
  }
  return { outcome: 'answered', value: { violated, repeated: certain.value.repeated, unanswered } }
}

/** Whether nothing but columns is asked for, which cannot fail for reasons of its own. */
function isPlain({ kind }: Rule): boolean {
  return kind === 'null-found' || kind === 'key-null'
}

function isOfCondition({ reason }: Failure): boolean {
  return reason === 'unavailable' || reason === 'no-permission'
}

/** What is asked of a table, in one statement. */
interface Question {
  readonly from: Sql
  readonly rules: readonly Rule[]
  readonly keys: readonly Key[]
}

type Counts = Record<string, number>

function counting({ from, rules, keys }: Question): ReturnType<typeof sql<Counts>> {
  const counts = [
    ...rules.map(({ violated }, at) => sql`count(case when ${violated} then 1 end) as ${sql.id(`r${at}`)}`),
    ...keys.map((key, at) => sql`(${repeatedIn(from, key)}) as ${sql.id(`k${at}`)}`),
  ]
  // Where nothing is counted row by row, its rows are not walked; where nothing is counted at all, it is still asked whether they may be.
  const asked = counts.length > 0 ? sql.join(counts) : sql`1`
  const source = rules.length > 0 ? sql`from ${from}` : keys.length > 0 ? sql`` : sql`from ${from} limit 0`
  return sql<Counts>`select ${asked} ${source}`
}

function foundIn([counts]: readonly Counts[], { rules, keys }: Question): Omit<Found, 'unanswered'> {
  const found = (name: string) => Number(counts?.[name] ?? 0)
  return {
    violated: rules.map((rule, at) => ({ rule, rows: found(`r${at}`) })).filter(({ rows: violated }) => violated > 0),
    repeated: keys
      .map(({ columns }, at) => ({ columns, rows: found(`k${at}`) }))
      .filter(({ rows: repeated }) => repeated > 0),
  }
}

/** How many values of a key are there more than once. */
function repeatedIn(table: Sql, { columns, collations, nullsDistinct }: Key): Sql {
  const names = columns.map((column, at) => sql`${sql.id(column)}${collated(collations[at] ?? null)}`)
  const there = columns.map((column) => sql`${sql.id(column)} is not null`)
  const where = nullsDistinct ? sql`where ${sql.join(there, sql` and `)}` : sql``
  return sql`select count(*) from (select 1 from ${table} ${where} group by ${sql.join(names)} having count(*) > 1) as repeated`
}

/** Compares as an index does, whatever its column does. */
function collated(collation: readonly string[] | null): Sql {
  return collation === null ? sql`` : sql` collate ${sql.id(...collation)}`
}
