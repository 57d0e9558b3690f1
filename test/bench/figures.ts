import { execFileSync } from 'node:child_process'
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { createSqliteDemo } from '../../fixtures/demo/build.js'

export interface Size {
  readonly children: number
  readonly parents: number
  /** Tables of the catalog that is read. */
  readonly tables: number
}

/** A whole command, and the one that it is measured against in the same run. */
export interface Figure {
  readonly name: string
  readonly command: readonly string[]
  readonly peer: readonly string[]
  /** The peer as somebody would type it. */
  readonly against: string
  /** The ratio that is wanted, at most. */
  readonly wanted: number
  /** Put before each run of the peer, and not measured. */
  readonly prepare?: () => void
}

export interface Place {
  /** What is built once, and kept for the next time. */
  readonly cache: string
  readonly size: Size
  readonly dbdoctor: readonly string[]
  /** Runs SQL on the server, in this database. */
  readonly psql: (database: string, ...more: readonly string[]) => readonly string[]
  readonly url: (database: string) => string
}

const scan = ['--only', 'integrity/foreign-keys', '--no-progress']

/** Starting up, and a look at something small. */
export async function startUp({ cache, dbdoctor, psql, url }: Place): Promise<Figure[]> {
  const demo = join(cache, 'demo.db')
  if (!existsSync(demo)) await createSqliteDemo(demo)
  run(psql('postgres', '-qc', 'create database small'))
  run(
    psql(
      'small',
      '-qc',
      'create table p (id int primary key); create table c (id int primary key, p_id int references p)',
    ),
  )
  const bare = { peer: [process.execPath, '-e', '0'], against: 'node -e 0' }
  return [
    { name: 'dbdoctor --version', command: [...dbdoctor, '--version'], ...bare, wanted: 1.3 },
    { name: 'dbdoctor --help', command: [...dbdoctor, '--help'], ...bare, wanted: 1.3 },
    {
      name: 'dbdoctor check, the demo’s SQLite file',
      command: [...dbdoctor, 'check', demo, '--no-progress'],
      ...bare,
      wanted: 3,
    },
    {
      name: 'dbdoctor check, a small PostgreSQL database',
      command: [...dbdoctor, 'check', url('small'), '--no-progress'],
      ...bare,
      wanted: 3,
    },
  ]
}

/** Kinds of keys on SQLite: how the parent's key and the child's are declared, and how a number becomes one. */
const kinds = {
  integer: { type: 'integer', key: ['id'], of: (n: string) => [n] },
  UUID: {
    type: 'text',
    key: ['id'],
    of: (n: string) => [`printf('%08x-0000-4000-8000-%012x', (${n} * 2654435761) % 4294967296, ${n})`],
  },
  composite: { type: 'integer', key: ['a', 'b'], of: (n: string) => [`${n} / 1000`, `${n} % 1000`] },
} as const

export function onSqlite({ cache, size, dbdoctor }: Place): Figure[] {
  const wanted = { integer: [0.15, 0.08], UUID: [0.6, 0.12], composite: [Number.NaN, 0.2] } as const
  return (Object.keys(kinds) as (keyof typeof kinds)[]).flatMap((kind) =>
    [false, true].map((indexed): Figure => {
      const file = join(cache, `${kind}-${indexed ? 'indexed' : 'plain'}-${size.children}.db`)
      if (!existsSync(file)) buildSqlite(file, kind, indexed, size)
      return {
        name: `foreign key of ${figures(size.children)} by ${figures(size.parents)} rows, SQLite, ${kind}, ${indexed ? 'indexed' : 'not indexed'}`,
        command: [...dbdoctor, 'check', file, ...scan],
        peer: ['sqlite3', '-readonly', file, 'pragma foreign_key_check(child)'],
        against: 'sqlite3 FILE "PRAGMA foreign_key_check(child)"',
        wanted: wanted[kind][indexed ? 1 : 0],
      }
    }),
  )
}

function buildSqlite(file: string, kind: keyof typeof kinds, indexed: boolean, { children, parents }: Size): void {
  const { type, key, of } = kinds[kind]
  const columns = (prefix: string) => key.map((name) => `${prefix}${name}`)
  const typed = (prefix: string) =>
    columns(prefix)
      .map((name) => `${name} ${type}`)
      .join(', ')
  const primary = kind === 'integer' ? `${key[0]} integer primary key` : `${typed('')}, primary key (${key.join(', ')})`
  const making = `${file}.making`
  rmSync(making, { force: true })
  const database = new BetterSqlite(making)
  database.pragma('journal_mode = wal')
  database.pragma('synchronous = off')
  database.pragma('foreign_keys = off')
  // One child in five thousand has no parent.
  const parent = `1 + (i * 7919) % ${parents} + case when i % 5000 = 0 then ${2 * parents} else 0 end`
  database.exec(`
    create table parent (name text, ${primary});
    create table child (id integer primary key, ${typed('p_')}, note text, foreign key (${columns('p_').join(', ')}) references parent (${key.join(', ')}));
    with recursive n (i) as (select 1 union all select i + 1 from n where i < ${parents}) insert into parent select 'parent ' || i, ${of('i').join(', ')} from n;
    with recursive n (i) as (select 1 union all select i + 1 from n where i < ${children}), k as (select i, ${parent} as p from n)
      insert into child select i, ${of('p').join(', ')}, 'some text of a child' from k;
    ${indexed ? `create index child_parent on child (${columns('p_').join(', ')});` : ''}`)
  database.pragma('wal_checkpoint(truncate)')
  database.close()
  renameSync(making, file)
}

export function onPostgres({ size, dbdoctor, psql, url }: Place): Figure[] {
  const { children, parents } = size
  return ['plain', 'indexed'].flatMap((kind): Figure[] => {
    const database = `keys_${kind}`
    const statements = [
      'create table parent (id int primary key, name text)',
      'create table child (id int primary key, p_id int, note text)',
      `insert into parent select i, 'parent ' || i from generate_series(1, ${parents}) i`,
      `insert into child select i, 1 + (i * 7919::bigint) % ${parents}, 'some text of a child' from generate_series(1, ${children}) i`,
      ...(kind === 'indexed' ? ['create index on child (p_id)'] : []),
      'alter table child add constraint fk foreign key (p_id) references parent',
      'vacuum analyze',
    ]
    run(psql('postgres', '-qc', `create database ${database}`))
    run(psql(database, '-q', ...statements.flatMap((statement) => ['-c', statement])))
    const look = {
      name: `foreign key of ${figures(children)} by ${figures(parents)} rows, PostgreSQL, ${kind === 'plain' ? 'not indexed' : kind}`,
      command: [...dbdoctor, 'check', url(database), ...scan],
    }
    const again = [
      'alter table child drop constraint fk',
      'alter table child add constraint fk foreign key (p_id) references parent not valid',
    ]
    const antiJoin =
      'select count(*) from child c where p_id is not null and not exists (select from parent p where p.id = c.p_id)'
    return [
      {
        ...look,
        peer: psql(database, '-qc', 'alter table child validate constraint fk'),
        against: 'ALTER TABLE … VALIDATE CONSTRAINT',
        wanted: kind === 'plain' ? 0.5 : 0.3,
        prepare: () => run(psql(database, '-q', ...again.flatMap((statement) => ['-c', statement]))),
      },
      { ...look, peer: psql(database, '-Atc', antiJoin), against: 'psql, a hand-written anti-join', wanted: 1.1 },
    ]
  })
}

/** Several keys at once, with the server's workers and without them, against the same statements one after another. */
export function fourKeys({ size, dbdoctor, psql, url }: Place): Figure[] {
  const { children, parents } = size
  const keys = { a: 'id', b: 'id', c: 'u', d: 'u' } as const
  const uuid = (number: string) => `md5((${number})::text)::uuid`
  const [some, others] = [7919, 104729].map((prime) => `1 + (i * ${prime}::bigint) % ${parents}`)
  run(psql('postgres', '-qc', 'create database four'))
  const statements = [
    'create table parent (id int primary key, u uuid unique not null, name text)',
    `insert into parent select i, ${uuid('i')}, 'parent ' || i from generate_series(1, ${parents}) i`,
    'create table child (id int primary key, a int, b int, c uuid, d uuid, note text)',
    `insert into child select i, ${some}, ${others}, ${uuid(`${some}`)}, ${uuid(`${others}`)}, 'some text of a child' from generate_series(1, ${children}) i`,
    ...Object.entries(keys).map(
      ([own, key]) => `alter table child add foreign key (${own}) references parent (${key}) not valid`,
    ),
    'vacuum analyze',
  ]
  run(psql('four', '-q', ...statements.flatMap((statement) => ['-c', statement])))
  const antiJoins = Object.entries(keys).flatMap(([own, key]) => [
    '-c',
    `select count(*) from child c where c.${own} is not null and not exists (select from parent p where p.${key} = c.${own})`,
  ])
  const name = `four foreign keys of ${figures(children)} by ${figures(parents)} rows, PostgreSQL`
  const against = 'psql, four hand-written anti-joins'
  const alone = ['-c', 'set max_parallel_workers_per_gather = 0']
  return [
    {
      name: `${name}, its workers as by default`,
      command: [...dbdoctor, 'check', url('four'), ...scan],
      peer: psql('four', '-At', ...antiJoins),
      ...{ against, wanted: 1 },
    },
    {
      name: `${name}, no parallel workers`,
      command: [...dbdoctor, 'check', `${url('four')}?options=-c%20max_parallel_workers_per_gather%3D0`, ...scan],
      peer: psql('four', '-At', ...alone, ...antiJoins),
      ...{ against, wanted: 0.7 },
    },
  ]
}

/** Whether each of many tables can be read. */
export function readability({ size: { tables }, dbdoctor, psql, url, cache }: Place): Figure {
  const script = join(cache, `looks-${tables}.sql`)
  writeFileSync(script, Array.from({ length: tables }, (_, at) => `select 1 from t${at + 1} limit 1;\n`).join(''))
  return {
    name: `${figures(tables)} tables read one by one, PostgreSQL`,
    command: [...dbdoctor, 'check', url('many'), '--only', 'schema/tables', '--no-progress'],
    peer: psql('many', '-Atqf', script),
    against: `psql -f, ${figures(tables)} × select 1 from t limit 1`,
    wanted: 1.5,
  }
}

/** All that `--depth standard` looks at, against the least that somebody would ask by hand of each table. */
export function everything({ size: { tables }, dbdoctor, psql, url, cache }: Place): Figure {
  const script = join(cache, `counts-${tables}.sql`)
  const asked = Array.from(
    { length: tables },
    (_, at) => `select count(*) from t${at + 1};
      select count(*) from t${at + 1} c where up is not null and not exists (select from t${at} p where p.id = c.up);\n`,
  )
  writeFileSync(script, asked.join(''))
  return {
    name: `a standard look at ${figures(tables)} tables, PostgreSQL`,
    command: [...dbdoctor, 'check', url('many'), '--no-progress'],
    peer: psql('many', '-Atqf', script),
    against: `psql -f, ${figures(tables)} × a count and an anti-join`,
    wanted: Number.NaN,
  }
}

const own = "n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'"
/** What a quick look reads of a catalog, as somebody would ask for it by hand. */
const byHand = [
  `select c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.reltuples, c.relpages, i.inhparent::regclass
    from pg_class c join pg_namespace n on n.oid = c.relnamespace left join pg_inherits i on i.inhrelid = c.oid
    where c.relkind in ('r', 'p', 'f', 'v', 'm') and ${own} order by 2, 3`,
  `select a.attrelid, a.attnum, a.attname, format_type(a.atttypid, null), a.attnotnull, a.attgenerated, pg_get_expr(d.adbin, d.adrelid)
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where c.relkind in ('r', 'p', 'f', 'v', 'm') and a.attnum > 0 and not a.attisdropped and ${own} order by 1, 2`,
  `select n.nspname, x.relname, c.relname, i.indkey, i.indcollation, i.indisunique, i.indisprimary, i.indisvalid, i.indisready, k.contype
    from pg_index i join pg_class x on x.oid = i.indexrelid join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
    left join pg_constraint k on k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x') where ${own} order by 1, 2`,
  `select n.nspname, c.relname, k.conname, k.conkey, pn.nspname, p.relname, k.confkey, k.confmatchtype, k.convalidated, k.condeferrable, k.conpfeqop
    from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
    join pg_class p on p.oid = k.confrelid join pg_namespace pn on pn.oid = p.relnamespace where k.contype = 'f' and ${own} order by 1, 2, 3`,
  `select n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid), k.convalidated
    from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
    where k.contype = 'c' and ${own} order by 1, 2, 3`,
  `select n.nspname, c.relname, s.seqstart, s.seqincrement
    from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace where ${own} order by 1, 2`,
  `select n.nspname, c.relname, t.tgname, t.tgenabled
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace where not t.tgisinternal and ${own} order by 1, 2, 3`,
  `select n.nspname, c.relname, has_schema_privilege(n.oid, 'usage') and has_any_column_privilege(c.oid, 'select')
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p') and ${own}`,
]

/** Catalogs of many tables. */
export function catalogs({ size: { tables }, dbdoctor, psql, url }: Place, dump: string): Figure[] {
  run(psql('postgres', '-qc', 'create database many'))
  const one = (at: string) =>
    `format('create table t%s (id int primary key, a text, b int, c timestamptz, d numeric, up int references t%s); create index on t%s (a); create index on t%s (up)', ${at}, ${at} - 1, ${at}, ${at})`
  run(psql('many', '-qc', 'create table t0 (id int primary key)'))
  for (let at = 0; at < tables; at += 500)
    run(
      psql(
        'many',
        '-qc',
        `do $$ begin for i in ${at + 1}..${Math.min(at + 500, tables)} loop execute ${one('i')}; end loop; end $$`,
      ),
    )
  // What was made in haste is cleaned up by the server in a minute, beside whoever is timed then.
  run(psql('many', '-qc', 'vacuum analyze'))
  return [
    {
      name: `a quick look at ${figures(tables)} tables, PostgreSQL`,
      command: [...dbdoctor, 'check', url('many'), '--depth', 'quick', '--no-progress'],
      peer: [dump, '--schema-only', url('many')],
      against: 'pg_dump --schema-only',
      wanted: 0.6,
    },
    {
      name: `a quick look at ${figures(tables)} tables, PostgreSQL`,
      command: [...dbdoctor, 'check', url('many'), '--depth', 'quick', '--no-progress'],
      peer: psql('many', '-At', ...byHand.flatMap((statement) => ['-c', statement])),
      against: 'psql, tables, columns, indexes, constraints, sequences, triggers and rights by hand',
      wanted: 3,
    },
  ]
}

export function run([program = '', ...args]: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

export function figures(count: number): string {
  if (count >= 1_000_000) return `${count / 1_000_000} M`
  return count >= 10_000 ? `${count / 1000} k` : `${count}`
}
