import {
  type Answer,
  agreeing,
  ahead,
  believed,
  type Catalog,
  confidenceOf,
  declarationOf,
  defineCheck,
  type Failure,
  findTable,
  type Inferred,
  indexDisagreements,
  isEmpty,
  lookAtPages,
  type None,
  nameOf,
  nonesOf,
  type Orphan,
  type Orphans,
  orphanStatements,
  pluralize,
  pointing,
  quoted,
  type Relationship,
  relationshipsByKind,
  relationshipsOf,
  type Session,
  valuesThere,
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

interface Orphaned extends Evidence {
  readonly repaired: Relationship
  readonly rows: number
  /** Not all rows were compared: there are at least so many. */
  readonly partial?: true
  readonly samples: readonly Orphan[]
  readonly parentEmpty: boolean
  /** Statements that show the rows, and that move them aside where that is advised. */
  readonly repair: readonly string[]
}

interface Told {
  readonly matched: number
  readonly keyed: number
  readonly why: string
  /** As the config would declare it. */
  readonly declaration: string
}

const side = (table: string, columns: readonly string[]) =>
  quoted(columns.length === 1 ? `${table}.${columns[0]}` : `${table} (${columns.join(', ')})`)

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
      say: ({ table, columns, parent, rows, partial, inferred, kind }: Orphaned) =>
        `${quoted(table)}: ${pointing(rows, partial)} at a row of ${quoted(parent)} that does not exist (${columns.join(', ')}${inferred ? `, inferred by ${kind ? kind.column : 'name and type'}` : ''})`,
      next: ({
        table,
        columns,
        inferred,
        repair,
        why,
        matched = 0,
        keyed = 0,
      }: Evidence & Partial<Told> & { repair: readonly string[] }) => [
        ...(why ? [`Nobody declared it: ${why}, and ${valuesThere(matched, keyed)}.`] : []),
        ...(inferred ? [`Where it is meant so: relationships.ignore: ['${table}.${columns.join()}']`] : []),
        ...repair,
      ],
      // Nobody moves rows while all of their parents are missing.
      repair: ({ repaired, rows, partial, parentEmpty }: Orphaned) =>
        parentEmpty || partial ? [] : [{ kind: 'orphans', relationship: repaired, rows }],
    },
    'parent-empty': {
      // A few rows may be the beginnings of an application.
      severity: ({ rows, inferred }: Evidence & { rows: number }) => (inferred && rows < 10 ? 'info' : 'warning'),
      say: ({ table, columns, parent, rows, inferred }: Evidence & { rows: number }) =>
        `${quoted(parent)} is empty, and ${agreeing(rows, 'row', 'name')} rows of it in ${quoted(table)} (${columns.join(', ')}${inferred ? ', inferred by name and type' : ''})`,
      next: ({ table, columns, parent, inferred }: Evidence) => [
        `Find out what emptied ${quoted(parent)}: a restore that stopped, a truncate, a migration; restore its rows, and touch none of ${quoted(table)} until then.`,
        ...(inferred ? [`Where it is meant so: relationships.ignore: ['${table}.${columns.join()}']`] : []),
      ],
    },
    none: {
      severity: 'info',
      say: ({ table, columns, parent, value, rows }: Evidence & { value: string; rows: number }) =>
        `${side(table, columns)} is ${value === '' ? 'empty' : value} in ${pluralize(rows, 'row')}, which is taken for "none": no row of ${quoted(parent)} has that key`,
    },
    dismissed: {
      severity: 'info',
      say: ({ table, columns, parent, parentColumns, matched, keyed }: Evidence & Told) =>
        `${side(table, columns)} is called like a reference to ${side(parent, parentColumns)} and taken for none: ${valuesThere(matched, keyed)}`,
      next: ({ declaration, kind }: Evidence & Told) =>
        kind ? [] : [`Where it is one, declare it: relationships.declare: ['${declaration}']`],
    },
    ...indexDisagreements,
    inferred: {
      severity: 'info',
      say: ({ table, columns, parent, parentColumns, matched, keyed, why }: Evidence & Told) =>
        `${side(table, columns)} points at ${side(parent, parentColumns)}: ${why}, and ${valuesThere(matched, keyed)}`,
      // One whose parent varies by row can be declared nowhere.
      next: ({ declaration, kind }: Evidence & Told) =>
        kind ? [] : [`Declare it, in the config (relationships.declare: ['${declaration}']) or as a foreign key`],
    },
    'no-such-column': {
      say: ({ relationship, missing }: { relationship: string; missing: string }) =>
        `the config declares ${quoted(relationship)}, and there is no ${missing}`,
      next: () => ['Correct relationships.declare in the config, or run the migration that is missing'],
    },
    unreadable: {
      say: ({ table, parent, text }: Evidence & { text: string }) =>
        `${quoted(table)} could not be compared with ${quoted(parent)}: ${text}`,
      next: () => [lookAtPages],
    },
  },
  async run({ db, config, depth, samples, report, relationship: looked, coverage, planned, fact, skip }) {
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

    const scanned = ahead(relationships, (relationship) => db.orphans(relationship, samples, relationships))
    for await (const [relationship, scan] of scanned) {
      const evidence = {
        schema: relationship.child.schema,
        table: nameOf(relationship.child, catalog),
        columns: relationship.columns,
        parent: nameOf(relationship.parent, catalog),
        parentColumns: relationship.parentColumns,
        inferred: 'inferred' in relationship,
        ...(relationship.kind && { kind: relationship.kind }),
      }
      const name = `${evidence.table} (${evidence.columns.join(', ')})`
      const unknown = ({ reason, text }: Failure) => {
        if (reason) seen.missing(name, reason, text)
        else report('unreadable', { ...evidence, text })
      }
      if (scan.outcome === 'failed') {
        unknown(scan)
        continue
      }
      planned(name, scan.value.plan)
      const inferred = 'inferred' in relationship
      const told = (found: Orphans) => ({
        matched: found.keyed - found.rows,
        keyed: found.keyed,
        why: inferred ? relationship.why : '',
        declaration: declarationOf(relationship, catalog),
      })
      const note = (found: Orphans) => {
        const { matched, keyed, why } = told(found)
        looked({
          child: evidence.table,
          columns: relationship.columns,
          parent: evidence.parent,
          parentColumns: relationship.parentColumns,
          declared: !inferred,
          confidence: inferred ? confidenceOf(relationship, matched, keyed) : 1,
          because: inferred ? [why, ...(keyed > 0 ? [valuesThere(matched, keyed)] : [])] : ['the config declares it'],
        })
      }
      const { gap } = scan.value
      if (gap) seen.missing(name, gap.reason, gap.detail)
      const asDeclared = async () => {
        if (!gap) seen.examined()
        note(scan.value)
        const { rows } = scan.value
        fact('integrity.orphanedRows', rows)
        if (rows === 0) return
        const repair = orphanStatements(relationship, catalog, db.dialect)
        const empty = !gap && rows === scan.value.keyed && (await isEmpty(db, relationship.parent))
        if (empty) report('parent-empty', { ...evidence, rows })
        report('orphaned', {
          ...evidence,
          rows,
          ...(gap && { partial: true as const }),
          samples: scan.value.samples,
          repaired: relationship,
          parentEmpty: empty,
          repair: empty ? repair.slice(0, 1) : repair,
        })
      }
      const asGuessed = async (guessed: Inferred) => {
        const answer = await withoutNones(db, catalog, guessed, scan.value, samples, depth === 'deep')
        if (answer.outcome === 'failed') return unknown(answer)
        const guess = answer.value
        for (const none of guess.nones) report('none', { ...evidence, ...none })
        const { rows, keyed } = guess.found
        note(guess.found)
        if (keyed === 0) {
          seen.examined()
          return
        }
        // Where too few values have a parent, the names misled us; unless there is none to have.
        if ((keyed - rows) / keyed < believed[guessed.trust]) {
          if (rows === keyed && (await isEmpty(db, guessed.parent))) {
            seen.examined()
            if (guessed.trust === 'strong' && !isText(catalog, guessed)) report('parent-empty', { ...evidence, rows })
          } else report('dismissed', { ...evidence, ...told(guess.found) })
          return
        }
        seen.examined()
        if (rows === 0) report('inferred', { ...evidence, ...told(guess.found) })
        else {
          fact('integrity.orphanedRows', rows)
          // Nobody deletes rows for what is a guess.
          const repair = orphanStatements(guess.relationship, catalog, db.dialect).slice(0, 1)
          report('orphaned', {
            ...evidence,
            ...told(guess.found),
            rows,
            samples: guess.found.samples,
            repaired: guess.relationship,
            parentEmpty: false,
            repair,
          })
        }
      }
      // What a part of its rows says is not enough to believe in a relationship.
      if (!('inferred' in relationship)) await asDeclared()
      else if (!gap) await asGuessed(relationship)
      const { unconfirmed, misread } = scan.value
      if (unconfirmed > 0) report('index-disagrees', { ...evidence, rows: unconfirmed })
      if (misread > 0) report('key-index-disagrees', { ...evidence, rows: misread })
    }
  },
})

interface Guess {
  readonly found: Orphans
  readonly nones: readonly None[]
  readonly relationship: Relationship
}

/**
 * What is left of the rows without a parent when those that mean "none" are left out. Where nobody can tell those, none of them is an
 * orphan.
 */
async function withoutNones(
  db: Session,
  catalog: Catalog,
  relationship: Inferred,
  found: Orphans,
  samples: number,
  deep: boolean,
): Promise<Answer<Guess>> {
  const asFound = { found, nones: [], relationship }
  if (found.rows === 0) return { outcome: 'answered', value: asFound }
  const nones = await nonesOf(db, catalog, relationship, deep)
  if (nones.outcome === 'failed') return nones
  if (nones.value.length === 0) return { outcome: 'answered', value: asFound }
  const meant = { ...relationship, none: nones.value.map(({ value }) => value) }
  const again = await db.orphans(meant, samples)
  if (again.outcome === 'failed') return again
  const { gap } = again.value
  if (gap) return { outcome: 'failed', reason: gap.reason, code: '', text: gap.detail }
  return { outcome: 'answered', value: { found: again.value, nones: nones.value, relationship: meant } }
}

/** Whether the values are texts: those of another system's are called like a reference too. */
function isText(catalog: Catalog, { child, columns }: Relationship): boolean {
  const table = findTable(catalog, child)
  return columns.some((column) =>
    /char|text|clob|string/i.test(table?.columns.find(({ name }) => name === column)?.type ?? ''),
  )
}
