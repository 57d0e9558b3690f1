import { expect, test, vi } from 'vitest'
import type { ConfigInput } from '../../../src/config/config.js'
import type { Result } from '../../../src/report/report.js'
import { afterwards, examine, examineOne, onEachDialect, said, testDatabase } from '../../support/databases.js'

type Relationships = NonNullable<NonNullable<ConfigInput['database']>['relationships']>

onEachDialect((dialect) => {
  const given = async (statements: string, relationships: Relationships = {}) =>
    examineOne('integrity/orphaned-rows', (await testDatabase(dialect, statements)).target, {
      config: { database: { relationships } },
    })

  const shop = (parent: string, column: string) => `
    create table "${parent}" (id integer primary key);
    create table notes (id integer primary key, "${column}" integer);
    insert into "${parent}" values (1); insert into notes values (1, 1), (2, 5), (3, null);`

  test.each([
    ['customers', 'customer_id'],
    ['customer', 'customer_id'],
    ['Customers', 'customerId'],
    ['people', 'person_id'],
    ['order_lines', 'order_line_id'],
    ['OrderLine', 'orderLineId'],
    ['categories', 'category_id'],
  ])('%s and %s belong together: an inferred orphan is a warning', async (parent, column) => {
    const result = await given(shop(parent, column))
    expect(said(result)).toEqual([
      `"notes": 1 row points at a row of "${parent}" that does not exist (${column}, inferred by name and type)`,
    ])
    expect(result.status).toBe('warn')
    expect(result.findings[0]?.evidence).toMatchObject({
      table: 'notes',
      columns: [column],
      parent,
      rows: 1,
      inferred: true,
    })
  })

  test('where all parents are there, it is said why they are believed to be', async () => {
    const result = await given(`${shop('customers', 'customer_id')} delete from notes where id = 2;`)
    expect([result.status, said(result)]).toEqual([
      'pass',
      [
        '"notes.customer_id" points at "customers.id": it is named after that table and its key, and its one value is there',
      ],
    ])
    expect(result.coverage).toMatchObject({ examined: 1, unit: 'relationship' })
  })

  test('a name whose values are not there is taken for none, and said', async () => {
    const result = await given(`${shop('customers', 'customer_id')} delete from notes where id = 1;`)
    expect([result.status, result.coverage?.examined, said(result)]).toEqual([
      'pass',
      0,
      ['"notes.customer_id" is called like a reference to "customers.id" and taken for none: 0 of 1 values are there'],
    ])
  })

  test('an empty parent beside many children is the cause, and nothing is advised to be deleted', async () => {
    const many = `create table customers (id integer primary key);
      create table orders (id integer primary key, customer_id integer not null);
      with recursive n (i) as (select 1 union all select i + 1 from n where i < 50) insert into orders select i, 1 + i % 9 from n;`
    const { target } = await testDatabase(dialect, many)
    const report = await examine(target)
    expect(report.verdict.status).toBe('degraded')
    expect(report.causes[0]).toMatchObject({
      id: 'parents-gone',
      headline:
        '"customers" is empty, and 50 rows name rows of it in "orders" (customer_id, inferred by name and type).',
    })
    expect(report.causes.flatMap(({ next }) => next).join('\n')).not.toMatch(/delete/i)
    // Two rows are no application that has lost its customers.
    const few = await given(`${shop('customers', 'customer_id')} delete from customers;`)
    expect([few.status, said(few)]).toEqual([
      'pass',
      ['"customers" is empty, and 2 rows name rows of it in "notes" (customer_id, inferred by name and type)'],
    ])
    // Ids of somebody else's are called like a reference too.
    const foreign = `create table customers (id varchar(20) primary key); create table payments (id integer, customer_id varchar(20));
      with recursive n (i) as (select 1 union all select i + 1 from n where i < 50) insert into payments select i, 'cus_' || i from n;`
    expect(said(await given(foreign))).toBe('pass')
  })

  test.each([
    ['0', 'integer not null default 7', '0'],
    ['-1', 'integer', '-1'],
    ['7', 'integer not null default 7', '7'],
    ["''", 'varchar(40)', 'empty'],
    ["'00000000-0000-0000-0000-000000000000'", 'varchar(40)', '00000000-0000-0000-0000-000000000000'],
  ])('%s in %s means none, and what else has no parent is an orphan all the same', async (none, type, shown) => {
    const text = type.startsWith('varchar')
    const key = (value: number) => (text ? `'k${value}'` : String(value))
    const tables = `create table categories (id ${text ? 'varchar(40)' : 'integer'} primary key);
      create table articles (id integer primary key, category_id ${type});
      insert into categories values (${key(1)}), (${key(2)}), (${key(3)});
      insert into articles values (1, ${key(1)}), (2, ${key(2)}), (3, ${key(3)}), (4, ${none}), (5, ${none});`
    const sound = await given(tables)
    expect([sound.status, said(sound)[0]]).toEqual([
      'pass',
      `"articles.category_id" is ${shown} in 2 rows, which is taken for "none": no row of "categories" has that key`,
    ])
    const ill = await given(`${tables} insert into articles values (6, ${key(9)});`)
    expect(ill.findings.find(({ address }) => address.endsWith('#orphaned'))).toMatchObject({
      severity: 'warning',
      evidence: { rows: 1, samples: [{ row: { id: 6 } }] },
    })
    // A category of that key makes it a reference like any other.
    const meant = await given(`${tables} insert into categories values (${none});`)
    expect(said(meant)).toEqual([expect.stringContaining('all 5 values are there')])
  })

  test('a guess is never to be deleted, and the report says how sure each one is', async () => {
    const result = await given(shop('customers', 'customer_id'))
    const [orphaned] = result.findings
    expect(orphaned?.next?.join('\n')).not.toMatch(/delete/)
    expect(result.relationships).toEqual([
      {
        child: 'notes',
        columns: ['customer_id'],
        parent: 'customers',
        parentColumns: ['id'],
        declared: false,
        confidence: expect.closeTo(0.91, 1),
        because: ['it is named after that table and its key', '1 of 2 values are there'],
      },
    ])
  })

  test('a slip in the config is no damage', async () => {
    const { target } = await testDatabase(dialect, shop('customers', 'customer_id'))
    const declaring = (declaration: string) =>
      examine(target, { config: { database: { relationships: { declare: [declaration] } } } })
    await expect(declaring('notes.customer_id -> customer.id')).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      hint: expect.stringContaining('"customers"'),
    })
    await expect(declaring('notes.custmer_id -> customers.id')).rejects.toMatchObject({
      hint: expect.stringContaining('"notes.customer_id"'),
    })
    const gone = await declaring('notes.customer_id -> warehouses.id')
    expect(gone.causes[0]).toMatchObject({
      id: 'schema-incomplete',
      headline: expect.stringMatching(/: table "warehouses" is missing\.$/),
    })
  })

  test.each([
    [
      'a sibling names the type',
      `${shop('customers', 'customer_id')} alter table notes add column customer_type text;`,
    ],
    [
      'the types differ',
      'create table customers (id integer primary key); create table notes (customer_id text); insert into customers values (1);' +
        "insert into notes values ('cus_9f8');",
    ],
    ['there is no such table', 'create table notes (stripe_id integer); insert into notes values (5);'],
    ['it is the key itself', 'create table note (note_id integer primary key); insert into note values (5);'],
    [
      'the parent has a composite key',
      'create table customers (a integer, b integer, primary key (a, b)); create table notes (customer_id integer); insert into notes values (5);',
    ],
  ])('silent where %s', async (_, statements) => {
    expect(said(await given(statements))).toBe('pass')
  })

  test('a declared relationship that does not hold is an error', async () => {
    const statements = `create table users (id integer primary key, email text); create table comments (id integer primary key, author integer);
      insert into users values (1, 'a'); insert into comments values (1, 1), (2, 7);`
    const result = await given(statements, { declare: ['comments.author -> users.id'] })
    expect(said(result)).toEqual(['"comments": 1 row points at a row of "users" that does not exist (author)'])
    expect(result.status).toBe('fail')
    expect(
      said(
        await given(`${statements} delete from comments where id = 2;`, { declare: ['comments.author -> users.id'] }),
      ),
    ).toBe('pass')
  })

  test('a declared parent need not be unique', async () => {
    const statements = `create table tags (name text); create table posts (id integer primary key, tag text);
      insert into tags values ('a'), ('a'); insert into posts values (1, 'a'), (2, 'b');`
    const result = await given(statements, { declare: ['posts.tag -> tags.name'] })
    expect(result.findings[0]?.evidence.rows).toBe(1)
  })

  test('a declaration of what is not there is an error that names it', async () => {
    const result = await given('create table users (id integer primary key);', {
      declare: ['comments.author -> users.id', 'users.boss -> users.id'],
    })
    expect(said(result)).toEqual([
      'the config declares "comments.author -> users.id", and there is no table "comments"',
      'the config declares "users.boss -> users.id", and there is no column "users.boss"',
    ])
  })

  const advisedIn = ({ findings }: Result, setting: 'ignore' | 'declare') =>
    findings.flatMap(({ next = [] }) =>
      next.flatMap((step) => new RegExp(`relationships\\.${setting}: \\['(.*)'\\]`).exec(step)?.[1] ?? []),
    )
  const numbers = 'with recursive n (n) as (select 1 union all select n + 1 from n where n < 100) select'
  const odd = `create table "odd[1]" (id integer primary key); create table pairs (left_no integer, right_no integer, primary key (left_no, right_no));
    create table "notes (old)" (id integer primary key, "odd[1]_id" integer, left_no integer, right_no integer);
    insert into "odd[1]" ${numbers} n from n; insert into pairs ${numbers} n, n from n;
    insert into "notes (old)" ${numbers} n, n, n, n from n;`

  test('what is advised where a relationship is none has that effect', async () => {
    const orphaned = `${odd} insert into "notes (old)" values (999, 999, 999, 999);`
    const advised = advisedIn(await given(orphaned), 'ignore')
    expect(advised).toEqual(['notes (old).odd[1]_id', 'notes (old).left_no,right_no'])
    expect(said(await given(orphaned, { ignore: advised }))).toBe('pass')
  })

  test('what is advised where a relationship is one has that effect', async () => {
    const inferred = await given(odd)
    expect(inferred.findings.map(({ address }) => address)).toEqual(Array(2).fill('integrity/orphaned-rows#inferred'))
    const advised = advisedIn(inferred, 'declare')
    expect(said(await given(odd, { declare: advised }))).toBe('pass')
    const few = `${odd} update "notes (old)" set "odd[1]_id" = id + 1000, right_no = id + 1000 where id > 2;`
    const dismissed = await given(few)
    expect(said(dismissed)).toEqual([
      expect.stringMatching(
        /^"notes \(old\)\.odd\[1\]_id" is called like a reference to "odd\[1\]\.id" and taken for none/,
      ),
      expect.stringMatching(
        /^"notes \(old\) \(left_no, right_no\)" is called like a reference to "pairs \(left_no, right_no\)" and taken for none/,
      ),
    ])
    expect(advisedIn(dismissed, 'declare')).toEqual(advised)
    const declared = await given(few, { declare: advised })
    expect(declared.findings.map(({ address, evidence }) => [address, evidence.rows])).toEqual(
      Array(2).fill(['integrity/orphaned-rows#orphaned', 98]),
    )
  })

  test('relationships can be ignored, and inference switched off', async () => {
    expect(said(await given(shop('customers', 'customer_id'), { ignore: ['notes.*'] }))).toBe('pass')
    expect(said(await given(shop('customers', 'customer_id'), { infer: false }))).toBe('pass')
  })

  test('what is a foreign key is not said twice', async () => {
    const statements = `create table customers (id integer primary key); create table notes (id integer primary key, customer_id integer references customers (id));`
    const { facts, results } = await examine((await testDatabase(dialect, statements)).target)
    expect(results.find(({ id }) => id === 'integrity/orphaned-rows')?.coverage).toMatchObject({ of: 0 })
    expect(facts['schema.foreignKeys']).toBe(1)
  })

  const polymorphic = (kinds: string) => `create table posts (id integer primary key); insert into posts values (1);
    create table comments (id integer primary key, subject_type text, subject_id integer);
    insert into comments (subject_type, subject_id) ${kinds};`
  const identified = {
    sqlite: polymorphic,
    postgres: (kinds: string) => polymorphic(kinds).replace('comments (id integer', 'comments (id serial'),
  }

  test('one whose parent varies by row is not to be declared', async () => {
    const { findings } = await given(identified[dialect]("values ('Post', 1)"))
    expect(findings.map(({ address, next = [] }) => [address, next])).toEqual([
      ['integrity/orphaned-rows#inferred', []],
    ])
  })

  test('a column that names too many kinds of parents is said to be left out, and asks for nothing', async () => {
    const kinds = (last: number) =>
      `with recursive n (n) as (select 1 union all select n + 1 from n where n < ${last}) select 'K' || n, 1 from n`
    const result = await given(identified[dialect](kinds(101)))
    expect([result.status, result.coverage]).toEqual([
      'pass',
      {
        examined: 0,
        of: 1,
        unit: 'relationship',
        missing: [
          {
            object: 'comments (subject_type, subject_id)',
            reason: 'unsafe',
            detail: '"subject_type" names more than 100 kinds of parents',
            optional: true,
          },
        ],
      },
    ])
    expect((await given(identified[dialect](kinds(100)))).coverage).toMatchObject({ of: 0, missing: [] })
  })

  test('kinds that can be read are no gap', async () => {
    const result = await given(identified[dialect]("values ('Post', 1), ('Post', 9)"))
    expect(said(result)).toEqual([
      '"comments": 1 row points at a row of "posts" that does not exist (subject_id, inferred by subject_type)',
    ])
    expect(result.coverage).toMatchObject({ examined: 1, of: 1, missing: [] })
  })
})

test('kinds that cannot be read leave a gap, on sqlite', async () => {
  const { target } = await testDatabase(
    'sqlite',
    `create table posts (id integer primary key);
    create table comments (told text, subject_id integer); insert into comments values ('no json', 1);
    alter table comments add column subject_type text generated always as (json_extract(told, '$.type')) virtual;`,
  )
  const result = await examineOne('integrity/orphaned-rows', target)
  expect([said(result), result.coverage?.missing[0]?.object]).toEqual([
    'skip: unavailable: malformed JSON',
    'comments (subject_type, subject_id)',
  ])
})

test('kinds that the role may not read leave a gap, on postgres', async () => {
  const role = `kinds_${process.pid}`
  const { target, execute } = await testDatabase(
    'postgres',
    `create table posts (id integer primary key); create table comments (id integer primary key, subject_type text, subject_id integer);
    create role ${role} login password 'w'; grant select on posts to ${role}; grant select (id, subject_id) on comments to ${role};`,
  )
  afterwards(() => execute(`drop owned by ${role}; drop role ${role}`))
  const asRole = Object.assign(new URL(target), { username: role, password: 'w' }).href
  const asked = () => examineOne('integrity/orphaned-rows', asRole)
  expect(said(await asked())).toBe('skip: no-permission: permission denied for table comments')
  await execute(`grant select on comments to ${role}`)
  expect(said(await asked())).toBe('pass')
})

test('rows of what inherits from a parent are parents too, where no foreign key says otherwise', async () => {
  const { target, execute } = await testDatabase(
    'postgres',
    `create table vehicles (id int primary key); create table cars (doors int) inherits (vehicles);
    insert into vehicles select generate_series(1, 40); insert into cars select generate_series(41, 60), 4;
    create table trips (id int primary key, vehicle_id int); insert into trips select i, i from generate_series(1, 60) i;`,
  )
  const orphans = (declare: string[]) =>
    examineOne('integrity/orphaned-rows', target, { config: { database: { relationships: { declare } } } })
  const declared = ['trips.vehicle_id -> vehicles.id']
  expect([(await orphans([])).status, said(await orphans(declared))]).toEqual(['pass', 'pass'])
  await execute('delete from cars where id = 41')
  expect(said(await orphans(declared))).toEqual([
    expect.stringMatching(/^"trips": 1 row points at a row of "vehicles" that does not exist/),
  ])
})

test('nothing is called an orphan where nobody could find out what means "none"', async () => {
  // Reading the column takes most of a second: longer than a lock is held for, where a file has no log.
  const { target } = await testDatabase(
    'sqlite',
    `pragma journal_mode = delete; create table users (id integer primary key); create table notes (id integer primary key, base integer,
      user_id integer not null generated always as (base + 0 * length(hex(zeroblob(10000000)))) virtual);
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 30) insert into users select i from n;
    insert into notes (id, base) select id, case when id > 27 then 0 else id end from users;`,
  )
  const asked = () => examineOne('integrity/orphaned-rows', target)
  const none = '"notes.user_id" is 0 in 3 rows, which is taken for "none": no row of "users" has that key'
  expect(said(await asked())).toEqual([none, expect.stringContaining('all 27 values are there')])
  vi.stubEnv('TMPDIR', '/nowhere')
  afterwards(() => vi.unstubAllEnvs())
  const result = await asked()
  vi.unstubAllEnvs()
  expect(result).toMatchObject({ status: 'skip', findings: [], skip: { reason: 'unsafe' } })
})

test('tables of the same name in several schemas are not taken for each other', async () => {
  const schemas = ['public', 'tenant'].map(
    (
      schema,
    ) => `create table ${schema}.users (id int primary key); insert into ${schema}.users select generate_series(1, 40);
      create table ${schema}.orders (id int primary key, user_id int); insert into ${schema}.orders select i, i from generate_series(1, 40) i;`,
  )
  const { target } = await testDatabase(
    'postgres',
    `create schema tenant; ${schemas.join(' ')} insert into tenant.orders values (99, 77)`,
  )
  const under = (relationships: object) =>
    examineOne('integrity/orphaned-rows', target, { config: { database: { relationships } } })
  const orphan =
    '"tenant.orders": 1 row points at a row of "tenant.users" that does not exist (user_id, inferred by name and type)'
  const declared = await under({ declare: ['orders.user_id -> users.id'] })
  expect(said(declared)).toEqual([orphan])
  expect(declared.findings[0]?.next).toContain("Where it is meant so: relationships.ignore: ['tenant.orders.user_id']")
  const ignored = await under({ ignore: ['tenant.orders.user_id'] })
  expect([ignored.status, ignored.coverage]).toMatchObject(['pass', { examined: 1, of: 1 }])
  expect((await under({ ignore: ['orders.user_id'] })).coverage).toMatchObject({ of: 0 })
})

test('on PostgreSQL: tenants with the same tables are each their own', async () => {
  const tenant = (name: string) => `create schema ${name};
    create table ${name}.users (id int primary key, manager_id int); insert into ${name}.users values (1, null), (2, 1);
    create table ${name}.memberships (team_no int, user_id int, role text, primary key (team_no, user_id)); insert into ${name}.memberships values (1, 1), (1, 2);
    create table ${name}.absences (id int primary key, team_no int, user_id int); insert into ${name}.absences values (1, 1, 2);
    create table ${name}.photos (id int primary key, created_by int, owner_type text, owner_id int); insert into ${name}.photos values (1, 2, 'User', 1);`
  const { target, execute } = await testDatabase('postgres', ['north', 'south', 'west'].map(tenant).join(' '))
  await execute('delete from west.users where id = 2')
  const { relationships = [] } = await examineOne('integrity/orphaned-rows', target)
  const found = relationships.map(({ child, columns, parent }) => `${child} (${columns.join(', ')}) -> ${parent}`)
  expect(found.sort()).toEqual(
    ['north', 'south', 'west'].flatMap((name) => [
      `${name}.absences (team_no, user_id) -> ${name}.memberships`,
      `${name}.absences (user_id) -> ${name}.users`,
      `${name}.memberships (user_id) -> ${name}.users`,
      `${name}.photos (created_by) -> ${name}.users`,
      `${name}.photos (owner_id) -> ${name}.users`,
      `${name}.users (manager_id) -> ${name}.users`,
    ]),
  )
})
