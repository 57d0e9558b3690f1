import {
  type Answer,
  agreeing,
  type Catalog,
  type Coverage,
  type DatabaseConfig,
  type DeclaredSide,
  defineCheck,
  heldHere,
  type Inferred,
  inferRelationships,
  isDeclared,
  lookAtPages,
  matcher,
  nameOf,
  type Orphan,
  orphanStatements,
  type Polymorphic,
  pluralize,
  polymorphicColumns,
  quoted,
  type Relationship,
  rebuildIndexes,
  relationshipOfKind,
  type Session,
  sql,
} from 'dbdoctor'

interface Evidence {
  readonly schema: string
  readonly table: string
  readonly columns: readonly string[]
  readonly parent: string
  readonly parentColumns: readonly string[]
  readonly inferred: boolean
  /** The rows of one kind alone are meant: those with this value in this column. */
  readonly kind?: Relationship['kind']
}

interface Told {
  readonly matched: number
  readonly keyed: number
  readonly why: string
}

/** The share of values that have to have a parent before names are believed. */
const believed = { strong: 0.5, weak: 0.95 } as const

const side = (table: string, columns: readonly string[]) => quoted([table, ...columns].join('.'))

export default defineCheck({
  id: 'integrity/orphaned-rows',
  title: 'Relationships that no foreign key declares hold too',
  severity: 'error',
  // An index scan over a hole in a table marks the entries dead that bear witness to it.
  after: ['connection/opens', { id: 'storage/pages', blocks: false }],
  depth: 'standard',
  docs: {
    why: 'Many schemas keep relationships in the application alone. When a parent is deleted, nothing stops its children from staying behind.',
    fix: 'Delete or re-point the orphaned rows, then declare the foreign key; or ignore the relationship where it is meant so.',
  },
  messages: {
    orphaned: {
      severity: ({ inferred }: Evidence) => (inferred ? 'warning' : 'error'),
      say: ({
        table,
        columns,
        parent,
        rows,
        inferred,
        kind,
      }: Evidence & { rows: number; samples: readonly Orphan[]; repair: readonly string[] }) =>
        `${quoted(table)}: ${agreeing(rows, 'row', 'point')} at a row of ${quoted(parent)} that does not exist (${columns.join(', ')}${inferred ? `, inferred by ${kind ? kind.column : 'name and type'}` : ''})`,
      next: ({
        table,
        columns,
        inferred,
        repair,
        ...told
      }: Evidence & Partial<Told> & { repair: readonly string[] }) => [
        ...(told.why
          ? [`Nobody declared it: ${told.why}, and ${told.matched} of ${told.keyed} values are there.`]
          : []),
        ...(inferred ? [`Where it is meant so: relationships.ignore: ['${table}.${columns.join()}']`] : []),
        ...repair,
      ],
    },
    'index-disagrees': {
      say: ({ table, parent, rows }: Evidence & { rows: number }) =>
        `${quoted(table)}: the parents of ${pluralize(rows, 'row')} are in ${quoted(parent)}, and an index does not find them: it is damaged`,
      next: ({ parent }: Evidence) => [rebuildIndexes(parent)],
    },
    inferred: {
      severity: 'info',
      say: ({ table, columns, parent, parentColumns, matched, keyed, why }: Evidence & Told) =>
        `${side(table, columns)} points at ${side(parent, parentColumns)}: ${why}, and ${matched === keyed ? (keyed === 1 ? 'its one value is' : `all ${keyed} values are`) : `${matched} of ${keyed} values are`} there`,
      next: ({ table, columns, parent, parentColumns }: Evidence & Told) => [
        `declare it, in the config (relationships.declare: '${table}.${columns.join()} -> ${parent}.${parentColumns.join()}') or as a foreign key`,
      ],
    },
    'no-such-column': {
      say: ({ relationship, missing }: { relationship: string; missing: string }) =>
        `the config declares ${quoted(relationship)}, and there is no ${missing}`,
      next: () => ['correct relationships.declare in the config, or run the migration that is missing'],
    },
    unreadable: {
      say: ({ table, parent, text }: Evidence & { text: string }) =>
        `${quoted(table)} could not be compared with ${quoted(parent)}: ${text}`,
      next: () => [lookAtPages],
    },
  },
  async run({ db, config, depth, samples, report, coverage, fact, skip }) {
    const answer = await db.catalog()
    if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
    const catalog = answer.value
    const seen = coverage('relationship')
    const relationships: (Relationship | Inferred)[] = [
      ...relationshipsOf(catalog, config, (relationship, missing) =>
        report('no-such-column', { relationship, missing }),
      ),
      ...(await relationshipsByKind(db, catalog, config, depth === 'deep', seen)),
    ]
    fact('integrity.orphanedRows', 0)

    for (const relationship of relationships) {
      const evidence = {
        schema: relationship.child.schema,
        table: nameOf(relationship.child, catalog),
        columns: relationship.columns,
        parent: nameOf(relationship.parent, catalog),
        parentColumns: relationship.parentColumns,
        inferred: 'inferred' in relationship,
        ...(relationship.kind && { kind: relationship.kind }),
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
      const found = { rows, samples: scan.value.samples, repair: orphanStatements(relationship, catalog, db.dialect) }
      if ('inferred' in relationship) {
        // Where too few values have a parent, the names misled us.
        if (keyed === 0 || (keyed - rows) / keyed < believed[relationship.trust]) continue
        const told = { matched: keyed - rows, keyed, why: relationship.why }
        if (rows === 0 || rows === (await noughts(db, relationship, depth === 'deep')))
          report('inferred', { ...evidence, ...told })
        else {
          fact('integrity.orphanedRows', rows)
          report('orphaned', { ...evidence, ...told, ...found })
        }
      } else {
        fact('integrity.orphanedRows', rows)
        if (rows > 0) report('orphaned', { ...evidence, ...found })
      }
      if (phantoms > 0) report('index-disagrees', { ...evidence, rows: phantoms })
    }
  },
})

/** Rows whose key is 0: many applications write "none" in this way. */
async function noughts(db: Session, { child, columns }: Relationship, deep: boolean): Promise<number> {
  const answer = await db.scan(async (kysely) => {
    const nought = columns.map((column) => sql`cast(${sql.id(column)} as text) in ('0', '')`)
    const { rows } = await sql<{ rows: number }>`
      select count(*) as rows from ${sql.id(child.schema, child.name)} where ${sql.join(nought, sql` and `)}`.execute(
      kysely,
    )
    return Number(rows[0]?.rows ?? 0)
  }, deep)
  return answer.outcome === 'answered' ? answer.value : 0
}

/** Kinds that one column may name before it is taken for something else. */
const kindLimit = 100

/** What columns whose parent varies by row point at: a relationship for each kind that names a table. Kinds that nobody can tell are a gap. */
async function relationshipsByKind(
  db: Session,
  catalog: Catalog,
  config: DatabaseConfig,
  deep: boolean,
  seen: Coverage,
): Promise<Inferred[]> {
  if (!config.relationships.infer) return []
  const ignored = matcher(config.relationships.ignore)
  const pairs = polymorphicColumns(catalog).filter(
    ({ child, column }) =>
      (!config.schemas || config.schemas.includes(child.schema)) &&
      heldHere(catalog, child) &&
      !ignored(`${child.name}.${column.name}`),
  )
  const looked = await Promise.all(pairs.map(async (pair) => ({ pair, kinds: await kindsOf(db, pair, deep) })))
  return looked
    .flatMap(({ pair, kinds }) => {
      const name = `${nameOf(pair.child, catalog)} (${pair.kind.name}, ${pair.column.name})`
      if (kinds.outcome === 'failed') {
        seen.missing(name, kinds.reason ?? 'unavailable', kinds.text)
        return []
      }
      if (kinds.value.length > kindLimit) {
        seen.missing(name, 'unsafe', `${quoted(pair.kind.name)} names more than ${kindLimit} kinds of parents`, true)
        return []
      }
      return kinds.value.flatMap((kind) => relationshipOfKind(catalog, pair, kind) ?? [])
    })
    .filter(({ parent }) => heldHere(catalog, parent))
}

/** The kinds that a column names, up to one more than the limit. */
function kindsOf(db: Session, { child, kind }: Polymorphic, deep: boolean): Promise<Answer<string[]>> {
  return db.scan(async (kysely) => {
    const { rows } = await sql<{ kind: string }>`
      select distinct cast(${sql.id(kind.name)} as text) as kind from ${sql.id(child.schema, child.name)}
      where ${sql.id(kind.name)} is not null limit ${kindLimit + 1}`.execute(kysely)
    return rows.map((row) => row.kind)
  }, deep)
}

type Relationships = DatabaseConfig['relationships']

/** What the config declares and what names tell, without what is a foreign key anyway or is ignored. */
function relationshipsOf(
  catalog: Catalog,
  {
    schemas,
    relationships: { infer, declare, ignore },
  }: { schemas?: string[] | undefined; relationships: Relationships },
  complain: (relationship: string, missing: string) => void,
): (Relationship | Inferred)[] {
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
