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

/** What a function may name without that anything is missing. */
const inOrder = `create schema app; create table app.log (id int, msg text); create table "Odd T" (id int, "Camel" int, x jsonb);
  create table u (id int primary key, name text);
  create function fine() returns trigger language plpgsql as $$ begin
    -- insert into nowhere values (1)
    /* delete from nothing; new.nope */
    insert into log values (new.id, 'insert into gone; new.nope ''x'' delete from gone');
    INSERT  INTO "Odd T" ("Camel") values (NEW.id) on conflict do nothing;
    update only u as q set name = E'it\\'s old.nope' where id = NEW . id;
    perform 1 from u where id = old.id for update of u;
    delete from only "Odd T" where x ->> 'new.nope' = 'y' and extract(epoch from now()) > 1;
    execute format('insert into %I values (1)', 'dyn'); execute $q$ delete from dyn where new.nope $q$;
    insert into u as mine values (1) on conflict (id) do update set name = excluded.name where mine.id = 1;
    return case when new.ctid is null then new else old end; end $$;
  create trigger fine before insert or update on u for each row execute function fine();
  create function temporary() returns trigger language plpgsql as $$ begin create temp table mine (id int); insert into mine values (1); return null; end $$;
  create trigger temporary after insert on u execute function temporary();
  create function shared() returns trigger language plpgsql as $$ begin if tg_table_name = 'u' then new.name := 'x'; else new."Camel" := 1; end if; return new; end $$;
  create trigger of_u before insert on u for each row execute function shared();
  create trigger of_odd before insert on "Odd T" for each row execute function shared();
  create function transition() returns trigger language plpgsql as $$ begin insert into log select new.i, 'x' from new; return null; end $$;
  create trigger transition after insert on u referencing new table as new for each statement execute function transition();
  create function another() returns trigger language plpgsql as $$ declare old record; begin select 1 as nope into old; new.id := old.nope; return new; end $$;
  create trigger another before insert on u for each row execute function another();
  create view names as select id, name from u;
  create function instead() returns trigger language plpgsql as $$ begin update u set name = new.name where id = old.id; return new; end $$;
  create trigger instead instead of update on names for each row execute function instead();
  create function outdated() returns trigger language plpgsql as $$ begin
    insert into audit.trail values (new.id, new.mail); UPDATE "Missing" m set x = 1; delete from public.log where id = OLD . "Name"; return new; end $$;`

test('on PostgreSQL triggers whose functions name what is there are silent', async () => {
  const { target } = await testDatabase(
    'postgres',
    `${inOrder} create trigger unused after delete on u for each row execute function outdated(); alter table u disable trigger unused`,
  )
  const result = await triggers(target)
  expect([said(result), result.coverage]).toMatchObject(['pass', { examined: 7, of: 7, unit: 'trigger' }])
  const { target: none } = await testDatabase('postgres', 'create table t (id int)')
  expect(said(await triggers(none))).toBe('pass')
})

test('on PostgreSQL a trigger whose function names tables, and columns of its row, that are gone', async () => {
  const { target, execute } = await testDatabase(
    'postgres',
    `${inOrder} create trigger noted after update on u for each row execute function outdated()`,
  )
  const result = await triggers(target)
  expect([result.status, said(result)]).toEqual([
    'warn',
    [
      'trigger "noted" of "u" runs "outdated", which names "audit.trail", "Missing", "public.log", "new.mail", "old.Name": nothing of that name is there, and a write that gets so far is refused',
    ],
  ])
  const { verdict, causes } = await examine(target)
  expect([verdict.status, causes.map(({ id }) => id)]).toEqual(['degraded', ['trigger-outdated']])
  await execute(result.findings[0]?.next?.[0] ?? '')
  await execute(
    'create schema audit; create table audit.trail (id int, t text); create table log (id text); create table "Missing" (x int)',
  )
  expect(said(await triggers(target))).toEqual([expect.stringMatching(/ names "new\.mail", "old\.Name": /)])
  await execute('alter table u add mail text, add "Name" text')
  expect(said(await triggers(target))).toBe('pass')
})
