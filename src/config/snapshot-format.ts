import { z } from 'zod'
import { byPlace, type Definition, type Definitions, definitionKinds } from '../dialects/definitions.js'
import type { DialectName } from '../dialects/dialect.js'
import { name } from './values.js'

/** The version of the file; a file of another one is refused. */
export const snapshotVersion = 1

/** A schema as it should be, as its file holds it. */
export const snapshotSchema = z.strictObject({
  kind: z.literal('dbdoctor-snapshot'),
  schemaVersion: z.literal(snapshotVersion),
  dialect: z.enum(['sqlite', 'postgres']),
  /** The schemas that it speaks of; all of them where it does not say. */
  schemas: z.array(name).optional(),
  objects: z.array(
    z.strictObject({
      schema: name,
      table: z.string().optional(),
      kind: z.enum(definitionKinds),
      name: z.string(),
      definition: z.string(),
    }),
  ),
})

export type Snapshot = z.output<typeof snapshotSchema>

/** What these definitions are an expectation of. What somebody is building right now is none. */
export function snapshotOf(
  { objects }: Definitions,
  dialect: DialectName,
  schemas: readonly string[] | undefined,
): Snapshot {
  const expected = objects.filter(({ schema, unfinished }) => !unfinished && (schemas?.includes(schema) ?? true))
  return {
    kind: 'dbdoctor-snapshot',
    schemaVersion: snapshotVersion,
    dialect,
    ...(schemas && { schemas: [...schemas].sort() }),
    objects: expected.toSorted(byPlace).map(entryOf),
  }
}

/** A snapshot as a file: one object a line, always in the same order, so that a change of the schema is a change of its lines. */
export function textOf({ objects, ...head }: Snapshot): string {
  const lines = objects.map((object) => `\n    ${JSON.stringify(object)}`).join(',')
  return `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "objects": [${lines}\n  ]\n}\n`
}

/** Its keys in the order in which people read them. */
function entryOf({ schema, table, kind, name: own, definition }: Definition): Snapshot['objects'][number] {
  return { schema, ...(table !== undefined && { table }), kind, name: own, definition }
}
