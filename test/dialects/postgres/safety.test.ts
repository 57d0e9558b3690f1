import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { createPostgresDemo } from '../../../fixtures/demo/build.js'
import { afterwards, asSuperuser, examine, testDatabase } from '../../support/databases.js'
import { startPostgres } from '../../support/postgres.js'

const resultOf = (examined: Awaited<ReturnType<typeof examine>>, id: string) =>
  examined.results.find((result) => result.id === id)
const as = (target: string, username: string) => Object.assign(new URL(target), { username, password: 'x' }).href

/** A role of its own for a test, which may log in. */
async function role(target: string, name: string): Promise<string> {
  const own = `${name}_${process.pid}`
  await asSuperuser(target, `create role ${own} login password 'x'`)
  afterwards(() => asSuperuser(target, `drop owned by ${own}; drop role ${own}`))
  return own
}

test('a run says nothing to the server that could change it, or outlive it', async () => {
  const server = await startPostgres([
    'log_statement=all',
    'logging_collector=on',
    'log_directory=log',
    'log_filename=all.log',
    'log_line_prefix=%a|',
  ])
  afterwards(() => server.stop())
  await createPostgresDemo(server.url)
  await examine(server.url)
  const log = await readFile(join(server.folder, 'data', 'log', 'all.log'), 'utf8')
  const statements = [...log.matchAll(/^dbdoctor\|LOG: {2}(?:statement|execute [^:]*): ([\s\S]*?)(?=^\S*\|)/gm)].map(
    ([, statement]) => (statement ?? '').trim(),
  )
  // No text of these statements holds a semicolon.
  const parts = statements.flatMap((message) => message.split(';')).map((part) => part.trim())
  expect(parts.length).toBeGreaterThan(300)
  const allowed =
    /^(begin isolation level repeatable read, read only$|set local |set transaction snapshot |select\b|explain \(format json\) select\b|with\b|rollback$|$)/
  expect(parts.filter((part) => !allowed.test(part))).toEqual([])
  const settings = parts.filter((part) => part.includes('set_config'))
  for (const setting of settings)
    expect(setting).toMatch(
      /^select pg_catalog\.set_config\(s\.name, s\.value, true\) from \(values\s+\('transaction_timeout', '0'/,
    )
  // The first one asks which settings it takes.
  const [, ...begun] = parts.filter((part) => part.startsWith('begin'))
  expect(parts.filter((part) => part === `set local "jit" = 'off'`)).toHaveLength(begun.length)
  expect(statements.join('\n')).not.toMatch(/nextval\('|setval\(|pg_terminate|create |into temp/)
})

test('one transaction never holds more than 500 locks, and none that disturbs', async () => {
  const { target } = await testDatabase(
    'postgres',
    `create extension amcheck; do $$ begin for i in 1..400 loop
      execute format('create table t%s (id int primary key, x int, long text)', i); execute format('create index on t%s (x)', i); end loop; end $$`,
  )
  const watcher = new pg.Client({ connectionString: target })
  await watcher.connect()
  const seen: { mode: string; most: number }[] = []
  let watching = true
  const watch = (async () => {
    while (watching) {
      const { rows } = await watcher.query<{ mode: string; most: number }>(
        `select mode, max(n)::int as most from (select l.pid, l.mode, count(*) as n from pg_locks l join pg_stat_activity a using (pid)
          where a.application_name = 'dbdoctor' and a.datname = current_database() and l.locktype = 'relation' group by 1, 2) x group by 1`,
      )
      seen.push(...rows)
    }
  })()
  const examined = await examine(target, { only: ['storage', 'schema', 'integrity'] })
  watching = false
  await watch
  await watcher.end()
  expect(resultOf(examined, 'schema/tables')?.coverage).toMatchObject({ examined: 400, of: 400 })
  expect([...new Set(seen.map(({ mode }) => mode))]).toEqual(['AccessShareLock'])
  expect(Math.max(...seen.map(({ most }) => most))).toBeGreaterThan(50)
  expect(Math.max(...seen.map(({ most }) => most))).toBeLessThanOrEqual(500)
})

test('a role that may only select sees everything', async () => {
  const { target } = await testDatabase('postgres')
  await createPostgresDemo(target)
  const reader = await role(target, 'reader')
  await asSuperuser(
    target,
    `grant select on all tables in schema public to ${reader}; alter role ${reader} set default_transaction_read_only = on`,
  )
  expect((await examine(as(target, reader))).verdict).toMatchObject({ status: 'healthy', database: 'intact' })
})

const shop = `create table customers (id int primary key, owner text); create table orders (id int primary key, customer_id int references customers (id));
  insert into customers values (1, 'a'), (2, 'b'); insert into orders values (1, 1), (2, 2);`

describe('row-level security', () => {
  test('makes no orphans of rows whose parent the role may not see', async () => {
    const { target, execute } = await testDatabase('postgres', shop)
    const limited = await role(target, 'limited')
    await execute(`grant select on customers, orders to ${limited}; alter table customers enable row level security;
      create policy own on customers using (owner = 'a')`)
    const examined = await examine(as(target, limited))
    const result = resultOf(examined, 'integrity/foreign-keys')
    expect(result).toMatchObject({ status: 'skip', findings: [], skip: { reason: 'no-permission' } })
    expect(result?.coverage?.missing[0]?.detail).toBe(
      'query would be affected by row-level security policy for table "customers"',
    )
    expect(examined.verdict).toMatchObject({ status: 'inconclusive', database: 'unverified' })
  })

  test('does not keep one who may bypass it from looking', async () => {
    const { target, execute } = await testDatabase('postgres', shop)
    await execute("alter table customers enable row level security; create policy own on customers using (owner = 'a')")
    expect((await examine(target)).verdict.status).toBe('healthy')
  })
})

test('a standby is examined like any other, but for what it does not hold', async () => {
  const server = await startPostgres()
  afterwards(() => server.stop())
  await asSuperuser(
    server.url,
    `${shop} create unlogged table scratch (id int primary key, order_id int references orders (id)); insert into scratch values (1, 1);`,
  )
  await server.restart((data) => writeFile(join(data, 'standby.signal'), ''))
  const examined = await examine(server.url)
  expect(examined.target).toMatchObject({ primary: false })
  expect(resultOf(examined, 'schema/tables')).toMatchObject({
    status: 'pass',
    coverage: { examined: 2, of: 3, missing: [{ object: 'scratch', reason: 'unavailable', optional: true }] },
  })
  expect(examined.verdict.status).toBe('healthy')
})
