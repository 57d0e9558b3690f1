import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { examineOne, onEachDialect, said, testDatabase, testFolder } from '../../support/databases.js'

type Files = Readonly<Record<string, string>>

/** A folder with these files: path to content. */
async function folderOf(files: Files, name = 'migrations'): Promise<string> {
  const folder = join(await testFolder(), name)
  mkdirSync(folder, { recursive: true })
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  return folder
}

const names = (...paths: string[]): Files => Object.fromEntries(paths.map((path) => [path, '']))
const revision = (id: string, before: string) => `"""A change"""\nrevision: str = '${id}'\ndown_revision = ${before}\n`
const journal = (...entries: [tag: string, when: number][]) =>
  JSON.stringify({ version: '7', entries: entries.map(([tag, when], idx) => ({ idx, tag, when, breakpoints: true })) })

interface Case {
  readonly tool: string
  /** The history, with one migration or more applied, of the last of which the folder knows. */
  readonly history: string
  /** A folder that holds what is applied, and nothing else. */
  readonly level: Files
  /** More files, and what is said of them. */
  readonly ahead: readonly [files: Files, pending: string]
  /** What is said of a folder that holds another file alone. */
  readonly other: readonly [files: Files, ...said: string[]]
  /** What the folder is called, where a tool reads that. */
  readonly folder?: string
}

const waits = (tool: string, name: string) => `${tool}: 1 migration waits in the folder, not applied yet: "${name}"`
const unheard = (tool: string, name: string) =>
  `${tool}: 1 migration in the history that the folder does not hold: "${name}"`

const cases: readonly Case[] = [
  {
    tool: 'Prisma',
    history: `create table _prisma_migrations (id varchar(36) primary key, migration_name varchar(255) not null, started_at varchar(40), finished_at varchar(40), rolled_back_at varchar(40), logs text);
      insert into _prisma_migrations values ('1', '2024_init', '2024-01-01', '2024-01-01', null, null), ('2', '2024_bad', '2024-01-02', null, '2024-01-03', null)`,
    level: names('2024_init/migration.sql', 'migration_lock.toml'),
    ahead: [names('2025_more/migration.sql'), '2025_more'],
    other: [names('2025_more/migration.sql'), waits('Prisma', '2025_more'), unheard('Prisma', '2024_init')],
  },
  {
    tool: 'Kysely',
    history: `create table kysely_migration (name varchar(255) primary key, timestamp varchar(255)); insert into kysely_migration values ('0001_users', 'x')`,
    level: names('0001_users.ts', '0001_users.d.ts', 'index.ts', 'README.md'),
    ahead: [names('0002_posts.mjs'), '0002_posts'],
    other: [names('0002_posts.mjs'), waits('Kysely', '0002_posts'), unheard('Kysely', '0001_users')],
  },
  {
    tool: 'Knex',
    history: `create table knex_migrations (id int primary key, name varchar(255), batch int, migration_time varchar(40)); insert into knex_migrations values (1, '2024_users.js', 1, 'x')`,
    level: names('2024_users.ts'),
    ahead: [names('2025_posts.ts'), '2025_posts'],
    other: [names('2025_posts.js'), waits('Knex', '2025_posts'), unheard('Knex', '2024_users')],
  },
  {
    tool: 'Drizzle',
    history: `create table __drizzle_migrations (id int primary key, hash text, created_at bigint); insert into __drizzle_migrations values (1, 'a', 1700000000000)`,
    level: { '0000_a.sql': '', 'meta/_journal.json': journal(['0000_a', 1_700_000_000_000]) },
    ahead: [{ 'meta/_journal.json': journal(['0000_a', 1_700_000_000_000], ['0001_b', 1_800_000_000_000]) }, '0001_b'],
    other: [{ 'meta/_journal.json': journal(['0000_z', 1_600_000_000_000]) }, unheard('Drizzle', '1700000000000')],
  },
  {
    tool: 'TypeORM',
    history: `create table migrations (id int primary key, timestamp bigint, name varchar(255)); insert into migrations values (1, 1700000000000, 'Users1700000000000')`,
    level: names('1700000000000-Users.ts'),
    ahead: [names('1800000000000-Posts.ts'), '1800000000000'],
    other: [names('1800000000000-Posts.js'), waits('TypeORM', '1800000000000'), unheard('TypeORM', '1700000000000')],
  },
  {
    tool: 'Sequelize',
    history: `create table "SequelizeMeta" (name varchar(255) primary key); insert into "SequelizeMeta" values ('2024-users.js')`,
    level: names('2024-users.js'),
    ahead: [names('2025-posts.js'), '2025-posts'],
    other: [names('2025-posts.js'), waits('Sequelize', '2025-posts'), unheard('Sequelize', '2024-users')],
  },
  {
    tool: 'Alembic',
    history: `create table alembic_version (version_num varchar(32) primary key); insert into alembic_version values ('b2')`,
    level: {
      'a1_.py': revision('a1', 'None'),
      'x_.py': revision('x', "'a1'"),
      'b2_merge.py': revision('b2', "('a1', 'x')"),
      '__init__.py': '',
    },
    ahead: [{ 'c3_.py': revision('c3', "'b2'") }, 'c3'],
    other: [{ 'c3_.py': revision('c3', 'None') }, waits('Alembic', 'c3'), unheard('Alembic', 'b2')],
  },
  {
    tool: 'Django',
    history: `create table django_migrations (id int primary key, app varchar(255), name varchar(255), applied varchar(40));
      insert into django_migrations values (1, 'shop', '0001_initial', 'x'), (2, 'auth', '0001_initial', 'x')`,
    level: names('shop/migrations/0001_initial.py', 'shop/migrations/__init__.py'),
    ahead: [names('shop/migrations/0002_more.py'), '0002_more'],
    other: [names('shop/migrations/0002_more.py'), waits('Django', '0002_more'), unheard('Django', '0001_initial')],
    folder: 'shop/migrations',
  },
  {
    tool: 'Flyway',
    history: `create table flyway_schema_history (installed_rank int primary key, version varchar(50), type varchar(20), script varchar(1000), success boolean);
      insert into flyway_schema_history values (1, '1.1', 'SQL', 'V1.1__users.sql', true)`,
    level: names('V1.1__users.sql', 'notes.txt'),
    ahead: [names('nested/V2__posts.sql'), 'V2__posts.sql'],
    other: [names('V2__posts.sql'), waits('Flyway', 'V2__posts.sql'), unheard('Flyway', 'V1.1__users.sql')],
  },
  {
    tool: 'Rails or dbmate',
    history: `create table schema_migrations (version varchar(255) primary key); insert into schema_migrations values ('20240101')`,
    level: names('20240101_users.rb'),
    ahead: [names('20250101_posts.sql'), '20250101'],
    other: [names('20250101_posts.rb'), waits('Rails or dbmate', '20250101'), unheard('Rails or dbmate', '20240101')],
  },
  {
    tool: 'golang-migrate',
    history: `create table schema_migrations (version bigint primary key, dirty boolean not null); insert into schema_migrations values (2, false)`,
    level: names('000001_users.up.sql', '000001_users.down.sql', '000002_posts.up.sql'),
    ahead: [names('000003_tags.up.sql'), '3'],
    other: [names('000003_tags.up.sql'), waits('golang-migrate', '3'), unheard('golang-migrate', '2')],
  },
  {
    tool: 'node-pg-migrate',
    history: `create table pgmigrations (id int primary key, name varchar(255), run_on varchar(40)); insert into pgmigrations values (1, '17_users', 'x')`,
    level: names('17_users.js'),
    ahead: [names('18_posts.js'), '18_posts'],
    other: [names('18_posts.sql'), waits('node-pg-migrate', '18_posts'), unheard('node-pg-migrate', '17_users')],
  },
]

const examine = (target: string, folder: string) =>
  examineOne('schema/migrations', target, { config: { database: { migrations: { folder } } } })

onEachDialect((dialect) => {
  describe.each(cases)('$tool', ({ tool, history, level, ahead, other, folder = 'migrations' }) => {
    test('a folder and a history that agree are silent; what one has and the other lacks is named', async () => {
      const { target } = await testDatabase(dialect, history)
      // Django's folders say by their own name whose they are.
      const place = (files: Files) => folderOf(strip(files, folder), folder)
      expect(said(await examine(target, await place(level)))).toBe('pass')
      expect(said(await examine(target, await place({ ...level, ...ahead[0] })))).toEqual([waits(tool, ahead[1])])
      const [files, ...sentences] = other
      expect(said(await examine(target, await place(files)))).toEqual(sentences)
    })
  })
})

function strip(files: Files, folder: string): Files {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [path.replace(`${folder}/`, ''), text]))
}

test('what is not above a baseline of Flyway does not wait, nor does a squashed migration of Django', async () => {
  const flyway = await testDatabase(
    'sqlite',
    `create table flyway_schema_history (installed_rank int primary key, version varchar(50), type varchar(20), script varchar(1000), success boolean);
    insert into flyway_schema_history values (1, '2.10', 'BASELINE', '<< Flyway Baseline >>', true)`,
  )
  const files = names('V1__a.sql', 'V2.9__b.sql', 'V2_10__c.sql', 'V10__d.sql')
  expect(said(await examine(flyway.target, await folderOf(files)))).toEqual([waits('Flyway', 'V10__d.sql')])

  const django = await testDatabase(
    'sqlite',
    `create table django_migrations (id int primary key, app varchar(255), name varchar(255), applied varchar(40));
    insert into django_migrations values (1, 'shop', '0001_initial', 'x'), (2, 'shop', '0002_more', 'x')`,
  )
  const squashed = { '0001_squashed_0002_more.py': "class Migration:\n    replaces = [('shop', '0001_initial')]\n" }
  expect(said(await examine(django.target, await folderOf(squashed, 'shop/migrations')))).toBe('pass')
})

test('a folder without a history, one that holds none of its kind, and one that is not there', async () => {
  const files = names('0001_users.ts')
  const empty = await testDatabase('sqlite', 'create table users (id integer primary key)')
  expect(said(await examine(empty.target, await folderOf(files)))).toEqual([
    expect.stringMatching(/^the folder of migrations holds 1 file, and the database has no history of migrations: /),
  ])
  const { target } = await testDatabase('sqlite', cases[0]?.history)
  expect(said(await examine(target, await folderOf(files)))).toMatch(
    /^skip: unavailable: it holds no migration of the tools/,
  )
  await expect(examine(target, '/nowhere/migrations')).rejects.toThrow(
    'database.migrations.folder: /nowhere/migrations cannot be read: ENOENT',
  )
})
