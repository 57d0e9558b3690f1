import {
  defineCheck,
  findTable,
  groupBy,
  identifier,
  literal,
  ownName,
  quoted,
  type Repair,
  remarked,
  type Session,
  sql,
  type Table,
  takenRelations,
  z,
} from 'dbdoctor'

/** A sequence, and a column that takes its values from it. */
interface Feed {
  readonly schema: string
  readonly sequence: string
  readonly tableSchema: string
  readonly table: string
  readonly column: string
  readonly increment: number
  /** The last value that sequence and column both have room for, and the first. The last one in digits: a number is not exact there. */
  readonly end: string
  readonly start: number
  readonly cycles: boolean
  readonly unique: boolean
  /** It is the first column of a key that has more of them. */
  readonly inKey: boolean
  /** An index finds the column's largest value at once. */
  readonly indexed: boolean
  readonly readable: boolean
  readonly partitioned: boolean
  /** Its column is a foreign key: values come from the parent, and the default is there because somebody typed `serial`. */
  readonly borrowed: boolean
  /** Its column takes what the sequence gives as it is. */
  readonly plain: boolean
  /** Somebody has the table for themselves. */
  readonly taken: boolean
  /** Its table or the sequence is kept on another server alone. */
  readonly elsewhere: boolean
  /** Where the end is: that of the column's type, that of the sequence, or both. */
  readonly narrow: boolean
  readonly limited: boolean
  /** The type of the sequence ends before bigint does. */
  readonly small: boolean
}

/** Where a sequence stands. */
interface State {
  readonly last: number
  readonly called: boolean
  /** What it would give next is past its end. */
  readonly exhausted: boolean
  /** The largest value of its column, for a descending one the smallest; null where that takes a scan. */
  readonly extreme: number | null
}

interface Evidence {
  readonly schema: string
  readonly sequence: string
  readonly table: string
  readonly columns: readonly string[]
}

interface Behind extends Evidence {
  /** What it gives next, and the largest value that is there. */
  readonly next: number
  readonly largest: number
  /** Nobody has ever asked it for a value: not even an insert that failed. */
  readonly unused: boolean
  readonly repair: string
}

interface NearEnd extends Evidence {
  readonly share: number
  readonly left: number
  /** What gives the column, and the sequence, more room, as it would be typed; null for the one that is no limit. */
  readonly widen: string | null
  readonly lengthen: string | null
}

const place = ({ sequence, table, columns, next, largest }: Behind) =>
  `sequence ${quoted(sequence)} gives ${next} next, and ${quoted(table)}.${columns[0]} is at ${largest} already`
const widening = ({ widen, lengthen }: NearEnd) => [
  ...(widen === null
    ? []
    : [remarked(widen, 'rewrites the table while nobody can use it; with many rows, add a new column instead')]),
  ...(lengthen === null ? [] : [remarked(lengthen, 'takes no lock on the table')]),
]
const recounting = ({ table }: { table: string }) => [
  `select max(rowid) from ${identifier(table)}`,
  `Where that is far below: update sqlite_sequence set seq = (select max(rowid) from ${identifier(table)}) where name = ${literal(table)}: it locks the file for a moment`,
]
const resetting = ({ repair, unused }: Behind) => [
  remarked(repair, 'takes no lock on the table'),
  ...(unused ? ['It was never used: where the application gives the numbers itself, nothing is wrong.'] : []),
]
const settingForward = ({ schema, sequence, repair }: Behind): Repair[] => {
  const name = identifier(schema, ownName(schema, sequence))
  return [
    {
      kind: 'statements',
      class: 'safe',
      what: `set sequence ${quoted(sequence)} forward`,
      statements: [repair],
      lock: 'ROW EXCLUSIVE on the sequence',
      undo: `select format('select setval(%L, %s, %L)', ${literal(name)}, last_value, is_called) from ${name}`,
    },
  ]
}
const named = (schema: string, name: string) => (schema === 'public' ? name : `${schema}.${name}`)
const percent = (share: number) => `${Math.floor(share * 100)} %`

export default defineCheck({
  id: 'integrity/sequences',
  title: 'Sequences are ahead of their columns, and have room',
  severity: 'error',
  after: ['connection/opens', { id: 'storage/pages', blocks: false }],
  depth: 'standard',
  docs: {
    why: 'After a restore or an import a sequence may stand where it stood before the rows came: the next insert fails with a duplicate key. And a sequence at its end fails every insert.',
    fix: 'Set the sequence to the largest value of its column; give a column that is running out a wider type.',
  },
  options: z.strictObject({
    used: z.number().min(0).max(1).default(0.8).describe('share of the values that may be used'),
  }),
  messages: {
    behind: {
      say: (one: Behind) => `${place(one)}: inserts will fail with a duplicate key`,
      next: resetting,
      repair: settingForward,
    },
    repeats: {
      severity: 'warning',
      say: (one: Behind) => `${place(one)}: numbers will be given twice`,
      next: resetting,
      repair: settingForward,
    },
    'near-end': {
      severity: 'warning',
      say: ({ sequence, table, columns, share }: NearEnd) =>
        `sequence ${quoted(sequence)} of ${quoted(table)}.${columns[0]} has used ${percent(share)} of its values`,
      next: widening,
    },
    exhausted: {
      say: ({ sequence, table, columns }: NearEnd) =>
        `sequence ${quoted(sequence)} of ${quoted(table)}.${columns[0]} has given its last value: inserts that need another fail`,
      next: widening,
    },
    'rowids-near-end': {
      severity: 'warning',
      say: ({ table, share }: { table: string; share: number }) =>
        `${quoted(table)} has used ${percent(share)} of its AUTOINCREMENT rowids: at the end each insert fails with SQLITE_FULL`,
      next: recounting,
    },
    'rowids-exhausted': {
      say: ({ table }: { table: string }) =>
        `${quoted(table)} has given its last AUTOINCREMENT rowid: each insert fails with SQLITE_FULL`,
      next: recounting,
    },
  },
  run: {
    async sqlite({ db, options, report, coverage, skip }) {
      const answer = await db.read(async (kysely) => {
        const { rows } = await sql<{ present: number }>`
          select count(*) as present from sqlite_schema where name = 'sqlite_sequence'`.execute(kysely)
        if (!rows[0]?.present) return []
        // A counter whose table is gone counts nothing; one that is behind its rows is ignored by SQLite.
        const { rows: counters } = await sql<{ table: string; share: number; exhausted: number }>`
          select q.name as "table", max(cast(q.seq as real)) / 9223372036854775807 as share, max(q.seq) = 9223372036854775807 as exhausted
          from sqlite_sequence q join sqlite_schema s on s.name = q.name and s.type = 'table' group by q.name`.execute(
          kysely,
        )
        return counters
      })
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      coverage('sequence').examined(answer.value.length)
      for (const { table, share, exhausted } of answer.value)
        if (exhausted) report('rowids-exhausted', { table })
        else if (share >= options.used) report('rowids-near-end', { table, share })
    },

    async postgres({ db, config, options, report, coverage, skip }) {
      const answer = await feedsIn(db)
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      const feeds = answer.value.filter(({ schema }) => !config.schemas || config.schemas.includes(schema))
      const together = await statesTogether(
        db,
        feeds.filter((feed) => gapOf(feed) === null),
      )
      const seen = coverage('sequence')
      const told = new Set<string>()
      for (const feed of feeds) {
        const sequence = named(feed.schema, feed.sequence)
        const object = `${sequence} of ${named(feed.tableSchema, feed.table)}.${feed.column}`
        const gap = gapOf(feed)
        if (gap) {
          seen.missing(object, gap.reason, gap.detail, gap.optional)
          continue
        }
        const known = together.get(feed)
        const state = known ? { outcome: 'answered' as const, value: known } : await stateOf(db, feed)
        if (state.outcome === 'failed') {
          seen.missing(object, state.reason ?? 'unavailable', state.text)
          continue
        }
        seen.examined()
        const evidence = {
          schema: feed.schema,
          sequence,
          table: named(feed.tableSchema, feed.table),
          columns: [feed.column],
        }
        const { last, called, exhausted, extreme } = state.value
        const { increment, start } = feed
        const end = Number(feed.end)
        const next = called ? last + increment : last
        const used = called || !feed.borrowed
        const behind =
          feed.plain && used && extreme !== null && !feed.cycles && (increment > 0 ? next <= extreme : next >= extreme)
        if (behind && (feed.unique || feed.inKey)) {
          const aggregate = increment > 0 ? 'max' : 'min'
          const from = `select ${aggregate}(${identifier(feed.column)}) from ${identifier(feed.tableSchema, feed.table)}`
          const repair = `select setval(${literal(identifier(feed.schema, feed.sequence))}, (${from}))`
          report(feed.unique ? 'behind' : 'repeats', { ...evidence, next, largest: extreme, unused: !called, repair })
        }
        const share = called ? (last - start) / (end - start) : 0
        const code = exhausted ? 'exhausted' : 'near-end'
        if ((exhausted || share >= options.used) && !feed.cycles && !told.has(`${code} ${sequence}`)) {
          told.add(`${code} ${sequence}`)
          const name = identifier(feed.schema, feed.sequence)
          const column = `${identifier(feed.tableSchema, feed.table)} alter column ${identifier(feed.column)}`
          const room = feed.small ? 'as bigint' : increment > 0 ? 'no maxvalue' : 'no minvalue'
          const widen = feed.plain && feed.narrow ? `alter table ${column} type bigint` : null
          const lengthen = feed.limited ? `alter sequence ${name} ${room}` : null
          report(code, { ...evidence, share, left: Math.max(0, Math.sign(increment) * (end - last)), widen, lengthen })
        }
      }
    },
  },
})

/** Why it cannot be told where a sequence stands, and whether that is no wonder. */
function gapOf({ readable, taken, elsewhere }: Feed) {
  if (!readable)
    return {
      reason: 'no-permission',
      detail: 'the role may not read the sequence or its column',
      optional: false,
    } as const
  if (taken) return { reason: 'unavailable', detail: 'somebody has its table locked', optional: false } as const
  if (elsewhere)
    return {
      reason: 'unavailable',
      detail: 'it is unlogged, and a standby holds nothing of it',
      optional: true,
    } as const
  return null
}

/** The states of those that are asked together, table by table. */
async function statesTogether(db: Session, feeds: readonly Feed[]): Promise<ReadonlyMap<Feed, State>> {
  const catalog = await db.catalog()
  if (catalog.outcome === 'failed') return new Map()
  const feedsOf = groupBy(feeds, ({ tableSchema, table }) =>
    findTable(catalog.value, { schema: tableSchema, name: table }),
  )
  const questions = new Map<Table, ReturnType<typeof stating>>()
  for (const [table, some] of feedsOf) if (table) questions.set(table, stating(some))
  const together = await db.together(questions)
  return new Map(
    [...together].flatMap(([table, rows]) =>
      rows.flatMap((row) => {
        const feed = feedsOf.get(table)?.[row.at]
        return feed ? [[feed, row] as const] : []
      }),
    ),
  )
}

function stateOf({ read }: Session, feed: Feed) {
  return read(async (kysely) => {
    const { rows } = await stating([feed]).execute(kysely)
    const [row] = rows
    if (!row) throw new Error('a sequence has a row')
    return row
  })
}

/** Asks for the states of some, which are told apart by their position. */
function stating(feeds: readonly Feed[]) {
  const states = feeds.map(
    ({ schema, sequence, tableSchema, table, column, increment, end, partitioned, indexed }, at) => {
      const aggregate = increment > 0 ? sql`max` : sql`min`
      const rows = partitioned ? sql`` : sql`only `
      const extreme = indexed
        ? sql`(select ${aggregate}(${sql.id(column)})::float8 from ${rows}${sql.id(tableSchema, table)})`
        : sql`null::float8`
      const next = sql`last_value::numeric + case when is_called then ${sql.lit(increment)} else 0 end`
      return sql`select ${sql.lit(at)}::int as at, last_value::float8 as last, is_called as called,
      ${next} ${increment > 0 ? sql`>` : sql`<`} ${sql.lit(end)}::numeric as exhausted, ${extreme} as extreme
      from ${sql.id(schema, sequence)}`
    },
  )
  return sql<State & { readonly at: number }>`${sql.join(states, sql` union all `)}`
}

/**
 * Sequences by what they feed: columns that own them, identity columns, and columns that name them in a default. One that makes
 * something of what it gets (`nextval('s') * 10`) says nothing of where the sequence stands.
 */
function feedsIn({ read }: Session) {
  return read(async (kysely) => {
    const { rows } = await sql<Feed>`
      with ${takenRelations}, feeds as (
        select d.objid as sequence, d.refobjid as relation, d.refobjsubid as number
        from pg_depend d
        where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i') and d.refobjsubid > 0
        union
        select d.refobjid, ad.adrelid, ad.adnum
        from pg_depend d join pg_attrdef ad on ad.oid = d.objid
        where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype = 'n'
      ), typed as (
        select f.sequence, f.relation, f.number, coalesce(nullif(t.typbasetype, 0), t.oid) as type,
          case when f.relation in (select relation from taken) then d.oid is null else d.oid is null or pg_get_expr(d.adbin, d.adrelid) ~ '^\\(?nextval\\(''.*''::regclass\\)\\)?(::[a-z_"]+)?$' end as plain
        from feeds f
        join pg_attribute a on a.attrelid = f.relation and a.attnum = f.number
        join pg_type t on t.oid = a.atttypid
        left join pg_attrdef d on d.adrelid = f.relation and d.adnum = f.number
      )
      select sn.nspname as schema, sc.relname as sequence, n.nspname as "tableSchema", c.relname as "table", a.attname as "column",
        s.seqincrement::float8 as increment, s.seqcycle as cycles, c.relkind = 'p' as partitioned,
        (case when s.seqincrement > 0 then s.seqmin else s.seqmax end)::float8 as start,
        (case when s.seqincrement > 0
          then least(s.seqmax, case when f.plain then ${endOf(sql`32767`, sql`2147483647`)} end)
          else greatest(s.seqmin, case when f.plain then ${endOf(sql`-32768`, sql`-2147483648`)} end)
        end)::text as "end",
        f.plain, s.seqtypid <> 'int8'::regtype as small,
        case when s.seqincrement > 0
          then coalesce(${endOf(sql`32767`, sql`2147483647`)} <= s.seqmax, false)
          else coalesce(${endOf(sql`-32768`, sql`-2147483648`)} >= s.seqmin, false)
        end as narrow,
        case when s.seqincrement > 0
          then s.seqmax <= coalesce(${endOf(sql`32767`, sql`2147483647`)}, s.seqmax)
          else s.seqmin >= coalesce(${endOf(sql`-32768`, sql`-2147483648`)}, s.seqmin)
        end as limited,
        exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'f' and k.conkey = array[a.attnum]) as borrowed,
        f.relation in (select relation from taken) as taken,
        pg_is_in_recovery() and 'u' in (c.relpersistence, sc.relpersistence) as elsewhere,
        exists (select from pg_index i where i.indrelid = c.oid and i.indisunique and i.indkey[0] = a.attnum and i.indnkeyatts = 1
          and i.indpred is null and i.indisvalid) as unique,
        exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary and i.indkey[0] = a.attnum and i.indnkeyatts > 1) as "inKey",
        exists (select from pg_index i join pg_class x on x.oid = i.indexrelid join pg_am m on m.oid = x.relam and m.amname = 'btree'
          where i.indrelid = c.oid and i.indkey[0] = a.attnum and i.indpred is null and i.indisvalid) as indexed,
        has_sequence_privilege(s.seqrelid, 'select') and has_column_privilege(c.oid, a.attnum, 'select')
          and has_schema_privilege(n.oid, 'usage') and has_schema_privilege(sn.oid, 'usage') as readable
      from pg_sequence s
      join pg_class sc on sc.oid = s.seqrelid and sc.relpersistence <> 't' join pg_namespace sn on sn.oid = sc.relnamespace
      join typed f on f.sequence = s.seqrelid
      join pg_class c on c.oid = f.relation and c.relkind in ('r', 'p') and not c.relispartition join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = f.relation and a.attnum = f.number
        and f.type in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)
      where not exists (select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
      order by 1, 2, 3, 4`.execute(kysely)
    return rows
  })
}

/** Where the type of a column ends; null where it ends with the sequence. */
function endOf(small: ReturnType<typeof sql>, integer: ReturnType<typeof sql>) {
  return sql`case f.type when 'int2'::regtype then ${small} when 'int4'::regtype then ${integer} end`
}
