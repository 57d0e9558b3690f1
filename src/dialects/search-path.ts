import { sql } from 'kysely'
import type { DialectName, TransactionSettings } from './dialect.js'

/**
 * Lets names mean, until the transaction ends, what they mean to the role: the search path that it came with. For what users wrote: queries
 * of theirs, and functions that their constraints call. Null where there is no path to search.
 */
export const roleSearchPath: Readonly<Record<DialectName, TransactionSettings>> = {
  sqlite: null,
  postgres: sql`set local search_path to default`,
}
