import {
  ahead,
  defineCheck,
  type ForeignKey,
  heldHere,
  indexDisagreements,
  isEmpty,
  lookAtPages,
  nameOf,
  noneOfAll,
  type Orphan,
  orphanStatements,
  pointing,
  quoted,
  unsetStatements,
} from 'dbdoctor'

interface Evidence {
  readonly schema: string
  readonly table: string
  readonly columns: readonly string[]
  readonly constraint?: string | undefined
  readonly parent: string
}

interface Found {
  readonly repaired: ForeignKey
  readonly rows: number
  /** Not all rows were compared: there are at least so many. */
  readonly partial?: true
  /** Statements that show the rows, and that move them aside, or unset what means "none". */
  readonly repair: readonly string[]
}

interface Dangling extends Evidence, Found {
  readonly samples: readonly Orphan[]
  readonly validated: boolean
  readonly parentEmpty: boolean
  /** What all of the rows hold, where that is what applications write where there is no parent. */
  readonly none?: string
}

export default defineCheck({
  id: 'integrity/foreign-keys',
  title: 'Every foreign key points at a row that exists',
  severity: 'error',
  // An index scan over a hole in a table marks the entries dead that bear witness to it.
  after: ['connection/opens', { id: 'storage/pages', blocks: false }],
  depth: 'standard',
  docs: {
    why: 'Rows outlive their parents when constraints were off during a restore or an import. Joins then drop data in silence, and the declared key says that all is well.',
    fix: 'Restore the missing parents, or delete or re-point the children; then validate the constraint.',
  },
  messages: {
    dangling: {
      say: ({ table, columns, parent, rows, partial, validated, parentEmpty }: Dangling) =>
        `${quoted(table)}: ${pointing(rows, partial)} at a row of ${quoted(parent)} that does not exist (${columns.join(', ')}${validated ? '' : '; the key is NOT VALID'})${parentEmpty ? `: ${quoted(parent)} is empty` : ''}`,
      // Where all parents are gone, it is they that are missing.
      next: ({ repair, parent, parentEmpty, none }: Dangling) => {
        if (parentEmpty)
          return [
            ...repair.slice(0, 1),
            `Find out what emptied ${quoted(parent)}, and restore its rows; touch none of the others until then.`,
          ]
        return none === undefined ? repair : repair.toSpliced(1, 0, meantNone(none))
      },
      // Nobody moves rows that say they have no parent.
      repair: ({ repaired, rows, partial, parentEmpty, none }: Dangling) =>
        parentEmpty || partial || none !== undefined ? [] : [{ kind: 'orphans', relationship: repaired, rows }],
    },
    'parent-missing': {
      say: ({ table, columns, parent, rows, partial }: Evidence & Found) =>
        `${quoted(table)} (${columns.join(', ')}) references ${quoted(parent)}, and there is no such table: ${rows === 0 ? 'the first row with a value will be refused where keys are enforced' : `${pointing(rows, partial)} nowhere`}`,
      next: ({ repair, rows }: Found) => [
        'Restore the table, or correct the name that the foreign key references: SQLite refuses to write to the child until then, where keys are enforced.',
        ...(rows > 0 ? repair.slice(0, 1) : []),
      ],
    },
    mismatch: {
      say: ({ table, columns, parent }: Evidence) =>
        `foreign key mismatch: ${quoted(table)} (${columns.join(', ')}) references columns of ${quoted(parent)} that are not a key of it`,
      next: ({ parent }: Evidence) => [
        `Create a unique index on the columns of ${quoted(parent)} that are referenced, or correct the foreign key: SQLite refuses to write to either table until then, where keys are enforced.`,
      ],
    },
    ...indexDisagreements,
    unreadable: {
      say: ({ table, text }: Evidence & { text: string; code: string }) =>
        `${quoted(table)} could not be compared: ${text}`,
      next: () => [lookAtPages],
    },
  },
  async run({ db, config, depth, samples, report, coverage, planned, fact, skip }) {
    const catalog = await db.catalog()
    if (catalog.outcome === 'failed') return skip(catalog.reason ?? 'unavailable', catalog.text)
    const keys = catalog.value.foreignKeys.filter(
      ({ child }) => !config.schemas || config.schemas.includes(child.schema),
    )
    const seen = coverage('foreign key')
    fact('schema.foreignKeys', keys.length)
    fact('integrity.orphanedRows', 0)

    const scanned = ahead(keys, async (key) => {
      const scannable = key.fault !== 'mismatch' && heldHere(catalog.value, key.child, key.parent)
      return scannable ? db.orphans(key, samples, keys) : null
    })
    for await (const [key, scan] of scanned) {
      const evidence = {
        schema: key.child.schema,
        table: nameOf(key.child, catalog.value),
        columns: key.columns,
        constraint: key.name ?? undefined,
        parent: nameOf(key.parent, catalog.value),
      }
      if (key.fault === 'mismatch') {
        report('mismatch', evidence)
        seen.examined()
        continue
      }
      if (scan === null) {
        seen.missing(nameIn(evidence), 'unavailable', 'its rows are not kept on this server', true)
        continue
      }
      if (scan.outcome === 'failed' && scan.reason) {
        seen.missing(nameIn(evidence), scan.reason, scan.text)
        continue
      }
      if (scan.outcome === 'failed') {
        seen.examined()
        report('unreadable', { ...evidence, text: scan.text, code: scan.code })
        continue
      }
      const { rows, unconfirmed, misread, plan, gap } = scan.value
      if (gap) seen.missing(nameIn(evidence), gap.reason, gap.detail)
      else seen.examined()
      planned(nameIn(evidence), plan)
      const found = {
        rows,
        ...(gap && { partial: true as const }),
        repaired: key,
        repair: orphanStatements(key, catalog.value, db.dialect),
      }
      fact('integrity.orphanedRows', rows)
      if (key.fault) report('parent-missing', { ...evidence, ...found })
      else if (rows > 0) {
        const { validated } = key
        const parentEmpty = await isEmpty(db, key.parent)
        const told = !gap && !parentEmpty
        const none = told ? await noneOfAll(db, catalog.value, key, scan.value, depth === 'deep') : null
        const meant = none !== null && {
          none,
          repair: [...found.repair.slice(0, 1), ...unsetStatements(key, none, catalog.value)],
        }
        report('dangling', { ...evidence, ...found, ...meant, validated, parentEmpty, samples: scan.value.samples })
      }
      if (unconfirmed > 0) report('index-disagrees', { ...evidence, rows: unconfirmed })
      if (misread > 0) report('key-index-disagrees', { ...evidence, rows: misread })
    }
  },
})

function meantNone(none: string): string {
  return `All of them hold ${none === '' ? 'an empty text' : none}, as if it meant "none": a foreign key takes NULL for that.`
}

function nameIn({ table, columns }: Evidence): string {
  return `${table} (${columns.join(', ')})`
}
