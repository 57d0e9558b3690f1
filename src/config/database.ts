import { z } from 'zod'
import { name, text } from './values.js'

/** A column that is true, or that holds one certain value. */
const flag = z.union([
  name,
  z.strictObject({
    column: name.describe('The column.'),
    equals: z.union([z.string(), z.number(), z.boolean()]).describe('The value that it holds.'),
  }),
])

const rowExpectation = z.union(
  [
    z.int().nonnegative(),
    z.strictObject({
      min: z.int().nonnegative().optional().describe('At least so many rows.'),
      max: z.int().nonnegative().optional().describe('At most so many rows.'),
    }),
  ],
  { error: 'write a number, or { min, max }' },
)

const countOrNames = z.union([z.int().nonnegative(), z.array(name).min(1)], {
  error: 'write a number, or a list of names',
})

/** An arrow that stands outside of double quotes. */
const arrow = /->(?=(?:[^"]*"[^"]*")*[^"]*$)/

/** `comments.author_id -> users.id`, `a.(x, y) -> b.(x, y)`; parts in double quotes may contain anything. */
const declaration = z.string().transform((text, context): Declaration => {
  const [child, parent, ...rest] = text.split(arrow).map(parseSide)
  if (child && parent && rest.length === 0 && child.columns.length === parent.columns.length)
    return { text, child, parent }
  context.addIssue({ code: 'custom', message: 'write child.column -> parent.column, or child.(a, b) -> parent.(a, b)' })
  return z.NEVER
})

/** One side of a declared relationship. */
export interface DeclaredSide {
  readonly schema?: string
  readonly table: string
  readonly columns: readonly string[]
}

export interface Declaration {
  readonly text: string
  readonly child: DeclaredSide
  readonly parent: DeclaredSide
}

/** The table of the application's users: what the probe user is looked up in. */
const usersConfig = z.strictObject({
  schema: name.optional().describe("The table's schema, where it is not the default one."),
  table: name.default('users').describe('The table.'),
  email: name.default('email').describe('The column that the login looks users up by.'),
  passwordHash: z
    .union([
      name,
      z.literal(false),
      z.strictObject({
        schema: name.optional().describe("The table's schema, where it is not that of the users."),
        table: name.describe('The table that holds it.'),
        column: name.describe('The column of the hashed password.'),
        user: name.describe("The column that refers to the user's key."),
        key: name.default('id').describe("The user's key."),
      }),
    ])
    .default('password_hash')
    .describe(
      'The column of the hashed password; where another table holds it, that table; false where there is none to look at.',
    ),
  active: flag
    .optional()
    .describe(
      'A column that is true for users who may sign in, or that holds one certain value then. Left out: by its name.',
    ),
  verified: flag.optional().describe('The same, for users whose address is verified.'),
})

const range = z.strictObject({
  min: z.number().optional().describe('At least this.'),
  max: z.number().optional().describe('At most this.'),
})

/** A query of the user's own, and what it should return. */
const assertion = z.strictObject({
  name: name.describe('What it asserts, as reports print it.'),
  sql: name.describe('The query. It runs in a read-only transaction.'),
  expect: z
    .union(
      [
        z.literal('empty'),
        z.strictObject({ rows: rowExpectation.describe('It returns so many rows.') }),
        z.strictObject({
          value: z.union([z.string(), z.number(), z.boolean(), range]).describe('It returns this one value.'),
        }),
      ],
      { error: "write 'empty', { rows } or { value }" },
    )
    .default('empty')
    .describe('What it returns: nothing, so many rows, or one value.'),
  severity: z.enum(['error', 'warning', 'info']).default('error').describe('How bad it is where it does not.'),
})

/** A value of a column, as JSON has it. */
const value = z.union([text, z.number(), z.boolean(), z.null()], {
  error: 'write a string, a number, true, false or null',
})

/** A row that is written and taken back. */
const writesConfig = z.strictObject({
  schema: name.optional().describe('Its schema, where it is not the usual one.'),
  table: name.describe('The table that a row is written to.'),
  insert: z
    .record(name, value)
    .describe("The values of the row, by column. What is left out is the table's own default."),
  update: z
    .record(name, value)
    .refine((row) => Object.keys(row).length > 0, 'name a column and the value that it is changed to')
    .describe('The values that it is changed to.'),
})

/** The `database` part of a config. */
export const databaseConfig = z.strictObject({
  url: text
    .optional()
    .describe(
      'The database: `postgres://…`, or `sqlite:PATH`, a path that starts from the config. A target on the command line replaces it; left out, it is DATABASE_URL.',
    ),
  start: z
    .array(name)
    .min(1)
    .optional()
    .describe(
      'How the database server is started, for `dbdoctor fix`: a command that ends when it is up, and its arguments.',
    ),
  schemas: z
    .array(name)
    .min(1)
    .optional()
    .describe('The schemas that are looked at. Left out: all but those of the engine.'),
  expect: z
    .strictObject({
      tables: countOrNames.optional().describe('How many tables there are, or their names. Partitions count as one.'),
      indexes: countOrNames.optional().describe('How many indexes there are, or their names.'),
      rows: z
        .record(name, rowExpectation)
        .optional()
        .describe('How many rows a table holds, by its name: a number, or a least and a most.'),
      snapshot: name
        .optional()
        .describe(
          'The file that `dbdoctor snapshot` wrote, a path that starts from the config. Left out, it is dbdoctor.snapshot.json, where that is there.',
        ),
    })
    .prefault({})
    .describe('What should be there.'),
  relationships: z
    .strictObject({
      infer: z.boolean().default(true).describe('Whether relationships are told from names, types, keys and rows.'),
      declare: z
        .array(declaration)
        .default([])
        .describe(
          'Relationships that no foreign key declares: `comments.author_id -> users.id`, `a.(x, y) -> b.(x, y)`. An orphaned row is an error.',
        ),
      ignore: z
        .array(name)
        .default([])
        .describe('Globs of columns that only look like references: `audit_log.*`, `tenant.orders.user_id`.'),
    })
    .prefault({})
    .describe('References from one table to another that are no foreign keys.'),
  assertions: z.array(assertion).default([]).describe('Queries of your own, and what they should return.'),
  migrations: z
    .strictObject({ folder: name.describe('The folder, a path that starts from the config.') })
    .optional()
    .describe('Where the application keeps its migrations: those that wait, and those that nobody knows, are named.'),
  writes: writesConfig
    .optional()
    .describe('A row that is created, read, updated and deleted, in a transaction that is always rolled back.'),
  users: usersConfig.optional().describe('Where the probe user of `auth.login` is looked up.'),
})

function parseSide(text: string): DeclaredSide | undefined {
  const identifier = /(?:"(?:[^"]|"")+"|[^\s".,()]+)/.source
  const list = `\\(\\s*${identifier}(?:\\s*,\\s*${identifier})*\\s*\\)`
  const match = new RegExp(`^\\s*((?:${identifier}\\.){1,2})(${identifier}|${list})\\s*$`).exec(text)
  if (!match) return undefined
  const names = (part: string) => [...part.matchAll(new RegExp(identifier, 'g'))].map(([word]) => unquote(word))
  const [first, second] = names(match[1] ?? '')
  const columns = names(match[2] ?? '')
  if (first === undefined) return undefined
  return second === undefined ? { table: first, columns } : { schema: first, table: second, columns }
}

function unquote(word: string): string {
  return word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word
}

/** The `database` part of a config, with its defaults, and its declarations parsed. */
export type DatabaseConfig = z.output<typeof databaseConfig>
