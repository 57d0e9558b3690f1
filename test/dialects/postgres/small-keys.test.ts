import { describe, expect, test } from 'vitest'
import { afterwards, asSuperuser, examineOne, said, testDatabase } from '../../support/databases.js'
import { overheard } from '../../support/overheard.js'

const count = 30
const several = Array.from(
  { length: count },
  (_, at) =>
    `create table c${at} (id int primary key, p_id int references p (id)); insert into c${at} values (1, 1), (2, null);`,
).join(' ')
const schema = `create table p (id int primary key); insert into p values (1); ${several}`
const keys = (target: string) => examineOne('integrity/foreign-keys', target)
/** Messages that look for rows without a parent. */
const scans = (said: readonly string[]) => said.filter((message) => message.includes('not exists (select from only'))

describe('foreign keys of small tables', () => {
  test('are compared in one message', async () => {
    const { target } = await testDatabase('postgres', schema)
    const way = await overheard(target)
    const result = await keys(way.target)
    expect([said(result), result.coverage]).toMatchObject(['pass', { examined: count, of: count }])
    expect(scans(way.said)).toHaveLength(1)
  })

  test('and one that does not hold by itself, too', async () => {
    const { target } = await testDatabase(
      'postgres',
      `${schema} alter table c7 disable trigger all; insert into c7 values (3, 99);`,
    )
    const way = await overheard(target)
    const result = await keys(way.target)
    expect(said(result)).toEqual(['"c7": 1 row points at a row of "p" that does not exist (p_id)'])
    expect(result.findings[0]?.evidence.samples).toEqual([{ row: { id: 3 }, key: { p_id: 99 } }])
    expect(result.coverage).toMatchObject({ examined: count, of: count })
    // Together; and that one as it is planned, and from the tables alone.
    expect(scans(way.said)).toHaveLength(3)
  })

  test('by themselves where one of them may not be read', async () => {
    const { target, execute } = await testDatabase('postgres', schema)
    const role = `small_${process.pid}`
    await execute(
      `create role ${role} login password 'w'; grant select on all tables in schema public to ${role}; revoke select on c3 from ${role};
       alter table c5 disable trigger all; insert into c5 values (3, 99)`,
    )
    afterwards(() => asSuperuser(target, `drop owned by ${role}; drop role ${role}`))
    const result = await keys(Object.assign(new URL(target), { username: role, password: 'w' }).href)
    expect(result.coverage).toMatchObject({ examined: count - 1, of: count, missing: [{ reason: 'no-permission' }] })
    expect(result.findings.map(({ message }) => message)).toEqual([
      '"c5": 1 row points at a row of "p" that does not exist (p_id)',
    ])
  })

  test('a column that references two keys of a table is compared with both', async () => {
    const { target } = await testDatabase(
      'postgres',
      `create table p (id int primary key, code int unique); insert into p values (1, 2);
       create table c (a int references p (id), constraint by_code foreign key (a) references p (code)); alter table c disable trigger all;
       insert into c values (1);`,
    )
    const result = await keys(target)
    expect(result.findings.map(({ evidence }) => evidence.constraint)).toEqual(['by_code'])
  })
})

describe('relationships of small tables that nobody declared', () => {
  const names = ['user', 'author', 'editor', 'order', 'product', 'supplier', 'invoice', 'ticket']
  const guessed = names
    .map(
      (name) => `create table ${name}s (id int primary key); insert into ${name}s select generate_series(1, 9);
        create table ${name}_notes (id int primary key, ${name}_id int); insert into ${name}_notes select i, i from generate_series(1, 9) i; insert into ${name}_notes values (10, null);`,
    )
    .join(' ')
  const scansOf = (said: readonly string[]) =>
    said.filter((message) => message.includes('not exists (select from "public"'))

  test('are compared in one message, and one that does not hold by itself, too', async () => {
    const { target, execute } = await testDatabase('postgres', guessed)
    const asked = async () => {
      const way = await overheard(target)
      const result = await examineOne('integrity/orphaned-rows', way.target)
      return { result, scans: scansOf(way.said).length }
    }
    const sound = await asked()
    expect([sound.result.status, sound.result.coverage, sound.scans]).toMatchObject([
      'pass',
      { examined: names.length, of: names.length },
      1,
    ])
    expect(sound.result.findings).toHaveLength(names.length)
    expect(sound.result.findings[0]?.message).toMatch(/, and all 9 values are there$/)
    await execute('delete from orders where id = 4')
    const ill = await asked()
    expect(ill.result.findings.flatMap(({ severity, message }) => (severity === 'info' ? [] : [message]))).toEqual([
      '"order_notes": 1 row points at a row of "orders" that does not exist (order_id, inferred by name and type)',
    ])
    expect(ill.scans).toBeGreaterThan(1)
  })
})
