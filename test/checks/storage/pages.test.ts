import { spawn } from 'node:child_process'
import { open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import pg from 'pg'
import { describe, expect, test, vi } from 'vitest'
import type { ConfigInput } from '../../../src/config/config.js'
import type { Depth } from '../../../src/contracts/depth.js'
import type { Result } from '../../../src/report/report.js'
import { afterwards, asSuperuser, examineOne, said, testDatabase } from '../../support/databases.js'
import { type PostgresServer, startPostgres } from '../../support/postgres.js'

const pages = (target: string, depth: Depth = 'standard') => examineOne('storage/pages', target, { depth })
const codes = ({ findings }: Result) =>
  findings.map(({ address, evidence: { table, index } }) => [address.split('#')[1], table ?? null, index ?? null])
const depths = ['standard', 'deep'] as const
const numbers = (count: number) => `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count})`

/** Overwrites bytes of a file that nobody has open. */
async function overwrite(file: string, at: number, bytes: Buffer) {
  const handle = await open(file, 'r+')
  await handle.write(bytes, 0, bytes.length, at)
  await handle.close()
}

/** Writes to the schema of a file, past all that guards it. */
function tamper(file: string, statements: string) {
  const database = new BetterSqlite(file)
  database.unsafeMode()
  database.exec(`pragma writable_schema = on; ${statements}`)
  database.close()
}

describe('on sqlite', () => {
  const zoo = `
    create table plain (id integer primary key, v text, n int not null); create index plain_v on plain (v);
    create table keyed (k text primary key, v) without rowid; create index keyed_v on keyed (v);
    create table strict_ (id integer primary key, x int, y any) strict;
    create table derived (id integer primary key, u text generated always as (id || 'x') virtual, unique (u));
    create index derived_e on derived (lower(u)) where id > 5;
    create table "5" (x); create table "it's ""odd""" (x unique); create table counted (id integer primary key autoincrement);
    create virtual table words using fts5 (body); create virtual table boxes using rtree (id, a, b);
    create table texts (id integer primary key, body text); create virtual table outer_words using fts5 (body, content = texts);
    create view v as select 1;
    ${numbers(5000)} insert into plain select i, 'v' || i, 1 from n;
    insert into keyed select v, id from plain; insert into strict_ select id, id, v from plain; insert into derived (id) select id from plain;
    insert into "5" values (1); insert into "it's ""odd""" values (1); insert into counted default values;
    insert into words values ('hello'), ('you'); insert into boxes values (1, 2, 3); insert into texts values (1, 'never indexed');
    delete from plain where id % 7 = 0; analyze;`
  const damage = async (statements: string) => {
    const { target, execute } = await testDatabase('sqlite', statements)
    const file = target.slice('sqlite:'.length)
    return { file, execute }
  }

  /** A page of a b-tree, by name, and how large it is. */
  const leafOf = (file: string, name: string) => {
    const database = new BetterSqlite(file, { readonly: true })
    const row = database
      .prepare(
        "select pageno, pgsize from dbstat where name = ? and pagetype = 'leaf' order by pageno desc limit 1 offset 1",
      )
      .get(name) as { pageno: number; pgsize: number }
    database.close()
    return { at: (row.pageno - 1) * row.pgsize, size: row.pgsize }
  }

  test.each(depths)('all kinds of tables are sound (%s)', async (depth) => {
    for (const mode of ['delete', 'wal']) {
      const { file } = await damage(`pragma journal_mode = ${mode}; ${zoo}`)
      const result = await pages(file, depth)
      expect(said(result)).toBe('pass')
      expect(result.coverage).toMatchObject({ examined: 11, of: 11, unit: 'table', missing: [] })
    }
  })

  test('a damaged table hides no other', async () => {
    const { file } = await damage(zoo)
    for (const name of ['plain', 'strict_']) {
      const { at, size } = leafOf(file, name)
      await overwrite(file, at, Buffer.alloc(size, 0x5a))
    }
    const result = await pages(file)
    expect(result.status).toBe('fail')
    expect(codes(result).filter(([code]) => code === 'page-damaged')).toEqual([
      ['page-damaged', 'plain', null],
      ['page-damaged', 'strict_', null],
    ])
    expect(result.findings[0]?.next?.[0]).toMatch(/copy/)
    expect(result.findings[0]?.next?.at(-1)).toMatch(/\.recover/)
  })

  test.each(depths)('a damaged leaf of an index leaves the table itself sound (%s)', async (depth) => {
    const { file } = await damage(zoo)
    const { at, size } = leafOf(file, 'plain_v')
    await overwrite(file, at, Buffer.alloc(size, 0x5a))
    const result = await pages(file, depth)
    expect(codes(result)).toEqual([['index-damaged', 'plain', 'plain_v']])
    expect(result.findings[0]?.next?.at(-1)).toBe('reindex "plain_v"')
  })

  test.each(depths)('an index that lacks rows (%s)', async (depth) => {
    const { file, execute } = await damage(zoo)
    const database = new BetterSqlite(file, { readonly: true })
    const root = database.prepare("select rootpage from sqlite_schema where name = 'plain_v'").pluck().get()
    database.close()
    tamper(file, "delete from sqlite_schema where name = 'plain_v'")
    await execute("insert into plain values (90001, 'lost', 1), (90002, 'gone', 1)")
    tamper(
      file,
      `insert into sqlite_schema values ('index', 'plain_v', 'plain', ${root}, 'create index plain_v on plain (v)')`,
    )
    const result = await pages(file, depth)
    expect(codes(result)).toEqual([['index-damaged', 'plain', 'plain_v']])
    expect(result.findings[0]?.evidence.problems).toBe(3)
    await execute('reindex plain_v')
    expect(said(await pages(file, depth))).toBe('pass')
  })

  test('a file cut by less than a page', async () => {
    const { file } = await damage(zoo)
    expect(said(await pages(file))).toBe('pass')
    await truncate(file, (await stat(file)).size - 100)
    const result = await pages(file)
    expect(codes(result)[0]).toEqual(['truncated', null, null])
    expect(result.findings[0]?.message).toBe('the file is cut short: it is 100 bytes shorter than its header says')
  })

  test('violated constraints are no fault of storage', async () => {
    const { file } = await damage(`
      pragma ignore_check_constraints = on; create table t (id integer primary key, x int check (x > 0), p int references t (id));
      insert into t values (1, -5, 99); create table u (a int, b int); insert into u values (1, null);`)
    tamper(file, "update sqlite_schema set sql = 'create table u (a int, b int not null)' where name = 'u'")
    for (const depth of depths) expect(said(await pages(file, depth))).toBe('pass')
  })

  test('a module and a collation that are missing are unknown', async () => {
    const { file } = await damage(
      `${zoo} create table t (a); insert into t values ('x'); create index t_a on t (a collate nocase);`,
    )
    tamper(
      file,
      `update sqlite_schema set sql = 'create index t_a on t (a collate foreign_)' where name = 't_a';
      insert into sqlite_schema values ('table', 'vec', 'vec', 0, 'create virtual table vec using vec0(x)');`,
    )
    const result = await pages(file)
    expect(result).toMatchObject({ status: 'skip', findings: [], skip: { reason: 'unavailable' } })
    expect(result.coverage?.missing).toEqual([
      { object: 't', reason: 'unavailable', detail: 'no such collation sequence: foreign_' },
      { object: 'vec', reason: 'unavailable', detail: 'no such module: vec0', optional: true },
    ])
  })

  test('a full-text index that does not fit its rows', async () => {
    const { file, execute } = await damage(zoo)
    tamper(file, "update words_content set c0 = 'good bye' where id = 1")
    const result = await pages(file)
    expect(codes(result)).toEqual([['index-damaged', 'words', 'words']])
    expect(result.findings[0]?.next?.at(-1)).toBe(`insert into "words" ("words") values ('rebuild')`)
    await execute("insert into words (words) values ('rebuild')")
    expect(said(await pages(file))).toBe('pass')
  })

  test('values of other types than a table declares are told apart from damage', async () => {
    const { file } = await damage("create table t (id integer primary key, a int); insert into t values (1, 'x');")
    tamper(
      file,
      "update sqlite_schema set sql = 'create table t (id integer primary key, a int) strict' where name = 't'",
    )
    const result = await pages(file)
    expect(result.status).toBe('warn')
    expect(codes(result)).toEqual([['value-differs', 't', null]])
  })

  test('noise on any page of a file is no sound file, and no crash', async () => {
    const { file } = await damage(
      'create table t (id integer primary key, v text unique); ' +
        `${numbers(3000)} insert into t select i, 'v' || i from n;`,
    )
    const whole = await readFile(file)
    let state = 1
    const noise = Buffer.alloc(4096).map(() => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return state >>> 24
    })
    for (let page = 1; page < whole.length / 4096; page += 9) {
      await writeFile(file, whole)
      await overwrite(
        file,
        page * 4096,
        Buffer.concat([whole.subarray(page * 4096, page * 4096 + 8), noise.subarray(8)]),
      )
      for (const depth of depths) expect((await pages(file, depth)).status, `page ${page}, ${depth}`).toBe('fail')
    }
  })

  describe('a table whose check takes long', () => {
    /** Most of a second: a value of each row is worked out from 20 MB. Writing a row would work it out too. */
    const slow = async (mode: string) => {
      const { file } =
        await damage(`pragma journal_mode = ${mode}; create table other (x); insert into other values (1);
        create table t (id integer primary key, v int not null generated always as (1) virtual); ${numbers(60)} insert into t select i from n;`)
      tamper(
        file,
        "update sqlite_schema set sql = replace(sql, 'as (1)', 'as (length(hex(zeroblob(10000000 + id % 2))) / 20000000)') where name = 't'",
      )
      return file
    }

    test.each(['delete', 'wal'])('is looked at where writers need not wait (%s)', async (mode) => {
      const result = await pages(await slow(mode))
      expect(said(result)).toBe('pass')
      expect(result.ms).toBeGreaterThan(300)
    })

    test('keeps no impatient writer from writing', async () => {
      const file = await slow('delete')
      const { failures } = writerOf(file)
      const result = await pages(file)
      // A copy counts only if nobody wrote meanwhile, and here somebody may have.
      expect(result.error).toBeUndefined()
      expect(['pass', 'skip: unsafe']).toContain(String(said(result)).slice(0, 12))
      expect(failures()).toBe(0)
    })

    test('is not looked at where no private copy can be made, but for --depth deep', async () => {
      const file = await slow('delete')
      vi.stubEnv('TMPDIR', '/nowhere')
      afterwards(() => vi.unstubAllEnvs())
      const result = await pages(file)
      expect(result).toMatchObject({ status: 'skip', findings: [], skip: { reason: 'unsafe' } })
      expect(result.coverage).toMatchObject({ examined: 1, of: 2, missing: [{ object: 't', reason: 'unsafe' }] })
      expect(said(await pages(file, 'deep'))).toBe('pass')
      vi.unstubAllEnvs()
    })
  })
})

/** A process that writes to a file all the time, with as little patience as applications have, and counts what fails. */
function writerOf(file: string) {
  const code = `const db = new (require('better-sqlite3'))(process.env.FILE, { timeout: 300 })
    db.pragma('synchronous = off')
    const write = () => { try { db.exec('update other set x = x + 1') } catch { console.log('failed') } setTimeout(write, 2) }
    write()`
  const writer = spawn(process.execPath, ['-e', code], {
    env: { ...process.env, FILE: file },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  afterwards(() => writer.kill('SIGKILL'))
  let said = ''
  writer.stdout.on('data', (chunk) => {
    said += chunk
  })
  return { failures: () => said.split('failed').length - 1 }
}

describe('on postgres', () => {
  const zoo = `
    create table plain (id int primary key, v text); create index plain_v on plain (v); create index plain_h on plain using hash (v);
    insert into plain select i, repeat('v', i % 90) || i from generate_series(1, 5000) i;
    create table parts (id int primary key) partition by range (id); create table part_1 partition of parts for values from (0) to (5000);
    insert into parts select i from generate_series(0, 4999) i;
    create unlogged table fast (id int primary key); insert into fast select i from generate_series(1, 5000) i;
    create table mother (id int primary key); create table child () inherits (mother); insert into mother select i from generate_series(1, 2000) i; insert into child values (1);
    create materialized view m as select * from plain; create materialized view later as select * from plain with no data;
    create table big (id int primary key, v text); alter table big alter v set storage external; insert into big values (1, repeat('x', 90000));
    create table dropped (id int primary key, v int); insert into dropped select i, i from generate_series(1, 3000) i; delete from dropped where id % 2 = 0;
    create foreign data wrapper w; create server s foreign data wrapper w; create foreign table far (id int) server s;
    create view vw as select 1 as one; create table nothing (); create table empty_ (id int primary key);`
  const analyzed = async (target: string) => {
    await asSuperuser(target, 'vacuum')
    await asSuperuser(target, 'checkpoint')
  }

  test.each(depths)('all kinds of tables are sound with amcheck (%s)', async (depth) => {
    const { target } = await testDatabase(
      'postgres',
      `create schema "Tools"; create extension amcheck schema "Tools"; ${zoo}`,
    )
    expect(said(await pages(target, depth))).toBe('pass')
    await analyzed(target)
    const result = await pages(target, depth)
    expect(said(result)).toBe('pass')
    expect(result.coverage).toMatchObject({ examined: 9, of: 9, unit: 'table', missing: [] })
  })

  test('without amcheck the b-trees are unknown, and the detail says what to do', async () => {
    const { target } = await testDatabase('postgres', zoo)
    const result = await pages(target)
    expect(said(result)).toBe(
      'skip: unavailable: the b-trees of 8 indexes were not examined: amcheck is not installed: create extension amcheck',
    )
    expect(result.coverage).toMatchObject({ examined: 9, of: 9, missing: [] })
  })

  test('who accepts a database without amcheck is told all the same what could not be read', async () => {
    const { target } = await testDatabase('postgres', 'create table a (id int primary key); create table b (id int);')
    const name = `lacks_${process.pid}`
    await asSuperuser(target, `create role ${name} login password 'x'; grant select on a to ${name}`)
    afterwards(() => asSuperuser(target, `drop owned by ${name}; drop role ${name}`))
    const asRole = Object.assign(new URL(target), { username: name, password: 'x' }).href
    const config: ConfigInput = { checks: { 'storage/pages': { allowUnknown: ['unavailable'] } } }
    const { asked, skip } = await examineOne('storage/pages', asRole, { config })
    expect([asked, skip?.reason]).toEqual([true, 'no-permission'])
  })

  test('a role without rights is told so', async () => {
    const { target } = await testDatabase('postgres', `create extension amcheck; ${zoo}`)
    const name = `pages_${process.pid}`
    await asSuperuser(target, `create role ${name} login password 'x'; grant select on plain to ${name}`)
    afterwards(() => asSuperuser(target, `drop owned by ${name}; drop role ${name}`))
    const url = new URL(target)
    Object.assign(url, { username: name, password: 'x' })
    const result = await pages(url.href)
    expect(result).toMatchObject({ status: 'skip', findings: [], skip: { reason: 'no-permission' } })
    expect(result.coverage?.missing).toContainEqual(expect.objectContaining({ object: 'big', reason: 'no-permission' }))
    expect(result.skip?.detail).toMatch(/amcheck/)
  })

  test('an index that lacks rows: seen by the count where it is the index counted, and by amcheck in deep', async () => {
    const { target, execute } = await testDatabase(
      'postgres',
      `create extension amcheck;
      create table t (id int primary key, v int); create index t_v on t (v); insert into t select i, i from generate_series(1, 5000) i;
      create table u (id int primary key, v int); create index u_v on u (v); insert into u select i, i from generate_series(1, 5000) i;`,
    )
    for (const [table, index] of [
      ['t', 't_pkey'],
      ['u', 'u_v'],
    ]) {
      await execute(
        `update pg_index set indisready = false, indisvalid = false where indexrelid = '${index}'::regclass`,
      )
      await execute(`insert into ${table} values (9001, 9001), (9002, 9002)`)
      await execute(`update pg_index set indisready = true, indisvalid = true where indexrelid = '${index}'::regclass`)
    }
    await analyzed(target)
    const deep = await pages(target, 'deep')
    expect(codes(deep)).toEqual(
      expect.arrayContaining([
        ['index-damaged', 't', 't_pkey'],
        ['index-damaged', 'u', 'u_v'],
      ]),
    )
    expect(deep.findings.every(({ address }) => address === 'storage/pages#index-damaged')).toBe(true)
    expect(deep.findings[0]?.next?.at(-1)).toMatch(/: reindex index concurrently "public"\./)
    await execute('reindex table t')
    await execute('reindex table u')
    expect(said(await pages(target, 'deep'))).toBe('pass')
  })

  /** A server of the test's own, with tables whose files can be broken. */
  const broken = async (
    schema: string,
    relation: string,
    harm: (file: string) => Promise<void>,
    part: 'oid' | 'reltoastrelid' = 'oid',
  ): Promise<PostgresServer> => {
    const server = await startPostgres()
    afterwards(() => server.stop())
    await asSuperuser(server.url, schema)
    await asSuperuser(server.url, 'vacuum')
    const client = new pg.Client({ connectionString: server.url })
    await client.connect()
    const { rows } = await client.query<{ path: string }>(
      `select pg_relation_filepath(${part}) as path from pg_class where oid = $1::regclass`,
      [relation],
    )
    await client.end()
    const path = rows[0]?.path ?? expect.fail()
    await server.restart((data) => harm(join(data, path)))
    return server
  }
  const two = `create extension amcheck; create table a (id int primary key, v text); create index a_v on a (v); create table b (id int primary key, v text);
    insert into a select i, repeat('x', 50) || i from generate_series(1, 5000) i; insert into b select * from a;`

  test('a zeroed page of a table, which nothing else minds', async () => {
    const server = await broken(two, 'a', (file) => overwrite(file, 2 * 8192, Buffer.alloc(8192)))
    const result = await pages(server.url)
    expect(codes(result)).toEqual([['page-damaged', 'a', null]])
    expect(result.findings[0]?.message).toMatch(/^table "a" is damaged: its pages lack \d+ rows that "a_/)
    expect(said(await pages(server.url))).toEqual(said(result))
  })

  test('noise in a page of a table', async () => {
    const server = await broken(two, 'a', (file) => overwrite(file, 2 * 8192, Buffer.alloc(8192, 0x5a)))
    const result = await pages(server.url)
    expect(said(result)).toEqual([expect.stringMatching(/^table "a" is damaged: invalid page in block 2 of relation/)])
    expect(codes(result)).toEqual([['page-damaged', 'a', null]])
  })

  test('a table whose file is gone, and an index whose file is gone', async () => {
    const server = await broken(two, 'a', (file) => rm(file))
    expect(codes(await pages(server.url))).toEqual([['page-damaged', 'a', null]])
    const other = await broken(two, 'a_v', (file) => rm(file))
    const result = await pages(other.url)
    expect(codes(result)).toEqual([['index-damaged', 'a', 'a_v']])
  })

  test('long values whose file is gone, which nothing misses before they are read', async () => {
    const long = `${two} create table l (id int primary key, v text); alter table l alter v set storage external;
      insert into l select i, repeat('x', 5000) from generate_series(1, 50) i;`
    const server = await broken(long, 'l', (file) => rm(file), 'reltoastrelid')
    expect(said(await pages(server.url))).toEqual([
      expect.stringMatching(
        /^table "pg_toast\.pg_toast_\d+" is damaged: its file lacks \d+ pages, and it keeps long values of "l"$/,
      ),
    ])
  })

  test('files that are shorter than the server counted, for good reasons, are sound', async () => {
    const server = await startPostgres()
    afterwards(() => server.stop())
    await asSuperuser(
      server.url,
      `create extension amcheck; create unlogged table u (id int primary key, v text); alter table u alter v set storage external;
       insert into u select i, repeat('x', 5000) from generate_series(1, 50) i; create table t (id int primary key)`,
    )
    await asSuperuser(server.url, 'vacuum')
    // As a backup with its statistics leaves it, and VACUUM in another database.
    await asSuperuser(server.url, `update pg_class set relpages = relpages + 9 where relname in ('t', 'pg_database')`)
    // A crash empties unlogged tables.
    process.kill(server.pid, 'SIGQUIT')
    await server.restart(async () => {})
    expect(said(await pages(server.url))).toBe('pass')
    expect(said(await pages(server.url, 'deep'))).toBe('pass')
  })

  test.each(['a_v', 'a_pkey'])('a zeroed block of index %s hides no other', async (index) => {
    const server = await broken(two, index, (file) => overwrite(file, 3 * 8192, Buffer.alloc(8192)))
    const result = await pages(server.url)
    expect(codes(result)).toContainEqual(['index-damaged', 'a', index])
    expect(codes(result).every(([, table]) => table === 'a')).toBe(true)
  })

  test('garbled line pointers are seen in deep', async () => {
    const server = await broken(two, 'a', (file) => overwrite(file, 8192 + 24, Buffer.from([0xff, 0xff, 0xff, 0xff])))
    expect(codes(await pages(server.url, 'deep'))).toContainEqual(['page-damaged', 'a', null])
  })
})
