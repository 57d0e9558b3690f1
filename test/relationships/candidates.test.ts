import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Column, Table } from '../../src/dialects/catalog.js'
import { bestOf } from '../../src/relationships/candidates.js'
import { indexed, parentsOf } from '../../src/relationships/parents.js'

const word = fc.constantFrom('user', 'users', 'order', 'item', 'items', 'group', 'person', 'type', 'country', 'wp')
const name = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join('_'))
const columnName = fc.tuple(
  fc.constantFrom('', 'parent_', 'billing_', 'created_', 'manager_'),
  name,
  fc.constantFrom('', '_id', 'Id', '_code', '_by', '_no'),
)
const column = fc
  .tuple(
    fc.oneof(
      columnName.map((parts) => parts.join('')),
      fc.constantFrom('id', 'code', 'parent_id', 'reports_to'),
    ),
    fc.constantFrom('integer', 'text'),
  )
  .map(
    ([called, type]): Column => ({
      name: called,
      type,
      enumerated: false,
      nullable: true,
      generated: false,
      default: null,
    }),
  )
const table = fc.tuple(name, fc.uniqueArray(column, { selector: (one) => one.name, minLength: 1, maxLength: 5 })).map(
  ([called, columns]): Table =>
    ({
      schema: 'public',
      name: called,
      kind: 'table',
      columns,
      keys: [{ primary: true, columns: [columns[0]?.name ?? ''], collations: [null], nullsDistinct: true }],
    }) as unknown as Table,
)

test('a table means one of its own schema, where each of many tenants has the same tables', () => {
  fc.assert(
    fc.property(fc.uniqueArray(table, { selector: (one) => one.name, minLength: 1, maxLength: 6 }), (tables) => {
      const ofTenant = (tenant: string) => tables.map((one): Table => ({ ...one, schema: tenant }))
      const [own, ...others] = Array.from({ length: 40 }, (_, at) => ofTenant(`tenant_${at}`))
      if (!own) throw new Error('there is a first one')
      const alone = indexed(parentsOf(own, new Set()), 'public')
      const among = indexed(parentsOf([...others.flat(), ...own], new Set()), 'public')
      for (const child of own)
        for (const one of child.columns) {
          const [meant, found] = [bestOf(child, one, alone), bestOf(child, one, among)]
          expect([found?.parent.table, found?.score, found?.why]).toEqual([
            meant?.parent.table,
            meant?.score,
            meant?.why,
          ])
        }
    }),
    { numRuns: 150 },
  )
})

test('whatever tables are called, nothing that fits is overlooked by going through an index of names', () => {
  fc.assert(
    fc.property(fc.uniqueArray(table, { selector: (one) => one.name, minLength: 1, maxLength: 8 }), (tables) => {
      const parents = parentsOf(tables, new Set())
      const index = indexed(parents, 'public')
      const all = { ...index, inOrder: () => [...parents] }
      for (const child of tables)
        for (const one of child.columns) {
          const [quick, whole] = [bestOf(child, one, index), bestOf(child, one, all)]
          expect([quick?.parent.table.name, quick?.score, quick?.why]).toEqual([
            whole?.parent.table.name,
            whole?.score,
            whole?.why,
          ])
        }
    }),
    { numRuns: 400 },
  )
})
