import { z } from 'zod'
import { name, text } from './values.js'

/** A column that is true, or that holds one certain value. */
const flag = z.union([name, z.strictObject({ column: name, equals: z.union([z.string(), z.number(), z.boolean()]) })])

const rowExpectation = z.union(
  [
    z.int().nonnegative(),
    z.strictObject({ min: z.int().nonnegative().optional(), max: z.int().nonnegative().optional() }),
  ],
  { error: 'write a number, or { min, max }' },
)

const countOrNames = z.union([z.int().nonnegative(), z.array(name).min(1)], {
  error: 'write a number, or a list of names',
})

/** `comments.author_id -> users.id`, `a.(x, y) -> b.(x, y)`; parts in double quotes may contain anything. */
const declaration = z.string().transform((text, context): Declaration => {
  const [child, parent, ...rest] = text.split('->').map(parseSide)
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
  schema: name.optional(),
  table: name.default('users'),
  email: name.default('email'),
  passwordHash: name.default('password_hash'),
  active: flag.optional(),
  verified: flag.optional(),
})

/** The `database` part of a config. */
export const databaseConfig = z.strictObject({
  url: text.optional(),
  schemas: z.array(name).min(1).optional(),
  expect: z
    .strictObject({
      tables: countOrNames.optional(),
      indexes: countOrNames.optional(),
      rows: z.record(name, rowExpectation).optional(),
    })
    .prefault({}),
  relationships: z
    .strictObject({
      infer: z.boolean().default(true),
      declare: z.array(declaration).default([]),
      ignore: z.array(name).default([]),
    })
    .prefault({}),
  users: usersConfig.optional(),
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
