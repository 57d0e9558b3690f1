import { expect, test } from 'vitest'
import { examine, examineOne, said, testDatabase } from '../../support/databases.js'

const triggers = (target: string) => examineOne('schema/triggers', target)

const sound = `
  create table users (id integer primary key, name text, changed text, whole text generated always as (name || '!'));
  create table "it's log" (at text, "what ""it"" was" text);
  create trigger "after insert" after update of name on users when new.name <> old.name begin update users set changed = 'now' where id = new.id; end;
  create trigger logged after delete on users begin insert into "it's log" values ('now', old.name); end;
  create trigger chained after insert on "it's log" begin update users set changed = new.at where id = 1; end;
  create view names as select id, name from users;
  create trigger renamed instead of update on names begin update users set name = new.name where id = old.id; end;
  create trigger added instead of insert on names begin insert into users (name) values (new.name); end;
  create table codes (code text primary key, user_id references users (id)) without rowid;
  create trigger refused before delete on codes begin select raise(abort, 'codes stay'); end;`

test('triggers that can fire are silent, and none of them fires', async () => {
  const { target, execute } = await testDatabase('sqlite', `${sound} insert into users (name) values ('Ada')`)
  const result = await triggers(target)
  expect([said(result), result.coverage]).toMatchObject(['pass', { examined: 6, of: 6, unit: 'trigger' }])
  await execute(
    "update names set name = 'Bob'; insert into names values (null, 'Eve'); delete from users where name = 'Eve'",
  )
})

test('a trigger whose table, or whose column, is gone', async () => {
  const { target, execute } = await testDatabase(
    'sqlite',
    `${sound} create table audit (what text); create trigger audited after insert on users begin insert into audit values (new.name); end;
     create trigger counted after insert on codes begin update users set visits = visits + 1; end;
     create trigger removed instead of delete on names begin delete from removed_names; end;
     insert into users (name) values ('Ada'); drop table audit`,
  )
  const result = await triggers(target)
  expect(said(result)).toEqual([
    'each insert of "names" is refused, for one of the triggers "added", "removed", "renamed" cannot fire: no such table: main.audit',
    'each delete of "names" is refused, for one of the triggers "added", "removed", "renamed" cannot fire: no such table: main.removed_names',
    'each insert of "users" is refused, for one of the triggers "after insert", "audited", "logged" cannot fire: no such table: main.audit',
    'each insert of "codes" is refused, for one of the triggers "counted", "refused" cannot fire: no such column: visits',
  ])
  await expect(execute("insert into users (name) values ('Eve')")).rejects.toThrow('no such table: main.audit')
  const { verdict, causes } = await examine(target)
  expect([verdict.status, causes[0]?.id]).toEqual(['unhealthy', 'schema-incomplete'])
  await execute('create table audit (what text); drop trigger counted; drop trigger removed')
  expect(said(await triggers(target))).toBe('pass')
})

test('one alone is named, with all that it refuses', async () => {
  const { target } = await testDatabase(
    'sqlite',
    `create table t (id integer primary key, of integer references nowhere (id)); create table other (a);
     create trigger only_one after delete on T begin delete from other where b = old.id; end;`,
  )
  expect(said(await triggers(target))).toEqual([
    'each delete of "t" is refused, for trigger "only_one" cannot fire: no such column: b',
  ])
})

test('what the application may bring with it, or its own build of SQLite takes, is no finding', async () => {
  const { target } = await testDatabase(
    'sqlite',
    `create table t (id integer primary key, x text); create table u (id integer primary key, x text); create table v (x text);
     create trigger own after insert on t begin update u set x = our_function(new.x); end;
     create trigger quoted after insert on u when new.x = "done" begin delete from v; end;
     create trigger well after insert on v begin delete from u; end;`,
  )
  const result = await triggers(target)
  expect([said(result), result.coverage]).toMatchObject(['pass', { examined: 1, of: 3, unit: 'trigger' }])
  expect(result.coverage?.missing).toMatchObject([
    { object: 'the triggers of t', detail: 'no such function: our_function', optional: true },
    {
      object: 'the triggers of u',
      detail: '"done" is no column: in double quotes it is a text to some builds of SQLite, and not to this one',
      optional: true,
    },
  ])
  expect((await examine(target)).verdict.status).toBe('healthy')
})

test('it does not apply to PostgreSQL, where a function is compiled when it is called', async () => {
  const { target } = await testDatabase('postgres')
  expect(said(await triggers(target))).toBe('skip: not-applicable: it does not apply to postgres')
})
