import {
  agreeing,
  ahead,
  type Catalog,
  countedTables,
  defineCheck,
  findTable,
  identifier,
  isSmall,
  leavesOf,
  nameOf,
  quoted,
  type Relation,
  remarked,
  roleSearchPath,
  type Session,
  sql,
  type Table,
  z,
} from 'dbdoctor'

interface Evidence {
  readonly schema: string
  readonly table: string
  readonly parent: string
}

interface Misplaced extends Evidence {
  readonly rows: number
  /** The statement that shows them, and the one that moves them; null where that would be felt elsewhere. */
  readonly select: string
  readonly move: string | null
}

interface Pending extends Evidence {
  /** The statement that ends what was begun. */
  readonly detach: string
}

export default defineCheck({
  id: 'integrity/partitions',
  title: 'Every row lies in its partition',
  severity: 'error',
  after: ['connection/opens', { id: 'storage/pages', blocks: false }],
  depth: 'standard',
  docs: {
    why: 'A row is looked for in the one partition that its key belongs to. Where it lies in another (its collation or its hash has changed, or it came in past the bounds), it is there, and no query by its key finds it.',
    fix: 'Find out what changed: the collation of a text key, the hash of a type, an import into a partition. Then move the rows.',
  },
  options: z.strictObject({
    rows: z
      .int()
      .nonnegative()
      .default(1_000_000)
      .describe('rows up to which a partition is read, unless --depth deep'),
  }),
  messages: {
    misplaced: {
      say: ({ table, parent, rows }: Misplaced) =>
        `${quoted(table)}: ${agreeing(rows, 'row', 'lie')} outside the bounds of this partition of ${quoted(parent)}: no query by the key finds ${rows === 1 ? 'it' : 'them'}`,
      next: ({ select, move }: Misplaced) => [
        select,
        move === null
          ? 'Move them with whoever knows the tables that reference them: what is deleted may take rows of those with it.'
          : remarked(move, 'takes them out, and lets PostgreSQL choose their partition'),
      ],
    },
    'detach-pending': {
      severity: 'warning',
      say: ({ table, parent }: Pending) =>
        `${quoted(table)} was to be detached from ${quoted(parent)}, and was not: queries no longer read it, and no other partition can be detached`,
      next: ({ detach }: Pending) => [remarked(detach, 'ends what was interrupted')],
    },
  },
  run: {
    async postgres({ db, config, depth, options, report, coverage, skip }) {
      const answer = await db.catalog()
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      const catalog = answer.value
      const partitions = countedTables(catalog)
        .filter(({ kind, schema }) => kind === 'partitioned' && (!config.schemas || config.schemas.includes(schema)))
        .flatMap((root) => leavesOf(catalog, root))
        .filter(({ stored }) => stored)
      const seen = coverage('partition', partitions.length)
      if (partitions.length === 0) return
      const bounds = await boundsOf(db, partitions)
      if (bounds.outcome === 'failed') return skip(bounds.reason ?? 'unavailable', bounds.text)
      const evidenceOf = (table: Table) => ({
        schema: table.schema,
        table: nameOf(table, catalog),
        parent: nameOf(table.partitionOf ?? table, catalog),
      })
      for (const [table, { pending }] of bounds.value)
        if (pending) report('detach-pending', { ...evidenceOf(table), detach: detaching(table) })

      const isRead = (table: Table) => depth === 'deep' || (table.rowsEstimate ?? 0) <= options.rows
      for (const table of partitions.filter((one) => !isRead(one)))
        seen.missing(evidenceOf(table).table, 'unsafe', 'many rows: --depth deep reads it', true)
      const counts = new Map(
        [...bounds.value]
          .filter(([table]) => isRead(table))
          .map(([table, { bound }]) => [table, counting(table, bound)] as const),
      )
      const together = await db.together(new Map([...counts].filter(([table]) => isSmall(table))), settings)
      const looks = ahead(counts, async ([table, count]) => {
        const rows = together.get(table)
        return rows
          ? { outcome: 'answered' as const, value: rows }
          : db.scan(async (kysely) => (await count.execute(kysely)).rows, depth === 'deep', settings)
      })
      for await (const [[table], look] of looks) {
        const evidence = evidenceOf(table)
        if (look.outcome === 'failed') {
          seen.missing(evidence.table, look.reason ?? 'unavailable', look.text)
          continue
        }
        seen.examined()
        const rows = Number(look.value[0]?.rows)
        const condition = `not (${bounds.value.get(table)?.bound})`
        const select = `select * from ${identifier(table.schema, table.name)} where ${condition}`
        if (rows > 0) report('misplaced', { ...evidence, rows, select, move: moving(catalog, table, condition) })
      }
    },
  },
})

/** What the bound of a partition calls is found where the application finds it. */
const settings = roleSearchPath.postgres

interface Bound {
  /** What all rows satisfy, as an expression. */
  readonly bound: string
  /** DETACH … CONCURRENTLY has begun, and not ended, nor does anybody wait for old transactions, as it does. */
  readonly pending: boolean
}

/** https://www.postgresql.org/docs/current/catalog-pg-inherits.html; before PostgreSQL 14 nothing is detached concurrently. */
async function boundsOf(db: Session, partitions: readonly Table[]) {
  const answer = await db.read(async (kysely) => {
    const { rows } = await sql<Relation & Bound>`
      select n.nspname as schema, c.relname as name, pg_get_partition_constraintdef(c.oid) as bound,
        coalesce((to_jsonb(i) ->> 'inhdetachpending')::boolean, false) and not exists (select from pg_locks w join pg_stat_activity s using (pid)
          where s.datname = current_database() and w.locktype = 'virtualxid' and w.mode = 'ShareLock' and not w.granted) as pending
      from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_inherits i on i.inhrelid = c.oid
      where c.relispartition and c.relkind = 'r'`.execute(kysely)
    return new Map(rows.map((row) => [identifier(row.schema, row.name), row]))
  })
  if (answer.outcome === 'failed') return answer
  const found = partitions.flatMap((table): [Table, Bound][] => {
    const bound = answer.value.get(identifier(table.schema, table.name))
    return bound?.bound ? [[table, bound]] : []
  })
  return { outcome: 'answered' as const, value: new Map(found) }
}

function counting({ schema, name }: Table, bound: string) {
  return sql<{
    rows: number
  }>`select count(case when not (${sql.raw(bound)}) then 1 end) as rows from only ${sql.id(schema, name)}`
}

/** What takes rows out of their partition and gives them to its parent again; null where a key references them, which may cascade. */
function moving(catalog: Catalog, table: Table, condition: string): string | null {
  const above: Relation[] = [table]
  for (let parent = table.partitionOf; parent; parent = findTable(catalog, parent)?.partitionOf ?? null)
    above.push(parent)
  const isReferenced = catalog.foreignKeys.some(({ parent }) =>
    above.some(({ schema, name }) => schema === parent.schema && name === parent.name),
  )
  const root = above.at(-1)
  if (isReferenced || !root) return null
  const columns = table.columns.filter(({ generated }) => !generated).map(({ name }) => identifier(name))
  const names = columns.join(', ')
  return `with gone as (delete from ${identifier(table.schema, table.name)} where ${condition} returning *) insert into ${identifier(root.schema, root.name)} (${names}) overriding system value select ${names} from gone`
}

function detaching({ schema, name, partitionOf }: Table): string {
  const parent = partitionOf ? identifier(partitionOf.schema, partitionOf.name) : ''
  return `alter table ${parent} detach partition ${identifier(schema, name)} finalize`
}
