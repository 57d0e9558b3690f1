import { type RawBuilder, sql } from 'kysely'

/** A setting that a session needs. */
export interface Needed {
  readonly name: string
  readonly value: string
}

/**
 * Settings that apply to some servers. PostgreSQL 17 ends whole transactions, too. A database without an encoding may hold names that are no
 * UTF-8: they are let through, so that one of them blinds nobody to the rest.
 */
const ofSome = sql`('transaction_timeout', '0', pg_catalog.current_setting('transaction_timeout', true) is not null),
      ('client_encoding', 'SQL_ASCII', pg_catalog.current_setting('server_encoding') = 'SQL_ASCII')`

const isOn = (setting: string) =>
  sql`pg_catalog.current_setting(${sql.lit(setting)}) = 'on' and pg_catalog.current_setting('is_superuser') = 'on'`

/**
 * What a role, or a database, may have set otherwise, so that what is read means the same to all of them, much as pg_dump has it. And
 * statements about catalogs are not worth compiling; nor should a view of settings need a temporary file, which may be forbidden. A damaged
 * page is read as what it is, where the role may ask for that.
 */
const asUsual = sql`('standard_conforming_strings', 'on', pg_catalog.current_setting('standard_conforming_strings') = 'off'),
      ('DateStyle', 'ISO', pg_catalog.current_setting('DateStyle') not like 'ISO%'),
      ('IntervalStyle', 'postgres', pg_catalog.current_setting('IntervalStyle') <> 'postgres'),
      ('extra_float_digits', '1', pg_catalog.current_setting('extra_float_digits')::int < 1),
      ('quote_all_identifiers', 'off', pg_catalog.current_setting('quote_all_identifiers', true) = 'on'),
      ('transform_null_equals', 'off', pg_catalog.current_setting('transform_null_equals', true) = 'on'),
      ('jit', 'off', pg_catalog.current_setting('jit', true) = 'on'),
      ('zero_damaged_pages', 'off', ${isOn('zero_damaged_pages')}),
      ('ignore_checksum_failure', 'off', ${isOn('ignore_checksum_failure')}),
      ('work_mem', '4MB', pg_catalog.pg_size_bytes(pg_catalog.current_setting('work_mem')) < 4194304)`

const those = (some: RawBuilder<unknown>) => sql`(values
      ${some}) as s (name, value, applies) where s.applies`
const setting = (some: RawBuilder<unknown>) =>
  sql`select pg_catalog.set_config(s.name, s.value, true) from ${those(some)}`

/** What a transaction that writes as the application does needs of any session; a query, which comes after the snapshot. */
export const settingsOfSome = setting(ofSome)

/** What one that reads needs of any session; a query, too. */
export const usualSettings = setting(sql`${ofSome}, ${asUsual}`)

/** What of it this very session needs. */
export const neededSettings = sql<Needed>`select s.name, s.value from ${those(sql`${ofSome}, ${asUsual}`)}`

/** The same in few words, for all sessions of the role: a server shows no more than the beginning of a message. */
export function briefly(needed: readonly Needed[]): RawBuilder<unknown> {
  return sql.join(
    needed.map(({ name, value }) => sql`set local ${sql.id(name)} = ${sql.lit(value)}`),
    sql`; `,
  )
}
