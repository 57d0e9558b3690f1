import {
  agreeing,
  type Catalog,
  type DatabaseConfig,
  type DeclaredSide,
  defineCheck,
  heldHere,
  inferRelationships,
  isDeclared,
  matcher,
  nameOf,
  type Orphan,
  pluralize,
  quoted,
  type Relationship,
} from 'dbdoctor'

interface Evidence {
  readonly schema: string
  readonly table: string
  readonly columns: readonly string[]
  readonly parent: string
  readonly parentColumns: readonly string[]
  readonly inferred: boolean
}

const side = (table: string, columns: readonly string[]) => quoted([table, ...columns].join('.'))

export default defineCheck({
  id: 'integrity/orphaned-rows',
  title: 'Relationships that no foreign key declares hold too',
  severity: 'error',
  after: ['connection/opens'],
  depth: 'standard',
  docs: {
    why: 'Many schemas keep relationships in the application alone. When a parent is deleted, nothing stops its children from staying behind.',
    fix: 'Delete or re-point the orphaned rows, then declare the foreign key; or ignore the relationship where it is meant so.',
  },
  messages: {
    orphaned: {
      severity: ({ inferred }: Evidence) => (inferred ? 'warning' : 'error'),
      say: ({ table, columns, parent, rows, inferred }: Evidence & { rows: number; samples: readonly Orphan[] }) =>
        `${quoted(table)}: ${agreeing(rows, 'row', 'point')} at a row of ${quoted(parent)} that does not exist (${columns.join(', ')}${inferred ? ', inferred by name and type' : ''})`,
    },
    'index-disagrees': ({ table, parent, rows }: Evidence & { rows: number }) =>
      `${quoted(table)}: the parents of ${pluralize(rows, 'row')} are in ${quoted(parent)}, and an index does not find them: it is damaged`,
    'no-such-column': ({ relationship, missing }: { relationship: string; missing: string }) =>
      `the config declares ${quoted(relationship)}, and there is no ${missing}`,
    unreadable: ({ table, parent, text }: Evidence & { text: string }) =>
      `${quoted(table)} could not be compared with ${quoted(parent)}: ${text}`,
  },
  async run({ db, config, samples, report, coverage, fact, skip }) {
    const answer = await db.catalog()
    if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
    const catalog = answer.value
    const relationships = relationshipsOf(catalog, config, (relationship, missing) =>
      report('no-such-column', { relationship, missing }),
    )
    const seen = coverage('relationship')
    fact('integrity.orphanedRows', 0)

    for (const relationship of relationships) {
      const evidence = {
        schema: relationship.child.schema,
        table: nameOf(relationship.child, catalog),
        columns: relationship.columns,
        parent: nameOf(relationship.parent, catalog),
        parentColumns: relationship.parentColumns,
        inferred: 'inferred' in relationship,
      }
      const scan = await db.orphans(relationship, samples)
      if (scan.outcome === 'failed') {
        const name = `${evidence.table} (${evidence.columns.join(', ')})`
        if (scan.reason) seen.missing(name, scan.reason, scan.text)
        else report('unreadable', { ...evidence, text: scan.text })
        continue
      }
      seen.examined()
      const { rows, keyed, phantoms } = scan.value
      // Where no value has a parent, the names misled us.
      if (evidence.inferred && rows === keyed) continue
      fact('integrity.orphanedRows', rows)
      if (rows > 0) report('orphaned', { ...evidence, rows, samples: scan.value.samples })
      if (phantoms > 0) report('index-disagrees', { ...evidence, rows: phantoms })
    }
  },
})

type Relationships = DatabaseConfig['relationships']

/** What the config declares and what names tell, without what is a foreign key anyway or is ignored. */
function relationshipsOf(
  catalog: Catalog,
  {
    schemas,
    relationships: { infer, declare, ignore },
  }: { schemas?: string[] | undefined; relationships: Relationships },
  complain: (relationship: string, missing: string) => void,
): Relationship[] {
  const declared = declare.flatMap(({ text, child, parent }): Relationship[] => {
    const [from, to] = [find(catalog, child), find(catalog, parent)]
    if (typeof from !== 'string' && typeof to !== 'string') {
      return [{ child: from, columns: child.columns, parent: to, parentColumns: parent.columns, match: 'simple' }]
    }
    complain(text, typeof from === 'string' ? from : String(to))
    return []
  })
  const ignored = matcher(ignore)
  const inferred = infer
    ? inferRelationships(catalog).filter(({ child, columns, parent }) => {
        const inScope = (!schemas || schemas.includes(child.schema)) && heldHere(catalog, child, parent)
        const known = declared.some(
          (other) => other.child.name === child.name && other.columns.join() === columns.join(),
        )
        return inScope && !known && !ignored([child.name, ...columns].join('.'))
      })
    : []
  return [...declared.filter((relationship) => !isDeclared(catalog, relationship)), ...inferred]
}

/** The table that a side of a declaration names; otherwise what is missing. */
function find(catalog: Catalog, { schema = catalog.defaultSchema, table, columns }: DeclaredSide) {
  const found = catalog.tables.find((candidate) => candidate.schema === schema && candidate.name === table)
  if (!found) return `table ${quoted(table)}`
  const missing = columns.find((column) => !found.columns.some(({ name }) => name === column))
  return missing === undefined ? found : `column ${side(table, [missing])}`
}
