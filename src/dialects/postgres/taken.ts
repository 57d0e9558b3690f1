import { type RawBuilder, sql } from 'kysely'

/**
 * For a WITH clause: `taken (relation)`, the tables that somebody has for themselves, or waits to have. PostgreSQL reads the expressions of
 * a table (defaults, predicates, CHECK clauses) by locking it: where they are left out, one table that is locked hides no other.
 */
export const takenRelations: RawBuilder<unknown> = sql`taken as materialized (
    select distinct relation from pg_catalog.pg_locks
    where mode = 'AccessExclusiveLock' and relation is not null and pid is distinct from pg_catalog.pg_backend_pid()
      and database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))`
