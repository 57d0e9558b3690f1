-- What PostgreSQL 18 brought.
create table virtual (id int primary key, n int constraint n_there not null, twice int generated always as (n * 2) virtual);
insert into virtual (id, n) select i, i from generate_series(1, 20) i;
create table bookings (room int4range, during int4range, primary key (room, during without overlaps));
insert into bookings select '[1,2)', int4range(i, i + 1) from generate_series(1, 20) i;
create table stays (id int primary key, room int4range, during int4range, foreign key (room, period during) references bookings);
insert into stays values (1, '[1,2)', '[2,5)'), (2, '[1,2)', null);
analyze virtual, bookings, stays;
