import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Limits } from '../../contracts/limits.js'
import { bytes } from '../../values/text.js'
import type { Database, Dialect, Opening, Remark, Session } from '../dialect.js'

/** How long a standby may take to replay what its primary had written when the run began, in milliseconds. */
const longestCatchUp = 5000

/** A server as its primary and standbys see each other: the cluster that it is of, and how far its log is. */
interface Standing {
  readonly cluster: string
  /** As bytes from the beginning of the log: written on a primary, replayed on a standby. */
  readonly at: number
}

/**
 * A primary whose rows are read on standbys, in turn: whoever scans there takes nothing from the application. Only a standby of the same
 * cluster is used, and only when it has replayed what the primary had written before; why another one is not is said. What only the primary
 * knows (its catalog, its locks, its pages) is asked of itself.
 */
export function withReplicas(primary: Dialect, replicas: readonly Dialect[]): Dialect {
  return {
    ...primary,
    secrets: [...primary.secrets, ...replicas.flatMap(({ secrets }) => secrets)],
    async open(limits): Promise<Opening> {
      const opening = await primary.open(limits)
      if (opening.outcome !== 'opened') return opening
      const own = await standingOf(opening.database.session(limits))
      const joined = await Promise.all(replicas.map((replica) => join(replica, own, limits)))
      const standbys = joined.flatMap(({ database }) => database ?? [])
      const remarks = [...(opening.remarks ?? []), ...joined.map(({ remark }) => remark)]
      return { ...opening, database: readingOn(opening.database, standbys), remarks }
    },
    async dismiss() {
      await Promise.all([primary, ...replicas].map((dialect) => dialect.dismiss()))
    },
  }
}

async function join(
  replica: Dialect,
  primary: Standing | null,
  limits: Limits,
): Promise<{ database: Database | null; remark: Remark }> {
  const place = `${replica.target.host}:${replica.target.port}`
  const opening = await replica.open(limits)
  const unused = async (why: string) => {
    if (opening.outcome === 'opened') await opening.database.close()
    return {
      database: null,
      remark: { kind: 'replica-unused', text: `the standby ${place} is not used: ${why}` } as const,
    }
  }
  if (opening.outcome !== 'opened') return unused(opening.text)
  const { database } = opening
  if (database.target.primary) return unused('it is no standby')
  if (primary === null) return unused('the primary does not say how far its log is')
  for (const until = performance.now() + longestCatchUp; ; await sleep(100)) {
    const own = await standingOf(database.session(limits))
    if (own === null) return unused('it does not say how far it is')
    if (own.cluster !== primary.cluster) return unused('it is of another cluster')
    if (own.at >= primary.at)
      return {
        database,
        remark: {
          kind: 'replica-used',
          text: `rows are read on the standby ${place}, which has replayed what was written before`,
        },
      }
    if (performance.now() > until || limits.signal.aborted)
      return unused(`it is ${bytes(primary.at - own.at)} of log behind`)
  }
}

async function standingOf(session: Session): Promise<Standing | null> {
  const answer = await session.read(async (kysely) => {
    const { rows } = await sql<Standing>`
      select (select system_identifier::text from pg_control_system()) as cluster,
        pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, '0/0')::float8 as at`.execute(
      kysely,
    )
    return rows[0] ?? null
  })
  return answer.outcome === 'answered' ? answer.value : null
}

/** A database whose rows are counted and compared on others, in turn. */
function readingOn(primary: Database, standbys: readonly Database[]): Database {
  if (standbys.length === 0) return primary
  let turn = 0
  return {
    target: primary.target,
    lost: () => primary.lost(),
    session(limits) {
      const session = primary.session(limits)
      const next = () => standbys[turn++ % standbys.length]?.session(limits) ?? session
      return {
        ...session,
        scan: (...asked) => next().scan(...asked),
        together: (...asked) => next().together(...asked),
        count: (table) => next().count(table),
        orphans: (...asked) => next().orphans(...asked),
      }
    },
    async close() {
      await Promise.all([primary, ...standbys].map((database) => database.close()))
    },
  }
}
