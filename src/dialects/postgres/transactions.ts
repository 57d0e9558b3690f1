import { type RawBuilder, sql } from 'kysely'
import type { Limits } from '../../contracts/limits.js'
import type { AnyKysely, TransactionSettings } from '../dialect.js'
import type { Client } from './client.js'
import { settingsOfSome } from './usual.js'

export type Work<T> = (kysely: AnyKysely) => Promise<T>

/** What begins a transaction that reads, with settings of its own, and in an imported snapshot. */
export type Beginning = (limits: Limits, settings?: TransactionSettings, imported?: string) => RawBuilder<unknown>

/** Runs work in one transaction, which is rolled back in any case. */
export type Transaction = <T>(limits: Limits, beginning: RawBuilder<unknown>, work: Work<T>) => Promise<T>

/** How long a lock may be waited for, and so how long a statement of the application's may queue behind us; milliseconds. */
const lockTimeout = 100
/** How long the locks of a rehearsal may outlive this process, should it freeze; milliseconds. */
const longestPause = 5000
/** Attempts to begin before a role's own time-out is taken for what it is. */
const attempts = 5

/** Begins a transaction, with its first statement where the connection allows that. */
export async function enter(client: Client, beginning: RawBuilder<unknown>, limits: Limits): Promise<void> {
  if (client.joins) client.begin(beginning)
  else await enterAlone(client.kysely, beginning, limits)
}

/** As `enter`, at once. A time-out of the role's own may end it before ours is set: on a busy machine a millisecond is short. */
export async function enterAlone(kysely: AnyKysely, beginning: RawBuilder<unknown>, { signal }: Limits): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await beginning.execute(kysely)
      return
    } catch (error) {
      if ((error as { code?: string }).code !== '57014' || signal.aborted || attempt === attempts) throw error
      await sql`rollback`.execute(kysely).catch(() => {})
    }
  }
}

/** Ends a transaction, whatever was done. */
export async function leave(client: Client): Promise<void> {
  await (client.joins ? client.rollback() : leaveAlone(client))
}

/** As `leave`, at once. The role's own time-out may have ended the session by now. */
export async function leaveAlone({ kysely, end }: Client): Promise<void> {
  await sql`rollback`.execute(kysely).catch(() => void end())
}

/**
 * One transaction, whatever stands between: every setting is local to it, so that nothing leaks through a pooler, and the time-outs come
 * first, in place of the role's own. Row security is off, so that a policy is an error and not a silent filter; only pg_catalog is
 * searched, so that no operator of a user's own is called by accident. `usual`: what else is set as everybody expects it.
 */
export function begin(
  limits: Limits,
  imported: string | null,
  settings: TransactionSettings,
  usual: RawBuilder<unknown>,
): RawBuilder<unknown> {
  return sql`begin isolation level repeatable read, read only;
    ${timeouts(limits)};
    ${imported === null ? sql`` : sql`set transaction snapshot ${sql.lit(imported)};`}
    set local row_security = off;
    set local search_path = pg_catalog;
    ${usual};
    ${settings ?? sql``}`
}

/**
 * A transaction as the application's own: its search path, for the sake of its triggers, its row security, and read-only where the
 * server is. What would fail at the commit that never comes fails at once.
 */
export function beginWriting(limits: Limits): RawBuilder<unknown> {
  return sql`begin; ${timeouts(limits)}; set constraints all immediate; ${settingsOfSome};
    set local idle_in_transaction_session_timeout = ${sql.lit(longestPause)}`
}

export function timeouts({ expires }: Limits): RawBuilder<unknown> {
  const left = Number.isFinite(expires) ? Math.max(1, Math.ceil(expires - performance.now())) : 0
  return sql`set local statement_timeout = ${sql.lit(left)};
    set local lock_timeout = ${sql.lit(lockTimeout)};
    set local idle_in_transaction_session_timeout = 0`
}
