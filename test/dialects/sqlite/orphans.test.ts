import BetterSqlite from 'better-sqlite3'
import fc from 'fast-check'
import { sql } from 'kysely'
import { expect, test, vi } from 'vitest'
import { limit } from '../../../src/contracts/limits.js'
import { inBatches } from '../../../src/dialects/sqlite/batches.js'
import { scanOrphans } from '../../../src/dialects/sqlite/orphans.js'
import { dialectOf, parseTarget } from '../../../src/dialects/target.js'
import { examineOne, hung, testDatabase } from '../../support/databases.js'

/** What a child may hold of an integer key, as it is typed. */
const integers = fc.integer({ min: -5, max: 70 }).map(String)
const values = fc.oneof(
  { weight: 6, arbitrary: integers },
  fc.constantFrom('null', "'7'", "' 7'", "'7.0'", '7.0', '7.5', "'abc'", "x'37'", "''", '9223372036854775807', '1e300'),
)
/** Keys that are all there, or all but for a few. */
const runs = fc
  .record({
    low: fc.integer({ min: -40, max: 20 }),
    without: fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 5 }),
  })
  .map(({ low, without }) =>
    Array.from({ length: 60 }, (_, at) => at)
      .filter((at) => !without.includes(at))
      .map((at) => low + at),
  )
/** And some that are scattered. */
const parents: fc.Arbitrary<readonly (number | bigint)[]> = fc.oneof(
  runs,
  fc.uniqueArray(fc.integer({ min: -60, max: 60 }), { minLength: 1, maxLength: 60 }),
  fc.constant([1, 2, 9_007_199_254_740_993n]),
  fc.constant([]),
)

/** As if a few rows were many: everything is cut, and two processes share it. */
const tiny = {
  counted: 2,
  throughIndex: 4,
  throughTable: 4,
  forRuns: 5,
  ofPiece: 7,
  ofFinePiece: 3,
  forTwo: 1,
  inOneStep: 1000,
  inMillisecond: 250,
}

interface Found {
  readonly ids: number[]
  readonly rows: number
}

/** The orphans of each child's foreign key: at once, and as every way to cut a scan finds them. */
async function scannedEveryWay(target: string, children: readonly string[], sizes = tiny) {
  const limits = limit(performance.now() + hung, new AbortController().signal)
  const open = async () => {
    const opening = await (await dialectOf(parseTarget(target), {})).open(limits)
    if (opening.outcome !== 'opened') throw new Error(opening.text)
    return opening.database
  }
  const databases = await Promise.all([open(), open()])
  try {
    const [session, beside] = [databases[0].session(limits), databases[1].session(limits)]
    const catalog = await session.catalog()
    if (catalog.outcome === 'failed') throw new Error(catalog.text)
    const lanes = [session.read, beside.read] as const
    const begin = session.read
    const worlds = [
      { snapshots: true, expires: limits.expires },
      { snapshots: true, expires: limits.expires, sizes },
      { snapshots: true, expires: limits.expires, sizes: { ...sizes, inOneStep: 0 } },
      { snapshots: true, expires: limits.expires, sizes: { ...sizes, inMillisecond: 0 } },
      { snapshots: false, expires: limits.expires, sizes },
    ]
    const found: Record<string, Found[]> = {}
    for (const key of catalog.value.foreignKeys.filter(({ child }) => children.includes(child.name))) {
      const scans: Found[] = []
      for (const world of worlds) {
        const scan = await scanOrphans({ begin, lanes, catalog: catalog.value, ...world }, key, 200)
        if (scan.outcome === 'failed') throw new Error(scan.text)
        const ids = scan.value.samples.map(({ row }) => Number(row.id)).sort((a, b) => a - b)
        scans.push({ ids, rows: scan.value.rows })
      }
      found[key.child.name] = scans
    }
    return found
  } finally {
    for (const database of databases) await database.close()
    limits.clear()
  }
}

/** Four relationships in one database, as every way finds their orphans, against what SQLite itself says. */
async function agrees(pairs: readonly string[], journal = 'delete') {
  const { target } = await testDatabase(
    'sqlite',
    `pragma journal_mode = ${journal}; pragma foreign_keys = off; ${pairs.join('')}`,
  )
  const database = new BetterSqlite(target.slice('sqlite:'.length), { readonly: true })
  const expected: Record<string, Found[]> = {}
  for (const child of pairs.map((_, at) => `c${at}`)) {
    try {
      const rows = database.pragma(`foreign_key_check(${child})`) as { rowid: number }[]
      const ids = rows.map(({ rowid }) => rowid).sort((a, b) => a - b)
      expected[child] = Array(5).fill({ ids, rows: ids.length })
    } catch {
      // A parent whose key has another collation than its column is none that SQLite takes.
    }
  }
  database.close()
  expect(await scannedEveryWay(target, Object.keys(expected))).toEqual(expected)
}

const fourOf = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: 4, maxLength: 4 })

test('whichever way a relationship is scanned, its orphans are those of PRAGMA foreign_key_check', async () => {
  const pair = fc.record({
    keys: parents,
    held: fc.array(values, { minLength: 30, maxLength: 120 }),
    type: fc.constantFrom('integer', 'text', '', 'real', 'numeric', 'int not null'),
    key: fc.constantFrom('integer primary key', 'integer primary key desc', 'int primary key'),
    indexed: fc.boolean(),
    // How far apart rowids are says how many there may be, and which way is taken.
    apart: fc.constantFrom(1, 1000, 1_000_000),
  })
  await fc.assert(
    fc.asyncProperty(fourOf(pair), fc.constantFrom('wal', 'delete'), (pairs, journal) =>
      agrees(
        pairs.map(({ keys, held, type, key, indexed, apart }, n) => {
          const rows = held.filter((value) => value !== 'null' || type !== 'int not null')
          return `create table p${n} (id ${key}); create table c${n} (id integer primary key, p_id ${type} references p${n} (id));
            ${indexed ? `create index c${n}_p on c${n} (p_id);` : ''}
            ${keys.map((one) => `insert into p${n} values (${one});`).join('')}
            ${rows.map((one, at) => `insert into c${n} values (${at * apart}, ${one});`).join('')}`
        }),
        journal,
      ),
    ),
    { numRuns: 20 },
  )
})

test('an index of integers is relied on where it holds nothing else', async () => {
  const pair = fc.record({
    keys: runs,
    held: fc.array(integers, { minLength: 40, maxLength: 120 }),
    odd: fc.option(
      fc.constantFrom('null', '0.5', '7.5', '12.0', "'7'", "'abc'", "x'37'", '9223372036854775807', '1e300'),
    ),
    type: fc.constantFrom('integer', '', 'numeric'),
  })
  await fc.assert(
    fc.asyncProperty(fourOf(pair), (pairs) =>
      agrees(
        pairs.map(
          ({ keys, held, odd, type }, n) => `create table p${n} (id integer primary key);
            create table c${n} (id integer primary key, p_id ${type} references p${n} (id)); create index c${n}_p on c${n} (p_id);
            insert into p${n} values ${keys.map((one) => `(${one})`)};
            insert into c${n} (p_id) values ${[...held, ...(odd === null ? [] : [odd])].map((one) => `(${one})`)};`,
        ),
        'wal',
      ),
    ),
    { numRuns: 15 },
  )
})

test('whichever way keys of texts, or of several columns, are compared', async () => {
  const texts = fc.constantFrom('null', "'a'", "'A'", "'a '", "'7'", '7', '7.0', "x'61'", "''", "'ä'")
  const numbers = fc.constantFrom('null', '1', '1.0', "'1'", '2', "'x'", '9223372036854775807')
  const type = fc.constantFrom('text', 'text collate nocase', 'text collate rtrim', 'integer', '', 'varchar(9)')
  const pair = fc.record({
    keys: fc.array(fc.tuple(texts, numbers), { minLength: 1, maxLength: 12 }),
    held: fc.array(fc.tuple(texts, numbers), { minLength: 1, maxLength: 25 }),
    own: type,
    parents: type,
    key: fc.constantFrom(
      'primary key (a, b))',
      'primary key (a, b)) without rowid',
      'unique (b, a))',
      'unique (a, b))',
    ),
    index: fc.constantFrom('', '(pa, pb)', '(pa collate nocase, pb)'),
  })
  await fc.assert(
    fc.asyncProperty(fourOf(pair), (pairs) =>
      agrees(
        pairs.map(
          ({ keys, held, own, parents, key, index }, n) => `create table p${n} (a ${parents}, b integer, ${key};
            create table c${n} (id integer primary key, pa ${own}, pb integer, foreign key (pa, pb) references p${n} (a, b));
            ${index && `create index c${n}_p on c${n} ${index};`}
            ${keys.map((one) => `insert or ignore into p${n} values (${one.join()});`).join('')}
            ${held.map((one, at) => `insert into c${n} values (${at}, ${one.join()});`).join('')}`,
        ),
      ),
    ),
    { numRuns: 20 },
  )
})

test('a row is told by its rowid, where INTEGER PRIMARY KEY DESC is no other name for that', async () => {
  const { target } = await testDatabase(
    'sqlite',
    `create table p (id integer primary key); create table c (id integer primary key desc, p_id integer references p (id));
     insert into c values (50, null), ('x', null); pragma foreign_keys = off; insert into c values (70, 9)`,
  )
  const result = await examineOne('integrity/foreign-keys', target)
  expect(result.findings[0]?.evidence.samples).toEqual([expect.objectContaining({ row: { rowid: 3 } })])
})

test('a scan whose time is up says how much was compared', async () => {
  const { target } = await testDatabase(
    'sqlite',
    `pragma journal_mode = wal; create table p (id integer primary key); insert into p values (1), (2);
     create table c (id integer primary key, p_id integer references p (id));
     with recursive n (i) as (select 1 union all select i + 1 from n where i < 200000) insert into c select i, 1 + i % 2 from n;
     pragma foreign_keys = off; update c set p_id = 9 where id = 100`,
  )
  const limits = limit(performance.now() + hung, new AbortController().signal)
  const opening = await (await dialectOf(parseTarget(target), {})).open(limits)
  if (opening.outcome !== 'opened') throw new Error(opening.text)
  const session = opening.database.session(limits)
  const catalog = await session.catalog()
  const [key] = catalog.outcome === 'answered' ? catalog.value.foreignKeys : []
  if (catalog.outcome !== 'answered' || !key) throw new Error('no key')
  const late = { outcome: 'failed', reason: 'deadline', code: '', text: 'its time was up' } as const
  let now = performance.now()
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now)
  /** With time for so many reads, and for no more than looking again at what they found; `cut`: not even for that. */
  const scanned = async (reads: number, { snapshots = true, cut = false } = {}) => {
    let left = reads
    const [began, expires] = [now, now + 100]
    const read: typeof session.read = async (work) => {
      if (left === 0 && cut) return late
      const answer = await session.read(work)
      if (--left === 0) now = began + 95
      return answer
    }
    const lanes: [typeof read] = [read]
    return scanOrphans({ begin: read, lanes, catalog: catalog.value, snapshots, expires }, key, 5)
  }
  // What is known of both sides, and pieces from then on.
  expect(await scanned(1)).toMatchObject({ outcome: 'failed', text: 'its time was up' })
  const share = 'its time was up; rowids 1 to 40000 of 200000 were compared (20 %)'
  for (const snapshots of [true, false])
    expect(await scanned(2, { snapshots })).toMatchObject({
      outcome: 'answered',
      value: { rows: 1, samples: [{ row: { id: 100 } }], gap: { reason: 'deadline', detail: share } },
    })
  expect(await scanned(2, { cut: true })).toMatchObject({
    outcome: 'failed',
    reason: 'deadline',
    text: `${share}; 1 of them seem to have no parent`,
  })
  const all = await scanned(1000)
  expect(all).toMatchObject({ outcome: 'answered', value: { rows: 1 } })
  expect(all).not.toHaveProperty('value.gap')
  clock.mockRestore()
  await opening.database.close()
  limits.clear()
})

test('batches grow narrow where time is short, and come to an end', async () => {
  const { target } = await testDatabase(
    'sqlite',
    `create table c (id integer primary key);
     with recursive n (i) as (select 1 union all select i + 1 from n where i < 60000) insert into c select i from n`,
  )
  const limits = limit(performance.now() + hung, new AbortController().signal)
  const opening = await (await dialectOf(parseTarget(target), {})).open(limits)
  if (opening.outcome !== 'opened') throw new Error(opening.text)
  const session = opening.database.session(limits)
  // Between two looks at this clock a second has gone by.
  let now = performance.now()
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 1000))
  const seen: number[] = []
  const answer = await inBatches(
    session.read,
    sql`c`,
    [sql`c.id`],
    async (kysely, batch) => {
      const { rows } = await sql<{ found: number }>`select count(*) as found from c where ${batch}`.execute(kysely)
      seen.push(rows[0]?.found ?? 0)
    },
    { begin: [101], end: [59_901] },
  ).finally(() => clock.mockRestore())
  expect(answer.outcome).toBe('answered')
  expect(seen.reduce((sum, more) => sum + more, 0)).toBe(59_800)
  expect(seen.slice(0, 4)).toEqual([40_000, 10_000, 2500, 1000])
  await opening.database.close()
  limits.clear()
})

test('a child of very many pieces is cut by its key into as many as one statement can ask for', async () => {
  const { target } = await testDatabase(
    'sqlite',
    `pragma foreign_keys = off; create table p (id text primary key); insert into p values ('a'), ('b');
     create table c (id integer primary key, p_id text references p (id)); create index c_p on c (p_id);
     with recursive n (i) as (select 1 union all select i + 1 from n where i < 2000)
       insert into c select i, case when i % 1000 = 0 then 'gone ' || i when i % 2 = 0 then 'a' else 'b' end from n`,
  )
  const found = await scannedEveryWay(target, ['c'], { ...tiny, ofPiece: 1, ofFinePiece: 1 })
  expect(found).toEqual({ c: Array(5).fill({ ids: [1000, 2000], rows: 2 }) })
})

test('very many orphans are counted, and no more of them are kept than are looked at again', async () => {
  const { target } = await testDatabase(
    'sqlite',
    `pragma journal_mode = wal; create table p (id text primary key); create table c (id integer primary key, p_id text references p (id));
     with recursive n (i) as (select 1 union all select i + 1 from n where i <= 600000) insert into c select i, 'gone ' || i % 7 from n`,
  )
  const found = await scannedEveryWay(target, ['c'], { ...tiny, ofPiece: 150_000, ofFinePiece: 150_000 })
  expect(found).toEqual({ c: Array(5).fill({ ids: Array.from({ length: 200 }, (_, at) => at + 1), rows: 600_001 }) })
})
