import { expect, test } from 'vitest'
import { examine, examineOne, said, testDatabase } from '../../support/databases.js'

const schema = `create table p (id serial primary key, x text not null default 'x'); create table c (id int primary key, p_id int references p);
  create view v as select * from p; create table parts (id int) partition by range (id);
  create table part_1 partition of parts for values from (0) to (9); create index on c (p_id);
  insert into p (x) values ('a'), ('b'); insert into c values (1, 1);
  alter table p add column gone int; alter table p drop column gone;`

test('a catalog that refers to what is there is silent, whatever was dropped before', async () => {
  const { target } = await testDatabase('postgres', schema)
  const result = await examineOne('storage/catalog', target)
  expect([said(result), result.coverage?.unit]).toEqual(['pass', 'reference'])
})

test('a relation that the catalog has lost is told, and nothing is called intact', async () => {
  const { target } = await testDatabase('postgres', `${schema} delete from pg_class where relname = 'p';`)
  const report = await examine(target)
  const told = report.results.find(({ id }) => id === 'storage/catalog')?.findings.map(({ message }) => message) ?? []
  expect(told).toContain(
    '1 row of pg_constraint refers to a table that is not there (confrelid, the first: c_p_id_fkey)',
  )
  expect(told).toContain(
    '1 row of pg_attrdef refers to a table that is not there (adrelid)'
      .replace('1 row', '2 rows')
      .replace('refers', 'refer'),
  )
  expect(report.verdict).toMatchObject({ status: 'unhealthy', database: 'damaged' })
  expect(report.causes[0]?.id).toBe('catalog-corrupt')
})

test('a column that the catalog has lost is told', async () => {
  const { target } = await testDatabase(
    'postgres',
    `${schema} delete from pg_attribute where attrelid = 'c'::regclass and attname = 'p_id';`,
  )
  expect(said(await examineOne('storage/catalog', target))).toEqual([
    '1 relation has another number of columns than pg_class says (the first: c)',
  ])
})
