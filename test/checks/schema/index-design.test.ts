import { describe, expect, test } from 'vitest'
import { examineOne, onEachDialect, said, testDatabase } from '../../support/databases.js'

const design = (target: string) => examineOne('schema/index-design', target)

onEachDialect((dialect) => {
  const parents = `create table p (id integer primary key); create table q (a integer not null, b integer not null, primary key (a, b));`

  test('indexes that each do something, and keys that have one, are not spoken of', async () => {
    const { target } = await testDatabase(
      dialect,
      `${parents}
      create table c (id integer primary key, p_id integer references p (id), a integer, b integer, v text, done boolean, foreign key (b, a) references q (b, a));
      create index c_p on c (p_id) where p_id is not null; create index c_ab on c (a, b); create index c_v on c (v); create index c_v_desc on c (v desc);
      create unique index c_v_unique on c (done, v); create index c_v_partial on c (v) where done; create index c_lower on c (lower(v));
      create table j (p_id integer references p (id), q_id integer, primary key (p_id, q_id));
      create table t (id integer primary key, code text unique, x integer); create unique index t_code_x on t (code, x);`,
    )
    expect(said(await design(target))).toBe('pass')
  })

  test('what another index replaces, and a foreign key without one', async () => {
    const { target, execute } = await testDatabase(
      dialect,
      `${parents}
      create table c (id integer primary key, p_id integer references p (id), a integer, b integer, v text unique, done boolean, "odd ""name" integer references p (id));
      create index c_a on c (a); create index c_ab on c (a, b); create index c_ab_again on c (a, b); create index c_v on c (v);
      create index c_p on c (p_id) where done;`,
    )
    const result = await design(target)
    const v = dialect === 'sqlite' ? 'sqlite_autoindex_c_1' : 'c_v_key'
    expect(said(result)).toEqual(
      [
        expect.stringMatching(/^index "c_a" of "c" is redundant: "c_ab(_again)?" begins with the same columns$/),
        'index "c_ab_again" of "c" is redundant: "c_ab" is the same',
        `index "c_v" of "c" is redundant: "${v}" is the same`,
        'no index of "c" begins with (p_id), which references "p": deleting there reads all of "c"',
        'no index of "c" begins with (odd "name), which references "p": deleting there reads all of "c"',
      ].sort(
        (a, b) =>
          order(
            result.findings.map(({ message }) => message),
            a,
          ) -
          order(
            result.findings.map(({ message }) => message),
            b,
          ),
      ),
    )
    expect(result.status).toBe('pass')
    for (const step of result.findings.map(({ next }) => String(next?.at(-1)))) await execute(step)
    expect(said(await design(target))).toBe('pass')
  })
})

/** Findings come in any order. */
function order(messages: readonly string[], expected: unknown): number {
  return messages.findIndex((message) =>
    typeof expected === 'string' ? message === expected : message.includes('"c_a" of'),
  )
}

describe('on postgres', () => {
  test('partitions, included columns, other methods, classes and collations are looked through', async () => {
    const { target } = await testDatabase(
      'postgres',
      `create table p (id int primary key); create table m (at date, p_id int references p (id), v text, j jsonb) partition by range (at);
      create table m_1 partition of m for values from ('2020-01-01') to ('2021-01-01'); create index m_p on m (p_id); create index m_v on m (v);
      create table w (id int primary key, v text, j jsonb); create index w_v on w (v); create index w_v_pattern on w (v text_pattern_ops);
      create index w_v_c on w (v collate "C"); create index w_hash on w using hash (v); create index w_include on w (v) include (id);
      create index w_j on w using gin (j); create index w_j_path on w using gin (j jsonb_path_ops);`,
    )
    const result = await design(target)
    expect(said(result)).toBe('pass')
    expect(result.coverage).toMatchObject({ examined: 11, of: 11 })
  })

  test('what an extension brought is its own business', async () => {
    const { target } = await testDatabase(
      'postgres',
      'create extension citext; create table p (id int primary key); create table c (id int primary key, p_id int references p); alter extension citext add table c',
    )
    expect(said(await design(target))).toBe('pass')
  })

  test('a table of another schema is called by its schema', async () => {
    const { target } = await testDatabase(
      'postgres',
      'create schema other; create table other.p (id int primary key); create table other.c (id int primary key references other.p, p_id int references other.p)',
    )
    expect(said(await design(target))).toEqual([
      'no index of "other.c" begins with (p_id), which references "other.p": deleting there reads all of "other.c"',
    ])
  })

  test('what the config leaves out is not counted', async () => {
    const { target } = await testDatabase(
      'postgres',
      'create schema other; create table t (id int primary key); create table other.t (id int primary key)',
    )
    const result = await examineOne('schema/index-design', target, { config: { database: { schemas: ['public'] } } })
    expect(result.coverage).toMatchObject({ examined: 1, of: 1 })
  })
})
