-- A healthy file with everything odd that a healthy file may have. Nothing here may raise an alarm.

create table customers (id integer primary key, email text not null unique collate nocase, stripe_customer_id text, region text);
create table invoices (
  id integer primary key autoincrement, customer_id integer not null references Customers (ID) on delete cascade,
  number text not null, total numeric not null check (total >= 0), paid_at text, unique (customer_id, number)
);
with recursive n (i) as (select 1 union all select i + 1 from n where i < 900)
insert into customers select i, 'c' || i || '@example.com', 'cus_' || hex(i), 'EU' from n where i <= 300;
with recursive n (i) as (select 1 union all select i + 1 from n where i < 900)
insert into invoices (customer_id, number, total) select 1 + i % 300, 'N' || i, i from n;

-- Names that need quotes, and words that mean something else.
create table "Ünï ""quoted"".name; drop table x 🐘" ("select" integer primary key, "order by" text, [a.b] int, `back tick` text);
create index "index ""of"" names" on "Ünï ""quoted"".name; drop table x 🐘" ("order by", [a.b]);
insert into "Ünï ""quoted"".name; drop table x 🐘" values (1, 'x', 1, 'y'), (2, 'x', 2, 'z');
create table "order" ("group" integer primary key, "end" int references "order");
create index order_end on "order" ("end");
insert into "order" values (1, null), (2, 1), (3, 3);
create table took_rowid ("rowid" text, "oid" text, "_rowid_" text, customer_id int references customers);
insert into took_rowid values ('a', 'b', 'c', 1), ('a', 'b', 'c', null);

-- Tables of all kinds: without rowids, strict, virtual with their shadows, without rows, with a key that is no rowid.
create table settings (key text, scope text, value any, primary key (key, scope)) strict, without rowid;
insert into settings values ('a', 'global', 1), ('a', 'user', x'00'), ('b', 'global', null);
create table measures (id int not null primary key, a integer not null, b real, c text, d blob, doc text check (doc is null or json_valid(doc))) strict;
insert into measures values (1, 1, 1.5, 'x', x'01', '{}'), (2, 2, null, 'y', null, null);
create table descending (id integer primary key desc, note text);
insert into descending values (null, 'a key that is no rowid may be null'), (null, 'twice'), (5, 'x');
create table null_keys (code text primary key, note text);
insert into null_keys values (null, 'sqlite lets it'), (null, 'and again'), ('a', 'b');
create virtual table search using fts5 (title, body, content='');
insert into search (rowid, title, body) values (1, 'a', 'b');
create virtual table notes_index using fts5 (note);
insert into notes_index values ('something to find');
create virtual table areas using rtree (id, x0, x1, y0, y1);
insert into areas values (1, 0, 1, 0, 1), (2, 1, 2, 1, 2);
create table nothing_yet (id integer primary key, customer_id int references customers);
create table log_without_key (at text, line text);
insert into log_without_key values ('x', 'a'), ('x', 'a');

-- Keys of all kinds: null in part, to a unique column, to itself, in a circle, by other types, written twice.
create table sites (country text, code text, name text, primary key (country, code)) without rowid;
create table desks (id integer primary key, country text, code text, foreign key (country, code) references sites);
create index desks_site on desks (code, country);
insert into sites values ('DE', 'B1', 'Berlin');
insert into desks values (1, 'DE', 'B1'), (2, 'XX', null), (3, null, 'Z9'), (4, null, null);
create table tags (id integer primary key, slug text not null unique);
create table taggings (tag_slug text not null references tags (slug), subject_id int not null, subject_type text not null, primary key (tag_slug, subject_type, subject_id));
insert into tags values (1, 'red'), (2, 'blue');
insert into taggings values ('red', 1, 'Customer'), ('blue', 2, 'Customer'), ('blue', 1, 'Measure');
create table hens (id integer primary key, egg_id int not null references eggs deferrable initially deferred);
create table eggs (id integer primary key, hen_id int not null references hens deferrable initially deferred);
create index hens_egg on hens (egg_id);
create index eggs_hen on eggs (hen_id);
begin; insert into hens values (1, 10); insert into eggs values (10, 1); commit;
create table loose_types (id integer primary key, customer_id text references customers (id), constraint again foreign key (customer_id) references customers (id));
create index loose_customer on loose_types (customer_id);
insert into loose_types values (1, '7'), (2, 8), (3, null);

-- False friends: names that look like keys, and are none.
create table regions (region_id integer primary key, name text);
insert into regions values (1, 'Nord'), (2, 'Süd');
create table film (film_id integer primary key, title text, external_id text, google_place_id text, status_id int, batch_id int);
create table film_text (film_id integer primary key, description text);
insert into film values (1, 'A', null, 'ChIJ1', 3, 100001), (2, 'B', null, 'ChIJ2', 4, 100002);
create table categories (id integer primary key, parent_id int default 0, name text);
insert into categories (name) values ('a'), ('b'), ('c');
create table audit_log (id integer primary key, actor_id int, request_id text, session_id text);
insert into audit_log values (1, null, 'req-1', 'f00'), (2, null, 'req-2', 'ba5');

-- Indexes that look redundant, and are not; columns that are computed; values of any type in any column.
create table shapes (
  id integer primary key, a int, b int, c text, area int generated always as (a * b) virtual, label text generated always as (c || '!') stored,
  check (a < 1000 or b is null)
);
create index s_ab on shapes (a, b);
create unique index s_ba on shapes (b, a);
create index s_c on shapes (c);
create index s_c_nocase on shapes (c collate nocase);
create index s_c_desc on shapes (c desc);
create index s_expression on shapes (lower(c));
create index s_part on shapes (a) where b is null;
create index s_other_part on shapes (a) where b is not null;
create index s_area on shapes (area);
insert into shapes (a, b, c) values (1, 2, 'x'), ('text in an integer column', null, 'y'), (null, 3, null), (4, null, x'ff');
create table many_nulls (a int unique, b int);
insert into many_nulls values (null, 1), (null, 1), (1, 1);

-- Views, triggers.
create view customer_invoices as select c.email, i.total from customers c join invoices i on i.customer_id = c.id;
create trigger pay instead of insert on customer_invoices begin select 1; end;
create trigger touch after update on customers when old.email is not new.email begin update invoices set paid_at = paid_at where customer_id = new.id; end;

-- Pages that are free, and statistics.
create table was_large (body text);
with recursive n (i) as (select 1 union all select i + 1 from n where i < 200) insert into was_large select hex(zeroblob(500)) from n;
drop table was_large;
analyze;
