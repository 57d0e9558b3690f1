import type { ConfigInput } from '../../src/config/config.js'
import type { Depth } from '../../src/contracts/depth.js'
import type { DialectName } from '../../src/dialects/dialect.js'

/** One fault, done to the healthy database of everything odd, and all that should be found then and was not before. */
export interface Fault {
  readonly fault: string
  readonly statements: string
  readonly depth?: Depth
  readonly config?: ConfigInput
  /** Addresses and sentences, none missing and none besides. */
  readonly found: readonly string[]
}

/** Rows that the triggers of foreign keys do not see. */
const unseen = (statements: string) =>
  `set session_replication_role = replica; ${statements}; reset session_replication_role;`
/** Rows that an index does not see, although it says that it is whole. */
const unindexed = (index: string, statements: string) =>
  `update pg_index set indisready = false, indisvalid = false where indexrelid = '${index}'::regclass;
   ${statements};
   update pg_index set indisready = true, indisvalid = true where indexrelid = '${index}'::regclass;`

/** Faults that are made, and told, in the same words on both. */
const alike: readonly Fault[] = [
  {
    fault: 'a migration that failed',
    statements: `create table schema_migrations (version bigint primary key, dirty boolean not null); insert into schema_migrations values (7, true)`,
    found: [
      'schema/migrations#dirty: golang-migrate: version 7 is dirty: the migration to it did not finish, and may be applied in part',
    ],
  },
  {
    fault: 'rows that are missing',
    statements: 'delete from film',
    config: { database: { expect: { rows: { film: { min: 1 } } } } },
    found: ['integrity/row-counts#too-few: "film" holds 0 rows, at least 1 expected'],
  },
  {
    fault: 'a rule of the user that does not hold',
    statements: `insert into film (film_id) values (950)`,
    config: {
      database: {
        assertions: [
          { name: 'films have titles', sql: 'select film_id from film where title is null', expect: 'empty' },
        ],
      },
    },
    found: ['integrity/assertions#rows-differ: films have titles: the query returns 1 row, none expected'],
  },
]

export const morgue: Readonly<Record<DialectName, readonly Fault[]>> = {
  postgres: [
    ...alike,
    {
      fault: 'parents deleted under a valid foreign key',
      statements: unseen('delete from customers where id in (7, 8)'),
      found: [
        'integrity/foreign-keys#dangling: "billing.customers": 2 rows point at a row of "customers" that does not exist (customer_id)',
        'integrity/foreign-keys#dangling: "documents": 2 rows point at a row of "customers" that does not exist (customer_id)',
        'integrity/foreign-keys#dangling: "events": 6 rows point at a row of "customers" that does not exist (customer_id)',
        'integrity/orphaned-rows#orphaned: "taggings": 1 row points at a row of "customers" that does not exist (subject_id, inferred by subject_type)',
      ],
    },
    {
      fault: 'a composite key without its parent',
      statements: unseen(`insert into desks (country, code) values ('FR', 'P9')`),
      found: [
        'integrity/foreign-keys#dangling: "desks": 1 row points at a row of "sites" that does not exist (country, code)',
      ],
    },
    {
      fault: 'a full key that is null in part',
      statements: unseen(`insert into badges (country, code) values ('FR', null)`),
      found: [
        'integrity/foreign-keys#dangling: "badges": 1 row points at a row of "sites" that does not exist (country, code)',
      ],
    },
    {
      fault: 'a row of a partition without its parent',
      statements: unseen(`update events set customer_id = 999 where id = 500`),
      found: [
        'integrity/foreign-keys#dangling: "events": 1 row points at a row of "customers" that does not exist (customer_id)',
      ],
    },
    {
      fault: 'a parent gone from a partition',
      statements: unseen(`delete from events where id = 100`),
      found: [
        'integrity/foreign-keys#dangling: "event_notes": 1 row points at a row of "events" that does not exist (event_id, event_at)',
      ],
    },
    {
      fault: 'a key to itself',
      statements: unseen(`insert into "order" values (9, 99)`),
      found: ['integrity/foreign-keys#dangling: "order": 1 row points at a row of "order" that does not exist (end)'],
    },
    {
      fault: 'a foreign key that is not valid',
      statements: `alter table film_text add constraint of_film foreign key (film_id) references film not valid`,
      found: [
        'integrity/enforcement#key-not-validated: foreign key "of_film" of "film_text" is NOT VALID: rows from before it were never compared',
      ],
    },
    {
      fault: 'a foreign key that is not valid, and rows that violate it',
      statements: `insert into film_text values (99, 'x'); alter table film_text add constraint of_film foreign key (film_id) references film not valid`,
      found: [
        'integrity/foreign-keys#dangling: "film_text": 1 row points at a row of "film" that does not exist (film_id; the key is NOT VALID)',
        'integrity/enforcement#key-not-validated: foreign key "of_film" of "film_text" is NOT VALID: rows from before it were never compared',
      ],
    },
    {
      fault: 'triggers of a foreign key that are disabled',
      statements: `alter table billing.invoices disable trigger all`,
      found: [
        'integrity/enforcement#key-disabled: the triggers that enforce foreign key "invoices_customer_id_fkey" of "billing.invoices" are disabled: any row is let in',
      ],
    },
    {
      fault: 'a trigger that is disabled',
      statements: `alter table people disable trigger always`,
      found: ['integrity/enforcement#trigger-disabled: trigger "always" of "people" is disabled'],
    },
    {
      fault: 'a CHECK that is not valid',
      statements: `alter table film add constraint titled check (title <> '') not valid`,
      found: [
        'integrity/enforcement#check-not-validated: constraint "titled" of "film" is NOT VALID: rows from before it were never checked',
      ],
    },
    {
      fault: 'children of a relationship that nobody declared',
      statements: `create table orders (id int primary key, customer_id int); create index on orders (customer_id);
        insert into orders select i, i from generate_series(1, 200) i; insert into orders values (1001, 5001), (1002, 5002)`,
      found: [
        'integrity/orphaned-rows#orphaned: "orders": 2 rows point at a row of "customers" that does not exist (customer_id, inferred by name and type)',
      ],
    },
    {
      fault: 'children of a relationship, named in CamelCase',
      statements: `create table "OrderLines" ("OrderLineId" int primary key, "CustomerId" int); create index on "OrderLines" ("CustomerId");
        insert into "OrderLines" select i, i from generate_series(1, 200) i; insert into "OrderLines" values (1001, 5001)`,
      found: [
        'integrity/orphaned-rows#orphaned: "OrderLines": 1 row points at a row of "customers" that does not exist (CustomerId, inferred by name and type)',
      ],
    },
    {
      fault: 'children of a role',
      statements: `create table users (id int primary key, name text); insert into users select i, 'u' || i from generate_series(1, 100) i;
        alter table documents add created_by int; create index on documents (created_by);
        insert into documents (id, created_by) select 1000 + i, i from generate_series(1, 100) i; insert into documents (id, created_by) values (2000, 101)`,
      found: [
        'integrity/orphaned-rows#orphaned: "documents": 1 row points at a row of "users" that does not exist (created_by, inferred by name and type)',
      ],
    },
    {
      fault: 'a tree without a root',
      statements: `create table nodes (id int primary key, parent_id int); create index on nodes (parent_id);
        insert into nodes select i, nullif(i / 2, 0) from generate_series(1, 100) i; insert into nodes values (101, 777)`,
      found: [
        'integrity/orphaned-rows#orphaned: "nodes": 1 row points at a row of "nodes" that does not exist (parent_id, inferred by name and type)',
      ],
    },
    {
      fault: 'a polymorphic child without its parent',
      statements: `insert into taggings values ('t1', 9999, 'Customer')`,
      found: [
        'integrity/orphaned-rows#orphaned: "taggings": 1 row points at a row of "customers" that does not exist (subject_id, inferred by subject_type)',
      ],
    },
    {
      fault: 'a relationship that the config declares',
      statements: `insert into film (film_id, status_id) values (901, 77)`,
      config: { database: { relationships: { declare: ['film.status_id -> regions.region_id'] } } },
      found: [
        'integrity/orphaned-rows#orphaned: "film": 37 rows point at a row of "regions" that does not exist (status_id)',
      ],
    },
    {
      fault: 'an index that is not valid',
      statements: `update pg_index set indisvalid = false where indexrelid = 'm_ab'::regclass`,
      found: ['schema/indexes#invalid: index "m_ab" of "measures" is invalid: queries do not use it'],
    },
    {
      fault: 'an index that is not ready',
      statements: `update pg_index set indisvalid = false, indisready = false where indexrelid = 'm_ab'::regclass`,
      found: [
        'schema/indexes#not-ready: index "m_ab" of "measures" is not ready: its build failed early, and rows that are written do not get into it',
      ],
    },
    {
      fault: 'a partition without the index of its parent',
      statements: `create index on only events (kind)`,
      found: [
        'schema/indexes#partition-lacks-it: index "events_kind_idx" of "events" is invalid: not every partition has it',
      ],
    },
    {
      fault: 'an index that a failed rebuild left behind',
      statements: `create index m_ab_ccnew on measures (b); update pg_index set indisvalid = false where indexrelid = 'm_ab_ccnew'::regclass`,
      found: ['schema/indexes#invalid: index "m_ab_ccnew" of "measures" is invalid: queries do not use it'],
    },
    {
      fault: 'an index that is there twice',
      statements: `create index m_ab_again on measures (a, b)`,
      found: ['schema/index-design#redundant: index "m_ab_again" of "measures" is redundant: "m_ab" is the same'],
    },
    {
      fault: 'an index that begins another one',
      statements: `create index m_a on measures (a)`,
      found: [
        'schema/index-design#redundant: index "m_a" of "measures" is redundant: "m_ab" begins with the same columns',
      ],
    },
    {
      fault: 'a key without an index',
      statements: `drop index documents_customer_id_idx`,
      found: [
        'schema/index-design#key-uncovered: no index of "documents" begins with (customer_id), which references "customers": deleting there reads all of "documents"',
      ],
    },
    {
      fault: 'a key of another type',
      statements: `alter table eggs add hatchery bigint references film; create index on eggs (hatchery)`,
      found: [
        'schema/key-types#type-differs: "eggs.hatchery" is bigint, and references "film.film_id", where it is integer',
      ],
    },
    {
      fault: 'rows that violate a CHECK',
      statements: `alter table film add constraint titled check (title <> '') not valid; update pg_constraint set convalidated = true where conname = 'titled';
        alter table film drop constraint titled; insert into film (film_id, title) values (900, '');
        alter table film add constraint titled check (title <> '') not valid; update pg_constraint set convalidated = true where conname = 'titled'`,
      found: ['integrity/constraints#check-violated: "film": 1 row violates CHECK "titled"'],
    },
    {
      fault: 'a row in another partition than its own',
      statements: `create table early (id int, at date); alter table early replica identity full; insert into early values (1, '2026-01-01'), (2, '2025-01-01');
        alter table early add constraint word check (at is not null and at >= '2025-01-01' and at < '2026-01-01') not valid; update pg_constraint set convalidated = true where conname = 'word';
        alter table empty_partitioned attach partition early for values from ('2025-01-01') to ('2026-01-01'); alter table early drop constraint word`,
      found: [
        'integrity/partitions#misplaced: "early": 1 row lies outside the bounds of this partition of "empty_partitioned": no query by the key finds it',
      ],
    },
    {
      fault: 'a null where none may be',
      statements: `alter table tags alter slug drop not null; insert into tags (slug) values (null); update pg_attribute set attnotnull = true where attrelid = 'tags'::regclass and attname = 'slug'`,
      found: ['integrity/constraints#null-found: "tags": 1 row without a value in slug, which is NOT NULL'],
    },
    {
      fault: 'a value twice under a unique index',
      statements: unindexed('tags_slug_idx', `insert into tags (slug) values ('t3')`),
      depth: 'deep',
      found: [
        'storage/pages#index-damaged: index "tags_slug_idx" of table "tags" is damaged: heap tuple (0,21) from table "tags" lacks matching index tuple within index "tags_slug_idx"',
        'integrity/constraints#duplicate: "tags": 1 value of (slug) is there more than once, and should be unique',
      ],
    },
    {
      fault: 'a row that its index does not have',
      statements: unindexed('m_ab', `insert into measures (id, a, b) values (9001, 1, 9001)`),
      depth: 'deep',
      found: [
        'storage/pages#index-damaged: index "m_ab" of table "measures" is damaged: heap tuple (5,61) from table "measures" lacks matching index tuple within index "m_ab"',
      ],
    },
    {
      fault: 'a sequence behind its column',
      statements: `insert into desks (id) values (500)`,
      found: [
        'integrity/sequences#behind: sequence "desks_id_seq" gives 5 next, and "desks".id is at 500 already: inserts will fail with a duplicate key',
      ],
    },
    {
      fault: 'a sequence that was never called, and is at its column',
      statements: `insert into uncalled values (1)`,
      found: [
        'integrity/sequences#behind: sequence "uncalled_id_seq" gives 1 next, and "uncalled".id is at 1 already: inserts will fail with a duplicate key',
      ],
    },
    {
      fault: 'an identity behind its column',
      statements: `insert into stepped overriding system value values (5000)`,
      found: [
        'integrity/sequences#behind: sequence "stepped_id_seq" gives 150 next, and "stepped".id is at 5000 already: inserts will fail with a duplicate key',
      ],
    },
    {
      fault: 'an identity behind the first column of a key',
      statements: `insert into events (id, at, kind) overriding system value values (5000, '2024-06-01', 'x')`,
      found: [
        'integrity/sequences#repeats: sequence "events_id_seq" gives 901 next, and "events".id is at 5000 already: numbers will be given twice',
      ],
    },
    {
      fault: 'a descending sequence behind its column',
      statements: `insert into countdown values (-500)`,
      found: [
        'integrity/sequences#behind: sequence "going_down" gives -31 next, and "countdown".id is at -500 already: inserts will fail with a duplicate key',
      ],
    },
    {
      fault: 'a sequence near the end of its column',
      statements: `alter sequence shared no maxvalue; select setval('shared', 2000000000)`,
      found: ['integrity/sequences#near-end: sequence "shared" of "left_half".id has used 93 % of its values'],
    },
    {
      fault: 'a serial near its end',
      statements: `select setval('restored_id_seq', 32000)`,
      found: ['integrity/sequences#near-end: sequence "restored_id_seq" of "restored".id has used 97 % of its values'],
    },
    {
      fault: 'a collation of another version',
      statements: `update pg_collation set collversion = '1.2' where collname = 'en-x-icu'`,
      found: [
        'storage/collations#changed: collation "en-x-icu" has changed from version 1.2 to …: 1 index may be out of order: "m_icu"',
      ],
    },
    {
      fault: 'a table that is missing',
      statements: 'drop table film_text',
      config: { database: { expect: { tables: ['film', 'film_text'] } } },
      found: [
        'schema/tables#missing: table "film_text" is missing',
        'schema/tables#unexpected: 38 tables more than expected: "Odd Schema.Ünï "quoted".name; drop table x", "billing.customers", "billing.invoices", "a_name_that_is_as_long_as_a_name_may_be_in_postgresql_which_is_", "audit_log" and 33 more',
      ],
    },
    {
      fault: 'an index that is missing',
      statements: 'drop index m_ab',
      config: { database: { expect: { indexes: ['m_ab', 'm_b'] } } },
      found: [
        'schema/indexes#missing: index "m_ab" is missing',
        'schema/indexes#unexpected: 65 indexes more than expected: "Odd Schema.index "of" names", "Odd Schema.Ünï "quoted".name; drop table x_pkey", "billing.customers_customer_id_key", "billing.customers_pkey", "billing.invoices_customer_id_number_key" and 60 more',
      ],
    },
  ],
  sqlite: [
    ...alike,
    {
      fault: 'parents deleted under a foreign key',
      statements: 'delete from customers where id in (7, 8)',
      found: [
        'integrity/foreign-keys#dangling: "invoices": 6 rows point at a row of "customers" that does not exist (customer_id)',
        'integrity/foreign-keys#dangling: "loose_types": 2 rows point at a row of "customers" that does not exist (customer_id)',
      ],
    },
    {
      fault: 'a composite key without its parent',
      statements: `insert into desks values (9, 'FR', 'P9')`,
      found: [
        'integrity/foreign-keys#dangling: "desks": 1 row points at a row of "sites" that does not exist (country, code)',
      ],
    },
    {
      fault: 'a key to itself',
      statements: `insert into "order" values (9, 99)`,
      found: ['integrity/foreign-keys#dangling: "order": 1 row points at a row of "order" that does not exist (end)'],
    },
    {
      fault: 'a foreign key to a table that is gone',
      statements: `create table letters (id integer primary key, box_id int references boxes); create index l on letters (box_id); insert into letters values (1, 1)`,
      found: [
        'integrity/foreign-keys#parent-missing: "letters" (box_id) references "boxes", and there is no such table: 1 row points nowhere',
      ],
    },
    {
      fault: 'a foreign key to a table that is gone, and no rows',
      statements: `create table letters (id integer primary key, box_id int references boxes); create index l on letters (box_id)`,
      found: [
        'integrity/foreign-keys#parent-missing: "letters" (box_id) references "boxes", and there is no such table: the first row with a value will be refused where keys are enforced',
      ],
    },
    {
      fault: 'a foreign key to no key',
      statements: `create table letters (id integer primary key, name text references regions (name)); create index l on letters (name); insert into letters values (1, 'Nord')`,
      found: [
        'integrity/foreign-keys#mismatch: foreign key mismatch: "letters" (name) references columns of "regions" that are not a key of it',
      ],
    },
    {
      fault: 'children of a relationship that nobody declared',
      statements: `create table orders (id integer primary key, customer_id int); create index o on orders (customer_id);
        insert into orders select id, id from customers; insert into orders values (1001, 5001), (1002, 5002)`,
      found: [
        'integrity/orphaned-rows#orphaned: "orders": 2 rows point at a row of "customers" that does not exist (customer_id, inferred by name and type)',
      ],
    },
    {
      fault: 'children of a relationship, named in CamelCase',
      statements: `create table OrderLines (OrderLineId integer primary key, CustomerId int); create index o on OrderLines (CustomerId);
        insert into OrderLines select id, id from customers; insert into OrderLines values (1001, 5001)`,
      found: [
        'integrity/orphaned-rows#orphaned: "OrderLines": 1 row points at a row of "customers" that does not exist (CustomerId, inferred by name and type)',
      ],
    },
    {
      fault: 'a polymorphic child without its parent',
      statements: `insert into taggings values ('red', 9999, 'Customer')`,
      found: [
        'integrity/orphaned-rows#orphaned: "taggings": 1 row points at a row of "customers" that does not exist (subject_id, inferred by subject_type)',
      ],
    },
    {
      fault: 'a relationship that the config declares',
      statements: `insert into film (film_id, status_id) values (901, 77)`,
      config: { database: { relationships: { declare: ['film.status_id -> regions.region_id'] } } },
      found: [
        'integrity/orphaned-rows#orphaned: "film": 3 rows point at a row of "regions" that does not exist (status_id)',
      ],
    },
    {
      fault: 'an index that is there twice',
      statements: `create index s_ab_again on shapes (a, b)`,
      found: ['schema/index-design#redundant: index "s_ab_again" of "shapes" is redundant: "s_ab" is the same'],
    },
    {
      fault: 'an index that begins another one',
      statements: `create index s_a on shapes (a)`,
      found: [
        'schema/index-design#redundant: index "s_a" of "shapes" is redundant: "s_ab" begins with the same columns',
      ],
    },
    {
      fault: 'rows that violate a CHECK',
      statements: `pragma ignore_check_constraints = on; insert into invoices (customer_id, number, total) values (1, 'X', -1)`,
      found: ['integrity/constraints#check-violated: "invoices": 1 row violates a CHECK'],
    },
    {
      fault: 'a null where none may be',
      statements: `create table drafts (id integer primary key, title text); insert into drafts values (1, null);
        pragma writable_schema = on; update sqlite_schema set sql = 'create table drafts (id integer primary key, title text not null)' where name = 'drafts'; pragma writable_schema = reset`,
      found: ['integrity/constraints#null-found: "drafts": 1 row without a value in title, which is NOT NULL'],
    },
    {
      fault: 'a row that its index does not have',
      statements: `create index s_lost on shapes (label, a) where a is null; insert into shapes (a, b) values (7, 7);
        pragma writable_schema = on; update sqlite_schema set sql = 'create index s_lost on shapes (label, a)' where name = 's_lost'; pragma writable_schema = reset`,
      depth: 'deep',
      found: [
        'storage/pages#index-damaged: index "s_lost" of table "shapes" is damaged: wrong # of entries in index s_lost (and 4 problems more)',
      ],
    },
    {
      fault: 'a trigger that writes to a table that is gone',
      statements: `create table gone (id integer); create trigger into_gone after insert on shapes begin insert into gone values (new.a); end; drop table gone`,
      found: [
        'schema/triggers#broken: each insert of "shapes" is refused, for trigger "into_gone" cannot fire: no such table: main.gone',
      ],
    },
    {
      fault: 'rowids near their end',
      statements: `update sqlite_sequence set seq = 9000000000000000000 where name = 'invoices'`,
      found: [
        'integrity/sequences#rowids-near-end: "invoices" has used 97 % of its AUTOINCREMENT rowids: at the end each insert fails with SQLITE_FULL',
      ],
    },
    {
      fault: 'a table that is missing',
      statements: 'drop table film_text',
      config: { database: { expect: { tables: ['film', 'film_text'] } } },
      found: [
        'schema/tables#missing: table "film_text" is missing',
        'schema/tables#unexpected: 26 tables more than expected: "areas", "audit_log", "categories", "customers", "descending" and 21 more',
      ],
    },
    {
      fault: 'an index that is missing',
      statements: 'drop index s_ab',
      config: { database: { expect: { indexes: ['s_ab', 's_ba'] } } },
      found: [
        'schema/indexes#missing: index "s_ab" is missing',
        'schema/indexes#unexpected: 23 indexes more than expected: "sqlite_autoindex_customers_1", "sqlite_autoindex_descending_1", "desks_site", "eggs_hen", "hens_egg" and 18 more',
      ],
    },
  ],
}
