import { open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import BetterSqlite from 'better-sqlite3'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import type { DialectName } from '../../../src/dialects/dialect.js'
import { asSuperuser, examineOne, onEachDialect, said, testDatabase } from '../../support/databases.js'

const examineWith = async (dialect: DialectName, statements: string) =>
  examineOne('schema/migrations', (await testDatabase(dialect, statements)).target)

/** The tables as each tool creates them. */
const prisma = {
  postgres: `create table "_prisma_migrations" ("id" varchar(36) primary key not null, "checksum" varchar(64) not null,
    "finished_at" timestamptz, "migration_name" varchar(255) not null, "logs" text, "rolled_back_at" timestamptz,
    "started_at" timestamptz not null default now(), "applied_steps_count" integer not null default 0);`,
  sqlite: `create table "_prisma_migrations" ("id" text primary key not null, "checksum" text not null,
    "finished_at" datetime, "migration_name" text not null, "logs" text, "rolled_back_at" datetime,
    "started_at" datetime not null default current_timestamp, "applied_steps_count" integer unsigned not null default 0);`,
}
const kysely = `create table kysely_migration (name varchar(255) not null primary key, timestamp varchar(255) not null);
  create table kysely_migration_lock (id varchar(255) not null primary key, is_locked integer default 0 not null);
  insert into kysely_migration values ('0001_users', '2026-01-01T00:00:00.000Z');`
const knex = {
  postgres: `create table knex_migrations (id serial primary key, name varchar(255), batch integer, migration_time timestamptz);
    create table knex_migrations_lock ("index" serial primary key, is_locked integer);`,
  sqlite: `create table knex_migrations (id integer not null primary key autoincrement, name varchar(255), batch integer, migration_time datetime);
    create table knex_migrations_lock ("index" integer not null primary key autoincrement, is_locked integer);`,
}
const flyway = {
  postgres: `create table flyway_schema_history (installed_rank int not null primary key, version varchar(50), description varchar(200) not null,
    type varchar(20) not null, script varchar(1000) not null, checksum integer, installed_by varchar(100) not null,
    installed_on timestamp not null default now(), execution_time integer not null, success boolean not null);`,
  sqlite: `create table flyway_schema_history (installed_rank int not null primary key, version varchar(50), description varchar(200) not null,
    type varchar(20) not null, script varchar(1000) not null, checksum int, installed_by varchar(100) not null,
    installed_on text not null default (strftime('%Y-%m-%d %H:%M:%f','now')), execution_time int not null, success boolean not null);`,
}
const liquibase = {
  postgres: `create table databasechangelog (id varchar(255) not null, author varchar(255) not null, filename varchar(255) not null,
      dateexecuted timestamp not null, orderexecuted integer not null, exectype varchar(10) not null, md5sum varchar(35), description varchar(255),
      comments varchar(255), tag varchar(255), liquibase varchar(20), contexts varchar(255), labels varchar(255), deployment_id varchar(10));
    create table databasechangeloglock (id integer not null primary key, locked boolean not null, lockgranted timestamp, lockedby varchar(255));`,
  sqlite: `create table DATABASECHANGELOG (ID varchar(255) not null, AUTHOR varchar(255) not null, FILENAME varchar(255) not null,
      DATEEXECUTED text not null, ORDEREXECUTED integer not null, EXECTYPE varchar(10) not null, MD5SUM varchar(35), DESCRIPTION varchar(255),
      COMMENTS varchar(255), TAG varchar(255), LIQUIBASE varchar(20), CONTEXTS varchar(255), LABELS varchar(255), DEPLOYMENT_ID varchar(10));
    create table DATABASECHANGELOGLOCK (ID integer not null primary key, LOCKED boolean not null, LOCKGRANTED text, LOCKEDBY varchar(255));`,
}
const golangMigrate = {
  postgres: 'create table schema_migrations (version bigint not null primary key, dirty boolean not null);',
  sqlite:
    'create table schema_migrations (version uint64, dirty bool); create unique index version_unique on schema_migrations (version);',
}
const alembic = 'create table alembic_version (version_num varchar(32) not null primary key);'

onEachDialect((dialect) => {
  const examineThis = (statements: string) => examineWith(dialect, statements)
  /** A time as Prisma writes it: milliseconds on SQLite. */
  const moment = (at: string | number | null) => {
    if (at === null) return 'null'
    const time = new Date(at)
    return dialect === 'sqlite' ? time.getTime() : `'${time.toISOString()}'`
  }
  const began = '2026-01-01T10:00:00Z'
  const prismaRow = (
    name: string,
    finished: string | null,
    more: { logs?: string; rolledBack?: string; at?: string | number } = {},
  ) =>
    `insert into "_prisma_migrations" (id, checksum, migration_name, started_at, finished_at, rolled_back_at, logs) values
      ('${name}${more.at ?? ''}${more.rolledBack ?? ''}', 'x', '${name}', ${moment(more.at ?? began)}, ${moment(finished)}, ${moment(more.rolledBack ?? null)}, ${more.logs ? `'${more.logs}'` : 'null'});`
  const applied = prisma[dialect] + prismaRow('1_users', began)

  test('without a migration table there is nothing to look at', async () => {
    const none = 'skip: not-applicable: no migration table of a tool that dbdoctor knows'
    expect(said(await examineThis(''))).toBe(none)
    expect(said(await examineThis('create table users (id integer primary key);'))).toBe(none)
  })

  test('a table of the same name with other columns is somebody else’s', async () => {
    expect((await examineThis('create table migrations (id integer primary key, bird text);')).skip?.reason).toBe(
      'not-applicable',
    )
  })

  describe('Prisma', () => {
    test('a migration that failed is named, with the way out, and without its log', async () => {
      const result = await examineThis(
        applied + prismaRow('2_orders', null, { logs: 'secret of a row', at: Date.now() }),
      )
      expect(result.status).toBe('fail')
      expect(said(result)).toEqual([
        'Prisma: migration "2_orders" failed, and no other is applied until that is resolved',
      ])
      expect(result.findings[0]).toMatchObject({
        address: 'schema/migrations#failed',
        severity: 'error',
        evidence: { tool: 'Prisma', table: '_prisma_migrations', name: '2_orders' },
        next: [
          'See what of prisma/migrations/2_orders/migration.sql is in place, statement by statement.',
          'Nothing, or you undid it: npx prisma migrate resolve --rolled-back "2_orders" && npx prisma migrate deploy',
          'All of it, or you completed it: npx prisma migrate resolve --applied "2_orders"',
        ],
      })
      expect(JSON.stringify(result)).not.toContain('secret')
    })

    test('a migration that never finished may be applied in part', async () => {
      const result = await examineThis(applied + prismaRow('2_orders', null))
      expect(said(result)).toEqual([
        'Prisma: migration "2_orders" began at 2026-01-01 10:00:00 UTC and did not finish: it may be applied in part',
      ])
      expect(result).toMatchObject({ status: 'fail', findings: [{ address: 'schema/migrations#half-applied' }] })
    })

    test('one that began a moment ago is running', async () => {
      const result = await examineThis(applied + prismaRow('2_orders', null, { at: Date.now() - 60_000 }))
      expect(said(result)).toEqual([expect.stringMatching(/^Prisma is migrating now: "2_orders", since 20.* UTC$/)])
      expect(result).toMatchObject({ status: 'pass', findings: [{ severity: 'info' }] })
    })

    test('times that were written as texts are read too', async () => {
      const insert = (name: string, started: string) =>
        `insert into "_prisma_migrations" (id, checksum, migration_name, started_at) values ('x', 'x', '${name}', ${started});`
      const [now] = said(await examineThis(prisma[dialect] + insert('2_now', 'current_timestamp')))
      expect(now).toMatch(/^Prisma is migrating now: "2_now"/)
      const [then] = said(await examineThis(prisma[dialect] + insert('2_then', "'2026-01-01T10:00:00.000+00:00'")))
      expect(then).toMatch(/^Prisma: migration "2_then" began at 2026-01-01 10:00:00 UTC/)
    })

    test('rolled back and applied again is a clean history', async () => {
      const result = await examineThis(
        applied +
          prismaRow('2_orders', null, { logs: 'it failed', rolledBack: began }) +
          prismaRow('2_orders', began, { at: '2026-01-02' }),
      )
      expect(said(result)).toBe('pass')
      expect(result.saw).toBe('Prisma, 2 applied')
    })

    test('a name that a shell would understand is not put into a command', async () => {
      const result = await examineThis(prisma[dialect] + prismaRow('2_$(reboot)', null, { logs: 'x' }))
      expect(result.findings[0]?.next?.join()).toContain('--applied "NAME"')
      expect(result.findings[0]?.next?.join()).not.toContain('reboot')
    })
  })

  describe('Kysely', () => {
    const locked = (value: number) => `${kysely} insert into kysely_migration_lock values ('migration_lock', ${value});`

    test('a lock that is held', async () => {
      const result = await examineThis(locked(1))
      expect(said(result)).toEqual([
        'Kysely: the lock in "kysely_migration_lock" is held: a migrator is running, or one that was stopped left it behind',
      ])
      expect(result).toMatchObject({
        status: 'warn',
        findings: [
          { next: ['Make sure that no migrator is running.', 'update "kysely_migration_lock" set is_locked = 0'] },
        ],
      })
    })

    test('a lock that is free', async () => {
      const result = await examineThis(locked(0))
      expect(said(result)).toBe('pass')
      expect(result.saw).toBe('Kysely, 1 applied')
    })
  })

  describe('Knex', () => {
    const history = `${knex[dialect]} insert into knex_migrations (name, batch) values ('1_users.js', 1), ('2_orders.js', 1);`

    test('a lock that is held', async () => {
      const result = await examineThis(`${history} insert into knex_migrations_lock (is_locked) values (1);`)
      expect(said(result)).toEqual([
        'Knex: the lock in "knex_migrations_lock" is held: a migrator is running, or one that was stopped left it behind',
      ])
      expect(result.status).toBe('warn')
      expect(result.findings[0]?.next).toEqual([
        'Make sure that no migrator is running.',
        'npx knex migrate:unlock',
        'update "knex_migrations_lock" set is_locked = 0; -- the same, without Knex',
      ])
    })

    test('a lock that is free, and one that nobody ever took', async () => {
      const free = await examineThis(`${history} insert into knex_migrations_lock (is_locked) values (0);`)
      expect(said(free)).toBe('pass')
      expect(free.saw).toBe('Knex, 2 applied')
      expect(said(await examineThis(history))).toBe('pass')
    })
  })

  describe('Flyway', () => {
    const row = (rank: number, script: string, success: boolean, type = 'SQL') =>
      `insert into flyway_schema_history (installed_rank, version, description, type, script, installed_by, execution_time, success)
       values (${rank}, '${rank}', 'x', '${type}', '${script}', 'app', 1, ${success});`
    const history = flyway[dialect] + row(1, 'V1__users.sql', true)

    test('a migration that failed', async () => {
      const result = await examineThis(history + row(2, 'V2__orders.sql', false))
      expect(said(result)).toEqual([
        'Flyway: migration "V2__orders.sql" failed, and no other is applied until that is resolved',
      ])
      expect(result.status).toBe('fail')
      expect(result.findings[0]?.next).toContain('flyway repair')
    })

    test('a clean history, and one that failed and was applied later', async () => {
      const clean = await examineThis(history + row(0, '"public"', true, 'SCHEMA') + row(2, 'V2__orders.sql', true))
      expect(said(clean)).toBe('pass')
      expect(clean.saw).toBe('Flyway, 2 applied')
      expect(said(await examineThis(history + row(2, 'R__views.sql', false) + row(3, 'R__views.sql', true)))).toBe(
        'pass',
      )
    })

    test('applied once does not excuse a later failure', async () => {
      const result = await examineThis(history + row(2, 'R__views.sql', true) + row(3, 'R__views.sql', false))
      expect(result.status).toBe('fail')
    })
  })

  describe('Liquibase', () => {
    const history = `${liquibase[dialect]} insert into databasechangelog (id, author, filename, dateexecuted, orderexecuted, exectype)
      values ('1', 'ann', 'a.xml', '2026-01-01 10:00:00', 1, 'EXECUTED');`

    test('a lock that is held: by whom, since when', async () => {
      const result = await examineThis(
        `${history} insert into databasechangeloglock values (1, true, '2026-01-01 10:00:00.123', 'build-7 (10.0.0.7)');`,
      )
      const name = dialect === 'sqlite' ? 'DATABASECHANGELOGLOCK' : 'databasechangeloglock'
      expect(said(result)).toEqual([
        `Liquibase: the lock in "${name}" is held by build-7 (10.0.0.7) since 2026-01-01 10:00:00: a migrator is running, or one that was stopped left it behind`,
      ])
      expect(result.status).toBe('warn')
      expect(result.findings[0]?.next).toContain('liquibase release-locks')
    })

    test('a lock that is free', async () => {
      const result = await examineThis(`${history} insert into databasechangeloglock values (1, false, null, null);`)
      expect(said(result)).toBe('pass')
      expect(result.saw).toBe('Liquibase, 1 applied')
    })
  })

  test('a table of another name is told by its ending and its columns; one of the application is not', async () => {
    const other = golangMigrate[dialect].replaceAll('schema_migrations', 'billing_schema_migrations')
    expect(said(await examineThis(`${other} insert into billing_schema_migrations values (7, true);`))).toEqual([
      'golang-migrate: version 7 is dirty: the migration to it did not finish, and may be applied in part',
    ])
    const own = 'create table theme_schema_migrations (version integer, dirty boolean, author text);'
    expect(said(await examineThis(`${own} insert into theme_schema_migrations values (7, true, 'ada');`))).toMatch(
      /^skip: not-applicable/,
    )
  })

  describe('golang-migrate', () => {
    test('a dirty version', async () => {
      const result = await examineThis(`${golangMigrate[dialect]} insert into schema_migrations values (7, true);`)
      expect(said(result)).toEqual([
        'golang-migrate: version 7 is dirty: the migration to it did not finish, and may be applied in part',
      ])
      expect(result.status).toBe('fail')
      expect(result.findings[0]?.next).toContain(
        'All of it, or you completed it: migrate -path FOLDER -database "$DATABASE_URL" force 7',
      )
    })

    test('a clean version, and none yet', async () => {
      const clean = await examineThis(`${golangMigrate[dialect]} insert into schema_migrations values (7, false);`)
      expect(said(clean)).toBe('pass')
      expect(clean.saw).toBe('golang-migrate at 7')
      expect(said(await examineThis(golangMigrate[dialect]))).toBe('pass')
    })
  })

  test('Alembic: several heads are told, one or none is fine', async () => {
    const several = await examineThis(`${alembic} insert into alembic_version values ('ae10'), ('bf20');`)
    expect(said(several)).toEqual(['Alembic: "alembic_version" names 2 heads: the history has branches'])
    expect(several.status).toBe('pass')
    const one = await examineThis(`${alembic} insert into alembic_version values ('ae10');`)
    expect(said(one)).toBe('pass')
    expect(one.saw).toBe('Alembic at ae10')
    expect((await examineThis(alembic)).saw).toBe('Alembic at base')
  })

  const autoincrement = dialect === 'sqlite' ? 'integer primary key autoincrement' : 'serial primary key'
  test.each([
    [
      'TypeORM, 1 applied',
      `create table "migrations" ("id" ${autoincrement} not null, "timestamp" bigint not null, "name" varchar not null);
       insert into migrations ("timestamp", name) values (1700000000000, 'Users1700000000000');`,
    ],
    [
      'Sequelize, 1 applied',
      `create table "SequelizeMeta" ("name" varchar(255) not null unique primary key); insert into "SequelizeMeta" values ('1-users.js');`,
    ],
    [
      'Django, 1 applied',
      `create table "django_migrations" ("id" ${autoincrement} not null, "app" varchar(255) not null, "name" varchar(255) not null, "applied" timestamp not null);
       insert into django_migrations (app, name, applied) values ('auth', '0001_initial', '2026-01-01 10:00:00');`,
    ],
    [
      'Rails or dbmate, 2 applied',
      `create table "schema_migrations" ("version" varchar not null primary key); insert into schema_migrations values ('20260101'), ('20260102');`,
    ],
    [
      'Ecto, 1 applied',
      `create table "schema_migrations" ("version" bigint not null primary key, "inserted_at" timestamp); insert into schema_migrations values (20260101, null);`,
    ],
    ...(dialect === 'sqlite'
      ? [
          [
            'Drizzle, 1 applied',
            `create table "__drizzle_migrations" (id serial primary key, hash text not null, created_at numeric);
             insert into "__drizzle_migrations" values (1, 'x', 1700000000000);`,
          ],
        ]
      : [
          [
            'Drizzle, 1 applied',
            `create schema drizzle; create table drizzle."__drizzle_migrations" (id serial primary key, hash text not null, created_at bigint);
             insert into drizzle."__drizzle_migrations" values (1, 'x', 1700000000000);`,
          ],
          [
            'node-pg-migrate, 1 applied',
            `create table "public"."pgmigrations" (id serial primary key, name varchar(255) not null, run_on timestamp not null);
             insert into pgmigrations (name, run_on) values ('1_users', now());`,
          ],
        ]),
  ])('%s', async (saw, statements) => {
    const result = await examineThis(String(statements))
    expect(said(result)).toBe('pass')
    expect(result).toMatchObject({ saw, coverage: { examined: 1, of: 1 } })
  })

  test('two tools in one database are both looked at', async () => {
    const result = await examineThis(
      `${applied} ${golangMigrate[dialect]} insert into schema_migrations values (7, true);`,
    )
    expect(result.saw).toBe('Prisma, 1 applied')
    expect(result.findings).toHaveLength(1)
  })
})

describe('while a migrator holds its advisory lock, its migration is running', () => {
  const old = `${prisma.postgres} insert into "_prisma_migrations" (id, checksum, migration_name, started_at) values ('1', 'x', '1_index', '2026-01-01');
    ${golangMigrate.postgres} insert into schema_migrations values (7, true);`
  const whileLocked = async (target: string, keys: readonly number[]) => {
    const migrator = new pg.Client({ connectionString: target })
    await migrator.connect()
    for (const key of keys) await migrator.query('select pg_advisory_lock($1)', [key])
    const result = await examineOne('schema/migrations', target)
    await migrator.end()
    return result
  }
  const golangKey = (...names: string[]) => Math.imul(crc32(names.join('\0')), 1486364155) >>> 0

  test('Prisma and golang-migrate, of any version', async () => {
    const { target } = await testDatabase('postgres', old)
    const database = new URL(target).pathname.slice(1)
    for (const names of [['public', 'schema_migrations', database], ['public', database], [database]]) {
      const result = await whileLocked(target, [72707369, golangKey(...names)])
      expect(said(result)).toEqual([
        expect.stringMatching(/^Prisma is migrating now: "1_index", since 20/),
        'golang-migrate is migrating now: "7"',
      ])
      expect(result.status).toBe('pass')
    }
  })

  test('a lock of the application’s own excuses nobody', async () => {
    const { target } = await testDatabase('postgres', old)
    const result = await whileLocked(target, [1, golangKey('public', 'schema_migrations', 'another')])
    expect(result.findings.map(({ address }) => address)).toEqual([
      'schema/migrations#half-applied',
      'schema/migrations#dirty',
    ])
  })
})

test('a table in another schema is named and quoted with it, and is left out where the config leaves its schema out', async () => {
  const { target } = await testDatabase(
    'postgres',
    `create schema "My App"; create table "My App".knex_migrations_lock ("index" serial primary key, is_locked integer);
     insert into "My App".knex_migrations_lock (is_locked) values (1);`,
  )
  const result = await examineOne('schema/migrations', target)
  expect(said(result)).toEqual([expect.stringContaining('the lock in "My App.knex_migrations_lock" is held')])
  expect(result.findings[0]?.next?.at(-1)).toContain('update "My App"."knex_migrations_lock" set is_locked = 0')
  const elsewhere = await examineOne('schema/migrations', target, { config: { database: { schemas: ['public'] } } })
  expect(elsewhere.skip?.reason).toBe('not-applicable')
})

test('a history that the role may not read is a gap, not a pass', async () => {
  const role = `migrations_reader_${process.pid}`
  const { target } = await testDatabase(
    'postgres',
    `${kysely} create role ${role} login password 'x'; grant select on kysely_migration to ${role};`,
  )
  const url = new URL(target)
  Object.assign(url, { username: role, password: 'x' })
  const result = await examineOne('schema/migrations', url.href)
  expect(result).toMatchObject({
    status: 'skip',
    findings: [],
    coverage: { examined: 1, of: 2, missing: [{ object: 'kysely_migration_lock', reason: 'no-permission' }] },
  })
  await asSuperuser(target, `drop owned by ${role}; drop role ${role}`)
})

test('a history whose pages are damaged cannot be read, and is named', async () => {
  const { target } = await testDatabase(
    'sqlite',
    `${golangMigrate.sqlite} insert into schema_migrations values (7, false);`,
  )
  const file = target.slice('sqlite:'.length)
  const database = new BetterSqlite(file, { readonly: true })
  const root = Number(
    database.prepare("select rootpage from sqlite_schema where name = 'schema_migrations'").pluck().get(),
  )
  const pageSize = Number(database.pragma('page_size', { simple: true }))
  database.close()
  const handle = await open(file, 'r+')
  await handle.write(Buffer.alloc(pageSize, 0x5a), 0, pageSize, (root - 1) * pageSize)
  await handle.close()
  const result = await examineOne('schema/migrations', file)
  expect(said(result)).toEqual([
    'the migration history in "schema_migrations" cannot be read: database disk image is malformed',
  ])
  expect(result.status).toBe('fail')
})
