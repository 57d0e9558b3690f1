import { type RawBuilder, sql } from 'kysely'
import type { Limits } from '../../contracts/limits.js'
import type { TargetInfo } from '../../report/report.js'
import { identifier, listed } from '../../values/text.js'
import type { AnyKysely, Remark } from '../dialect.js'
import { type Client, timeToConnect, within } from './client.js'
import { rowsOfEach } from './rows-of-each.js'
import { begin, enterAlone } from './transactions.js'
import { briefly, neededSettings, usualSettings } from './usual.js'

/** A time-out, in milliseconds, that a busy machine may need for a statement that does nothing. */
const shortTimeout = 1000

/** A server that lets somebody in and then answers nothing. */
export class Mute extends Error {}

interface Introduction extends Partial<TargetInfo> {
  readonly remarks: readonly Remark[]
  /** What begins with each transaction, so that settings of the role's own change nothing of what is read. */
  readonly usual: RawBuilder<unknown>
  /**
   * Whether a transaction may begin in one message with its first statement. A short time-out of the role's own could end it there before
   * ours is set; before PostgreSQL 13 a time-out was for a message, not for a statement; a message is taken apart by the settings from
   * before it (standard_conforming_strings); and behind a pooler the session may be anybody's.
   */
  readonly joins: boolean
  /** Whether the server ends sessions of this role that are idle. */
  readonly idlesOut: boolean
}

/** What a server says of itself. */
interface Itself {
  readonly database: string
  readonly role: string
  readonly version: string
  readonly recovering: boolean
  readonly process: number
  readonly read_only_by: string | null
  readonly search_path: string | null
  readonly joins: boolean
  readonly idles_out: boolean
}

/**
 * Asks the server who it is and as whom we came: environment variables may have filled gaps in the connection string. In a transaction
 * with settings of its own, because those of the role may end a query at once, or forbid it.
 */
export async function introduce(client: Client, limits: Limits): Promise<Introduction> {
  const { kysely, processId } = client
  const ask = async () => {
    await enterAlone(kysely, begin(limits, null, null, sql``), limits)
    const [needed, , [row]] = await rowsOfEach(
      kysely,
      neededSettings,
      usualSettings,
      sql<Itself>`
      select pg_catalog.current_database() as database, current_user as role, pg_catalog.current_setting('server_version') as version,
        pg_catalog.pg_is_in_recovery() as recovering, pg_catalog.pg_backend_pid() as process,
        (select source from pg_catalog.pg_settings where name = 'default_transaction_read_only' and setting = 'on') as read_only_by,
        (select reset_val from pg_catalog.pg_settings where name = 'search_path') as search_path,
        exists (select from pg_catalog.pg_settings where name = 'idle_session_timeout' and reset_val <> '0') as idles_out,
        pg_catalog.current_setting('server_version_num')::int >= 130000
          and (select bool_and(case name when 'standard_conforming_strings' then reset_val = 'on' else reset_val::int8 not between 1 and ${sql.lit(shortTimeout)} end)
            from pg_catalog.pg_settings where name in ('statement_timeout', 'transaction_timeout', 'standard_conforming_strings')) as joins`,
    )
    if (!row) throw new Error('the server did not introduce itself')
    const remarks = [...readOnlyRemarks(row.read_only_by), ...(await pathRemarks(kysely, row.search_path ?? ''))]
    return { ...row, remarks, needed }
  }
  const asking = ask()
  await within(timeToConnect(limits), asking)
  const answer = await Promise.race([asking, Promise.resolve(null)])
  if (answer === null) throw new Mute('it takes the login, and does not answer a query')
  const { database, role, version, recovering, process, remarks, needed, joins, idles_out: idlesOut } = answer
  return {
    name: database,
    version: version.split(' ')[0] ?? version,
    database,
    role,
    primary: !recovering,
    pooler: process !== processId,
    remarks,
    // Behind a pooler the next session may be another one's.
    usual: process === processId ? briefly(needed) : usualSettings,
    joins: joins && process === processId,
    idlesOut: idlesOut && process === processId,
  }
}

/**
 * That new transactions are read-only, and who says so, by the source of the setting in pg_settings. What the connection string itself asks
 * for is no remark.
 */
function readOnlyRemarks(source: string | null): Remark[] {
  if (source === null || source === 'client') return []
  if (source.includes('user')) return [{ kind: 'role-read-only', text: 'of this role' }]
  return [{ kind: 'read-only', text: source === 'database' ? 'of this database' : 'of the server' }]
}

/** An application that names its tables without their schema does not find those of a schema that its search path misspells. */
async function pathRemarks(kysely: AnyKysely, path: string): Promise<Remark[]> {
  const named = schemasIn(path).filter((schema) => !expected.test(schema))
  if (named.length === 0) return []
  const there = named.map((schema) => sql`pg_catalog.to_regnamespace(${identifier(schema)}) is not null`)
  const { rows } = await sql<{ there: readonly boolean[] }>`select array[${sql.join(there)}] as there`.execute(kysely)
  const lost = named.filter((_, at) => !rows[0]?.there[at])
  return lost.length === 0 ? [] : [{ kind: 'search-path', text: listed(lost) }]
}

/** Those of the default path may be missing, and those of the server itself are never. */
const expected = /^(|\$user|public|pg_.*)$/

/** What is listed in a search path: https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATH */
function schemasIn(path: string): string[] {
  return [...path.matchAll(/"((?:[^"]|"")*)"|([^,\s]+)/g)].map(
    ([, quotedName, name = '']) => quotedName?.replaceAll('""', '"') ?? name.toLowerCase(),
  )
}
