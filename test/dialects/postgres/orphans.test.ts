import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { query } from '../../../fixtures/postgres/server.js'
import { limit } from '../../../src/contracts/limits.js'
import { scanOrphans } from '../../../src/dialects/postgres/orphans.js'
import { dialectOf, parseTarget } from '../../../src/dialects/target.js'
import type { Result } from '../../../src/report/report.js'
import { afterwards, examine, examineOne, hung, postgresVersion, said, testDatabase } from '../../support/databases.js'
import { overheard } from '../../support/overheard.js'

/** Runs statements whose rows no foreign key checks. */
const unchecked = (statements: string) =>
  `set session_replication_role = replica; ${statements}; set session_replication_role = default;`

async function foreignKeys(schema: string, rows = '') {
  const { target, execute } = await testDatabase('postgres', schema)
  if (rows) await execute(unchecked(rows))
  return examineOne('integrity/foreign-keys', target)
}

const rowsOf = (result: Awaited<ReturnType<typeof foreignKeys>>) =>
  result.findings.map(({ evidence }) => [evidence.table, evidence.rows])

describe.each([1, 2])(
  'where the planner knows nothing of a table, and takes wide rows for one (foreign keys: %i)',
  (count) => {
    const children = Array.from({ length: count }, (_, at) => `c${at}`)
    const texts = Array.from({ length: 20 }, (_, at) => `v${at} varchar(2000)`).join()
    const wide = `create table p (id int primary key, ${texts}); insert into p select generate_series(1, 200);
    ${children.map((name) => `create table ${name} (p_id int references p, ${texts}); insert into ${name} select generate_series(1, 200);`).join(' ')}`
    const compared = async (statements: string) => {
      const { target } = await testDatabase('postgres', statements)
      const way = await overheard(target)
      expect(said(await examineOne('integrity/foreign-keys', way.target))).toBe('pass')
      const messages = way.said.filter((message) => message.includes('not exists (select from only'))
      expect(messages).toHaveLength(1)
      return { target, message: messages[0] ?? '' }
    }
    const plan = async (target: string, settings: string) => {
      const client = new pg.Client(target)
      await client.connect()
      await client.query(settings)
      const { rows } = await client.query(
        'explain select count(*) from c0 c where p_id is not null and not exists (select from p where p.id = c.p_id)',
      )
      await client.end()
      return rows.map((row) => row['QUERY PLAN']).join()
    }

    test('it is not let look through all parents for each child', async () => {
      const { target, message } = await compared(wide)
      const [setting = ''] = /set local enable_nestloop = off/.exec(message) ?? []
      expect(await plan(target, setting.replace('local', 'session'))).not.toContain('Nested Loop')
      expect(await plan(target, '')).toContain('Nested Loop')
    })

    test('one that knows is left to itself', async () => {
      expect((await compared(`${wide} analyze;`)).message).not.toContain('enable_nestloop')
    })
  },
)

describe('a table that is large enough for its parents to be counted', () => {
  // As many children as it takes, of parents whose keys are all there, from the least on.
  const large = (low: string, type = 'int') => `create table p (id bigint primary key, v text);
    insert into p select g, 'x' from generate_series(${low}::bigint, ${low}::bigint + 999) g;
    create table c (id int primary key, p_id ${type} references p);
    insert into c select g, ${low}::bigint + g % 1000 from generate_series(1, 100000) g; analyze;`

  test.each([
    ['every parent is there', 'select', []],
    ['beyond both ends', 'insert into c values (-1, -8), (-2, 1002), (-3, null), (-4, 2000000000)', [-1, -2, -4]],
    ['within, where a parent is gone', 'delete from p where id = 500', 'gone'],
    ['where the last parent is gone, and the first', 'delete from p where id in (-7, 992)', 'gone'],
  ] as const)('%s', async (_, fault, expected) => {
    const { target, execute } = await testDatabase('postgres', large('-7'))
    await execute(unchecked(fault))
    const { findings } = await examineOne('integrity/foreign-keys', target, { samples: 500 })
    const samples = findings.flatMap(({ evidence }) => evidence.samples as unknown as { row: { id: number } }[])
    const truth = (await query(
      target,
      `select coalesce(json_agg(id order by id), '[]') as ids from c where p_id is not null and not exists (select from p where p.id = c.p_id)`,
    )) as { ids: number[] }
    expect(samples.map(({ row }) => row.id).sort((a, b) => a - b)).toEqual(truth.ids)
    if (expected !== 'gone') expect(truth.ids.sort((a, b) => b - a)).toEqual(expected)
    else expect(truth.ids.length).toBeGreaterThanOrEqual(100)
  })

  test('keys at the end of what a bigint holds', async () => {
    expect(
      rowsOf(
        await foreignKeys(large('9223372036854774808', 'bigint'), 'insert into c values (-1, -9223372036854775808)'),
      ),
    ).toEqual([['c', 1]])
  })
})

describe('kinds of foreign keys', () => {
  const full = `create table p (a int, b int, primary key (a, b)); insert into p values (1, 1);
    create table c (id int primary key, a int, b int, foreign key (a, b) references p match full);`

  test('MATCH FULL: a key that is null in part is a violation, one that is null is none', async () => {
    expect(rowsOf(await foreignKeys(full, 'insert into c values (1, 1, 1), (2, null, null)'))).toEqual([])
    const result = await foreignKeys(full, 'insert into c values (1, 1, 1), (2, null, 1), (3, 9, 9), (4, null, null)')
    expect(rowsOf(result)).toEqual([['c', 2]])
    expect(result.findings[0]?.evidence.samples).toEqual([
      { row: { id: 3 }, key: { a: 9, b: 9 } },
      { row: { id: 2 }, key: { a: null, b: 1 } },
    ])
  })

  test('a key over a PERIOD, which PostgreSQL 18 brought: several parents may cover it, and a gap is a violation', async () => {
    const stays = `create table bookings (room int4range, during int4range, primary key (room, during without overlaps));
      insert into bookings values ('[1,2)', '[1,3)'), ('[1,2)', '[3,5)'), ('[1,2)', '[6,9)');
      create table stays (id int primary key, room int4range, during int4range, foreign key (room, period during) references bookings);`
    if ((await postgresVersion()) < 18) return expect(foreignKeys(stays)).rejects.toThrow('syntax error')
    const covered = `insert into stays values (1, '[1,2)', '[2,5)'), (2, '[1,2)', null)`
    expect(rowsOf(await foreignKeys(stays, covered))).toEqual([])
    const gap = `${covered}; insert into stays values (3, '[1,2)', '[4,7)'), (4, '[2,3)', '[2,3)')`
    expect(rowsOf(await foreignKeys(stays, gap))).toEqual([['stays', 2]])
  })

  const plain =
    'create table p (id int primary key); insert into p values (1); create table c (id int primary key, p_id int);'

  test('NOT VALID is examined, and said to be so', async () => {
    const result = await foreignKeys(
      `${plain} insert into c values (1, 1), (2, 5); alter table c add foreign key (p_id) references p not valid;`,
    )
    expect(rowsOf(result)).toEqual([['c', 1]])
    expect(result.findings[0]?.evidence.validated).toBe(false)
    expect(
      rowsOf(
        await foreignKeys(
          `${plain} insert into c values (1, 1); alter table c add foreign key (p_id) references p not valid;`,
        ),
      ),
    ).toEqual([])
  })

  test('deferrable, across schemas, and without a primary key', async () => {
    const schema = `create schema far; create table far.p (code text unique); insert into far.p values ('a');
      create table c (code text references far.p (code) deferrable initially deferred);`
    const result = await foreignKeys(schema, "insert into c values ('a'), ('zz'), (null)")
    expect(said(result)).toEqual(['"c": 1 row points at a row of "far.p" that does not exist (code)'])
    expect(result.findings[0]?.evidence.samples).toEqual([{ row: { ctid: '(0,2)' }, key: { code: 'text of 2' } }])
    expect(rowsOf(await foreignKeys(schema, "insert into c values ('a'), (null)"))).toEqual([])
  })

  test('a whole number of any precision is one, and a broken one is a value', async () => {
    const result = await foreignKeys(
      'create table p (id numeric primary key); create table c (p_id numeric references p (id));',
      'insert into c values (5), (2.50), (123456789012345678901234567890)',
    )
    expect(result.findings[0]?.evidence.samples).toMatchObject([
      { key: { p_id: 5 } },
      { key: { p_id: 'text of 4' } },
      { key: { p_id: 'text of 30' } },
    ])
  })

  test.each([
    ['bigint to integer', 'int', 'bigint', '1', '5000000000'],
    ['varchar to text', 'text', 'varchar(9)', "'a'", "'b'"],
    ['integer to numeric', 'numeric', 'int', '1', '2'],
    ['uuid', 'uuid', 'uuid', "'00000000-0000-0000-0000-000000000001'", "'00000000-0000-0000-0000-000000000002'"],
    ['a domain', 'int', 'positive', '1', '2'],
    ['an enum', 'mood', 'mood', "'happy'", "'sad'"],
    ['a type whose operators are not in pg_catalog', 'complexity', 'complexity', "'(1,1)'", "'(2,2)'"],
  ])('%s', async (_, parent, child, there, gone) => {
    const types = `create domain positive as int check (value > 0); create type mood as enum ('happy', 'sad'); create type complexity as (r int, i int);`
    const schema = `${types} create table p (id ${parent} primary key); insert into p values (${there}); create table c (id int primary key, p_id ${child} references p (id));`
    expect(rowsOf(await foreignKeys(schema, `insert into c values (1, ${there}), (2, ${gone})`))).toEqual([['c', 1]])
    expect(rowsOf(await foreignKeys(schema, `insert into c values (1, ${there})`))).toEqual([])
  })

  test('an equality operator of a user’s own is called where it is, whatever the search path', async () => {
    const schema = `create schema own; create type own.tag; create function own.tag_in(cstring) returns own.tag language internal immutable strict as 'textin';
      create function own.tag_out(own.tag) returns cstring language internal immutable strict as 'textout';
      create type own.tag (input = own.tag_in, output = own.tag_out, like = text);
      create cast (own.tag as text) without function;
      create function own.tag_eq(own.tag, own.tag) returns bool language sql immutable as 'select lower($1::text) = lower($2::text)';
      create function own.tag_lt(own.tag, own.tag) returns bool language sql immutable as 'select lower($1::text) < lower($2::text)';
      create function own.tag_cmp(own.tag, own.tag) returns int language sql immutable as 'select case when lower($1::text) < lower($2::text) then -1 when lower($1::text) > lower($2::text) then 1 else 0 end';
      create operator own.= (leftarg = own.tag, rightarg = own.tag, function = own.tag_eq, commutator = operator(own.=));
      create operator own.< (leftarg = own.tag, rightarg = own.tag, function = own.tag_lt);
      create operator class own.tag_ops default for type own.tag using btree as operator 1 own.<, operator 3 own.=, function 1 own.tag_cmp(own.tag, own.tag);
      create table p (id own.tag primary key); insert into p values ('ABC'); create table c (id int primary key, p_id own.tag references p (id));`
    expect(rowsOf(await foreignKeys(schema, "insert into c values (1, 'abc'), (2, 'xyz')"))).toEqual([['c', 1]])
    expect(rowsOf(await foreignKeys(schema, "insert into c values (1, 'abc')"))).toEqual([])
  })

  test('numbers beyond 2^53 come out whole', async () => {
    const result = await foreignKeys(
      'create table p (id bigint primary key); create table c (id bigint primary key, p_id bigint references p (id));',
      'insert into c values (9007199254740993, 9007199254740995)',
    )
    expect(result.findings[0]?.evidence.samples).toEqual([
      { row: { id: '9007199254740993' }, key: { p_id: '9007199254740995' } },
    ])
  })
})

describe('partitions and inheritance', () => {
  const partitioned = `
    create table p (id int primary key) partition by range (id);
    create table p1 partition of p for values from (0) to (10); create table p2 partition of p for values from (10) to (20);
    create table c (id int, p_id int references p (id)) partition by range (id);
    create table c1 partition of c for values from (0) to (10);
    create table c2 partition of c for values from (10) to (99) partition by list (id);
    create table c21 partition of c2 for values in (10); create table c22 partition of c2 for values in (11);
    insert into p values (1), (11);`

  test('a partitioned table is examined once, over all its partitions', async () => {
    const result = await foreignKeys(partitioned, 'insert into c values (1, 1), (2, 11), (10, 5), (11, 6), (3, null)')
    expect(rowsOf(result)).toEqual([['c', 2]])
    expect(result.coverage).toMatchObject({ examined: 1, of: 1 })
    expect(rowsOf(await foreignKeys(partitioned, 'insert into c values (1, 1), (10, 11)'))).toEqual([])
  })

  test('a key of one partition alone', async () => {
    const schema = `create table p (id int primary key); create table c (id int, p_id int) partition by range (id);
      create table c1 partition of c for values from (0) to (10); create table c2 partition of c for values from (10) to (20);
      alter table c1 add foreign key (p_id) references p (id);`
    expect(rowsOf(await foreignKeys(schema, 'insert into c values (1, 7), (11, 7)'))).toEqual([['c1', 1]])
  })

  test('more partitions than one transaction may lock are looked at one by one', async () => {
    const schema = `create table p (id int primary key); insert into p values (1); create table c (id int, p_id int references p (id), unique (id)) partition by range (id);
      do $$ begin for i in 0..299 loop execute format('create table c_%s partition of c for values from (%s) to (%s)', i, i * 10, i * 10 + 10); end loop; end $$;`
    const { target, execute } = await testDatabase('postgres', schema)
    await execute(unchecked('insert into c values (5, 1), (15, 2), (2995, 3)'))
    expect(rowsOf(await examineOne('integrity/foreign-keys', target))).toEqual([['c', 2]])

    // What was found before one of them could not be read is found all the same.
    const client = new pg.Client({ connectionString: target })
    await client.connect()
    afterwards(() => client.end())
    const locked = 'begin; lock table c_299 in access exclusive mode'
    const expected = {
      status: 'fail',
      findings: [{ evidence: { rows: 1, partial: true, samples: [{ key: { p_id: 2 } }] } }],
      coverage: { examined: 0, of: 1, missing: [{ object: 'c (p_id)', reason: 'unavailable' }] },
    }
    const sentence = '"c": at least 1 row points at a row of "p" that does not exist (p_id)'
    await client.query(locked)
    const { results, causes } = await examine(target, { only: ['integrity/foreign-keys'] })
    const declared = results.find(({ id }) => id === 'integrity/foreign-keys') as Result
    expect(said(declared)).toEqual([sentence])
    expect(causes[0]?.headline).toBe('At least 1 row of c points at a row of p that does not exist.')
    expect(declared).toMatchObject(expected)

    for (const statements of ['rollback', 'alter table c drop constraint c_p_id_fkey', locked])
      await client.query(statements)
    const config = { database: { relationships: { declare: ['c.p_id -> p.id'] } } }
    const configured = await examineOne('integrity/orphaned-rows', target, { config })
    expect(said(configured)).toEqual([sentence])
    expect(configured).toMatchObject(expected)
  })

  test('a parent’s key is not in the tables that inherit from it, and theirs is not its', async () => {
    const schema = `create table p (id int primary key); create table q () inherits (p); insert into p values (1); insert into q values (2);
      create table c (id int primary key, p_id int references p (id)); create table d () inherits (c);`
    const result = await foreignKeys(schema, 'insert into c values (1, 1), (2, 2); insert into d values (3, 99)')
    expect(rowsOf(result)).toEqual([['c', 1]])
    expect(result.findings[0]?.evidence.samples).toEqual([{ row: { id: 2 }, key: { p_id: 2 } }])
  })
})

describe('an index of the parent that lost rows', () => {
  const damaged = (orphan: string) => `
    create table p (id int primary key, pad text); insert into p select i, repeat('x', 200) from generate_series(1, 20000) i;
    create table c (id int primary key, p_id int references p (id)); insert into c values (1, 1), (2, 20000);
    ${orphan}
    update pg_index set indisready = false, indisvalid = false where indexrelid = 'p_pkey'::regclass;
    insert into p values (30001, 'x'), (30002, 'x');
    update pg_index set indisready = true, indisvalid = true where indexrelid = 'p_pkey'::regclass;
    ${unchecked('insert into c values (3, 30001), (4, 30002)')}`

  test('makes no orphans, and is reported', async () => {
    const { target, execute } = await testDatabase('postgres', damaged(''))
    await execute('analyze')
    expect(said(await examineOne('integrity/foreign-keys', target))).toEqual([
      '"c": the parents of 2 rows are in "p", and an index does not find them: it is damaged',
    ])
    await execute('reindex table p')
    expect(said(await examineOne('integrity/foreign-keys', target))).toBe('pass')
  })

  test('hides no true orphan beside them', async () => {
    const { target, execute } = await testDatabase('postgres', damaged(unchecked('insert into c values (9, 99999)')))
    await execute('analyze')
    expect(said(await examineOne('integrity/foreign-keys', target))).toEqual([
      '"c": 1 row points at a row of "p" that does not exist (p_id)',
      '"c": the parents of 2 rows are in "p", and an index does not find them: it is damaged',
    ])
  })
})

describe('the statements that are advised', () => {
  const advised = async (schema: string, rows: string) => {
    const { target, execute } = await testDatabase('postgres', schema)
    await execute(unchecked(rows))
    const asked = async () => (await examineOne('integrity/foreign-keys', target)).findings
    const [show = '', ...rest] = (await asked())[0]?.next ?? []
    const client = new pg.Client({ connectionString: target })
    await client.connect()
    const query = async (text: string) => (await client.query(text)).rows
    const move = rest[0]
    return {
      asked,
      show,
      rest,
      query,
      move: async () => void (move && (await client.query(move))),
      [Symbol.asyncDispose]: () => client.end(),
    }
  }

  test('MATCH FULL: what is null in part is shown and moved, what is null is neither', async () => {
    await using full = await advised(
      `create table p (a int, b int, primary key (a, b)); insert into p values (1, 1);
      create table c (id int primary key, a int, b int, foreign key (a, b) references p match full);`,
      'insert into c values (1, 1, 1), (2, null, 1), (3, 9, 9), (4, null, null)',
    )
    const ids = [{ id: 2 }, { id: 3 }]
    expect((await full.query(`${full.show} order by 1`)).map(({ id }) => ({ id }))).toEqual(ids)
    await full.move()
    expect(await full.asked()).toEqual([])
    expect(await full.query('select id from dbdoctor_quarantine_c_a_b order by 1')).toEqual(ids)
    expect(await full.query('select id from c order by 1')).toEqual([{ id: 1 }, { id: 4 }])
  })

  test('a generated column is copied, and a row that a trigger keeps is not', async () => {
    const schema = `create table p (id int primary key); insert into p values (100);
      create table c (id int primary key, p_id int references p, twice int generated always as (p_id * 2) stored);
      create function keep() returns trigger language plpgsql as $$ begin return case when old.id = 1 then null else old end; end $$;
      create trigger keep before delete on c for each row execute function keep();`
    await using guarded = await advised(schema, 'insert into c values (1, 7), (2, 8)')
    await guarded.move()
    expect(await guarded.query('select * from dbdoctor_quarantine_c_p_id')).toEqual([{ id: 2, p_id: 8, twice: 16 }])
    expect(await guarded.query('select id from c')).toEqual([{ id: 1 }])
  })

  test('a key over a PERIOD: rows are shown, and not deleted', async () => {
    if ((await postgresVersion()) < 18) return
    const stays = `create table bookings (room int4range, during int4range, primary key (room, during without overlaps));
      insert into bookings values ('[1,2)', '[1,3)'), ('[1,2)', '[3,5)'), ('[1,2)', '[6,9)');
      create table stays (id int primary key, room int4range, during int4range, foreign key (room, period during) references bookings);`
    await using period = await advised(
      stays,
      `insert into stays values (1, '[1,2)', '[2,5)'), (2, '[1,2)', null), (3, '[1,2)', '[4,7)'), (4, '[2,3)', '[2,3)')`,
    )
    expect((await period.query(`${period.show} order by 1`)).map(({ id }) => id)).toEqual([3, 4])
    expect(period.rest.join()).not.toContain('delete')
  })

  test('another schema, and names of any shape', async () => {
    await using odd = await advised(
      'create schema "a b"; create table "a b"."p""" (id int primary key); insert into "a b"."p""" values (100); create table "a b"."gone" ("c" int references "a b"."p""");',
      'insert into "a b"."gone" values (5)',
    )
    expect(await odd.query(odd.show)).toEqual([{ c: 5 }])
    await odd.move()
    expect(await odd.asked()).toEqual([])
    expect(await odd.query('select * from "a b".dbdoctor_quarantine_gone_c')).toEqual([{ c: 5 }])
  })
})

test('times are shown as they are stored', async () => {
  const { target } = await testDatabase(
    'postgres',
    `create table p (d date, t timestamptz, s timestamp, primary key (d, t, s)); create table c (d date, t timestamptz, s timestamp, foreign key (d, t, s) references p);
     ${unchecked(`insert into c values ('infinity', '294276-01-01 00:00:00.123456+00', '4713-01-01 00:00:00.000001 BC')`)}`,
  )
  const result = await examineOne('integrity/foreign-keys', target, { showValues: true })
  expect(result.findings[0]?.evidence.samples).toMatchObject([
    { key: { d: 'infinity', t: '294276-01-01 00:00:00.123456 UTC', s: '4713-01-01 00:00:00.000001 BC' } },
  ])
})

describe('a scan whose time is up', () => {
  const rows = `insert into p values (1), (2); insert into c select g, case when g in (100, 3900) then 9 else 1 + g % 2 end from generate_series(1, 4000) g;
    analyze`
  const single = 'create table p (id int primary key); create table c (id int primary key, p_id int references p);'
  const parts = `create table p (id int primary key);
    create table c (id int primary key, p_id int references p) partition by range (id);
    create table c1 partition of c for values from (0) to (1000); create table c2 partition of c for values from (1000) to (9000);`

  /** Scans the one foreign key, cut into stretches of some thousand rows, with time for so many reads. */
  async function scanned(schema: string, reads: readonly number[]) {
    const { target, execute } = await testDatabase('postgres', schema)
    await execute(unchecked(rows))
    const limits = limit(performance.now() + hung, new AbortController().signal)
    const opening = await (await dialectOf(parseTarget(target), {})).open(limits)
    if (opening.outcome !== 'opened') throw new Error(opening.text)
    const session = opening.database.session(limits)
    const catalog = await session.catalog()
    const [key] = catalog.outcome === 'answered' ? catalog.value.foreignKeys : []
    if (catalog.outcome !== 'answered' || !key) throw new Error('no key')
    const scans: Awaited<ReturnType<typeof scanOrphans>>[] = []
    for (const most of reads) {
      let left = most
      const read: typeof session.read = (work) =>
        left-- > 0
          ? session.read(work)
          : Promise.resolve({ outcome: 'failed', reason: 'deadline', code: '', text: 'its time was up' })
      const world = { read, catalog: catalog.value, expires: performance.now(), fewest: 1000 }
      scans.push(await scanOrphans(world, key, 5))
    }
    await opening.database.close()
    limits.clear()
    return scans
  }

  test('says which pages were compared, and what there was', async () => {
    const [none, some, more, all] = await scanned(single, [1, 2, 4, 1000])
    if ((await postgresVersion()) < 14) return expect(some).toMatchObject({ outcome: 'answered', value: { rows: 2 } })
    expect(none).toMatchObject({ reason: 'deadline', text: 'its time was up' })
    const compared = 'its time was up; pages 0 to \\d+ of \\d+ were compared'
    for (const [scan, share] of [
      [some, 25],
      [more, 75],
    ] as const)
      expect(scan).toMatchObject({
        outcome: 'answered',
        value: {
          rows: 1,
          gap: { reason: 'deadline', detail: expect.stringMatching(`^${compared} \\(${share} %\\)$`) },
        },
      })
    expect(all).toMatchObject({ outcome: 'answered', value: { rows: 2, unconfirmed: 0 } })
  })

  test('says how many partitions were compared', async () => {
    const [first, second, all] = await scanned(parts, [2, 3, 1000])
    if ((await postgresVersion()) < 14) return expect(first).toMatchObject({ outcome: 'answered', value: { rows: 2 } })
    const detail = (told: RegExp) => ({ value: { rows: 1, gap: { detail: expect.stringMatching(told) } } })
    expect(first).toMatchObject(detail(/; 1 of 2 partitions were compared \(\d+ %\)$/))
    expect(second).toMatchObject(
      detail(/; 1 of 2 partitions, and of the next one pages 0 to \d+ of \d+, were compared/),
    )
    expect(all).toMatchObject({ outcome: 'answered', value: { rows: 2 } })
  })
})
