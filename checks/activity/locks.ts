import {
  agreeing,
  defineCheck,
  duration,
  lately,
  pluralize,
  quoted,
  remarked,
  rowsOfEach,
  type Session,
  sql,
  z,
} from 'dbdoctor'

/** A session that others wait for, or that stays too long. Times are milliseconds. */
interface Holder {
  readonly pid: number
  readonly role: string
  readonly application: string
  readonly state: string
  readonly since: number
}

/** The process, and what it does where this role is shown that: `process 4242 (psql, role app, idle in transaction for 4 minutes)`. */
const who = ({ pid, role, application, state, since }: Holder, told = true) => {
  const doing = told && state && `${state} for ${lately(since)}`
  return `process ${pid} (${[application, role && `role ${role}`, doing].filter(Boolean).join(', ')})`
}
const end = ({ pid }: Holder) => [
  `select pid, usename, application_name, client_addr, state, xact_start, query from pg_stat_activity where pid = ${pid}`,
  remarked(`select pg_cancel_backend(${pid})`, 'ends its statement'),
  remarked(`select pg_terminate_backend(${pid})`, 'ends the session, and rolls its transaction back'),
]

export default defineCheck({
  id: 'activity/locks',
  title: 'Nobody keeps the others waiting',
  severity: 'warning',
  after: ['connection/opens'],
  docs: {
    why: 'One transaction that somebody forgot holds its locks until it ends: everybody who needs the table waits, and the database looks dead.',
    fix: 'End the session at the head of the queue; set lock_timeout for migrations and idle_in_transaction_session_timeout for applications.',
  },
  options: z.strictObject({
    wait: duration.prefault('5s').describe('how long somebody may wait for a lock'),
    exclusive: duration.prefault('2s').describe('how long somebody may have a table for themselves'),
    idle: duration.prefault('5m').describe('how long a transaction may be idle'),
    query: duration.prefault('1h').describe('how long a statement may run'),
    prepared: duration.prefault('1h').describe('how long a prepared transaction may wait for its end'),
  }),
  messages: {
    blocking: {
      say: (one: Holder & { waiting: number; table: string; longest: number }) =>
        one.table
          ? `${quoted(one.table)} is locked by ${who(one)}; ${agreeing(one.waiting, 'session', 'wait')} behind it, the first for ${lately(one.longest)}`
          : `${who(one)} keeps ${pluralize(one.waiting, 'session')} waiting, the first for ${lately(one.longest)}`,
      next: end,
    },
    exclusive: {
      say: (one: Holder & { table: string }) =>
        `${quoted(one.table)} is locked by ${who(one)}: nobody else can read it`,
      next: end,
    },
    'idle-in-transaction': {
      say: (one: Holder) =>
        `${who(one, false)} is idle in a transaction for ${lately(one.since)}: its locks stay, and vacuum removes nothing newer`,
      next: end,
    },
    'long-query': {
      say: (one: Holder) => `${who(one, false)} runs one statement for ${lately(one.since)}`,
      next: end,
    },
    'prepared-transaction': {
      say: ({
        name,
        role,
        since,
        waiting,
        table,
      }: {
        name: string
        role: string
        since: number
        waiting: number
        table: string
      }) =>
        `transaction ${quoted(name)} (role ${role}) is prepared for ${lately(since)}, and nobody has ended it${waiting > 0 ? `: ${agreeing(waiting, 'session', 'wait')} for it` : ''}${table && `: nobody can read ${quoted(table)}`}`,
      next: ({ name }: { name: string }) => [
        'Ask its transaction manager first: it may know whether to commit.',
        `rollback prepared '${name.replaceAll("'", "''")}'`,
      ],
    },
  },
  run: {
    async postgres({ db, options, signal, report, coverage, skip }) {
      const answer = await settled(db, options.exclusive, signal)
      if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
      const { processes, waits, locks, prepared } = answer.value
      const sessions = processes.filter(({ own }) => own)
      const seen = coverage('session')
      const hidden = sessions.filter(({ hidden }) => hidden)
      seen.examined(sessions.length - hidden.length)
      for (const { pid } of hidden)
        seen.missing(`session ${pid}`, 'no-permission', 'its state is shown to members of pg_read_all_stats')

      const told = new Set<number>()
      // Whoever is at the head of a queue may be of another database, or no session at all: an autovacuum worker.
      const known = new Map(processes.map((one) => [one.pid, one]))
      for (const [pid, queue] of queuesOf(waits)) {
        const longest = Math.max(...queue.map(({ waited }) => waited))
        const holder = known.get(pid)
        if (longest < options.wait || !holder) continue
        told.add(pid)
        const first = queue.find(({ waited }) => waited === longest)
        report('blocking', { ...plain(holder), waiting: queue.length, table: first?.relation ?? '', longest })
      }
      for (const { pid, relation, since } of locks) {
        const holder = known.get(pid ?? 0)
        if (!pid || !holder || told.has(pid) || since < options.exclusive) continue
        told.add(pid)
        report('exclusive', { ...plain(holder), table: relation })
      }
      for (const one of sessions) {
        if (told.has(one.pid)) continue
        const idle = one.state.startsWith('idle in transaction')
        if (idle && one.since >= options.idle) report('idle-in-transaction', plain(one))
        if (one.state === 'active' && !one.maintains && one.since >= options.query) report('long-query', plain(one))
      }
      const queue = waits.filter(({ blockers }) => blockers.includes(0))
      for (const { gid, owner, since } of prepared) {
        const holds = since >= options.exclusive && locks.find((lock) => lock.gid === gid)
        if (since >= options.prepared || holds || queue.some(({ waited }) => waited >= options.wait)) {
          const table = holds ? holds.relation : ''
          report('prepared-transaction', { name: gid, role: owner, since, waiting: queue.length, table })
        }
      }
    },
  },
})

interface Known extends Holder {
  /** A session of this database. */
  readonly own: boolean
  /** This role is not shown what it does. */
  readonly hidden: boolean
  /** It does what takes long by its nature: builds an index, vacuums, copies, dumps. */
  readonly maintains: boolean
}

interface Wait {
  readonly pid: number
  readonly blockers: readonly number[]
  readonly relation: string
  readonly waited: number
}

function plain({ pid, role, application, state, since }: Holder): Holder {
  return { pid, role, application, state, since }
}

interface Lock {
  /** Null where a prepared transaction holds it, which has no session. */
  readonly pid: number | null
  readonly gid: string | null
  readonly relation: string
  /** How long its transaction is open. */
  readonly since: number
}

/** How often a lock is looked at that may be gone in a moment, in milliseconds. */
const pause = 200

/** How long it is looked at, however much longer somebody may have a table for themselves. */
const longestPause = 3000

/** What goes on, once no exclusive lock is left that is too young to be told from an ordinary change of the schema. */
async function settled(db: Session, patience: number, signal: AbortSignal): ReturnType<typeof sessionsIn> {
  const until = performance.now() + Math.min(patience, longestPause)
  for (;;) {
    // A look that begins now finds each lock old enough that was there at first, however long the look takes.
    const last = performance.now() > until
    const answer = await sessionsIn(db)
    const young = answer.outcome === 'answered' && answer.value.locks.some(({ since }) => since < patience)
    if (!young || last || signal.aborted) return answer
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}

/** Those who wait, by the session at the head of their queue: one that others wait for and that waits for nobody. */
function queuesOf(waits: readonly Wait[]): Map<number, Wait[]> {
  const blockersOf = new Map(waits.map(({ pid, blockers }) => [pid, blockers]))
  const queues = new Map<number, Wait[]>()
  for (const wait of waits) {
    for (const head of headsOf(wait.pid, blockersOf)) queues.set(head, [...(queues.get(head) ?? []), wait])
  }
  return queues
}

function headsOf(pid: number, blockersOf: ReadonlyMap<number, readonly number[]>): Set<number> {
  const heads = new Set<number>()
  const passed = new Set<number>()
  const left = [pid]
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    if (passed.has(one)) continue
    passed.add(one)
    const blockers = blockersOf.get(one)
    if (blockers) left.push(...blockers)
    else heads.add(one)
  }
  // Prepared transactions have no session: they are told apart.
  heads.delete(0)
  return heads
}

/** The sessions of this run: they wait a moment for a lock at most. */
const ours = sql`(application_name = current_setting('application_name') and usename = current_user and client_addr is not distinct from inet_client_addr())`

/** The server's processes but our own, who waits for whom, who has a table for itself, and transactions that are prepared. */
function sessionsIn({ read }: Session) {
  return read(async (kysely) => {
    const [processes, waits, locks, prepared] = await rowsOfEach(
      kysely,
      sql<Known>`
        select pid, coalesce(usename, '') as role,
          case when coalesce(backend_type, 'client backend') = 'client backend' then coalesce(application_name, '') else backend_type end as application,
          coalesce(state, '') as state,
          ${age(sql`case when state = 'active' then query_start else state_change end`)} as since,
          datname is not distinct from current_database() and coalesce(backend_type, 'client backend') = 'client backend' as own,
          state is null and backend_type is null as hidden,
          coalesce(application_name, '') in ('pg_dump', 'pg_basebackup', 'pg_restore') or query ~* '^\\s*(vacuum|analyze|reindex|cluster|create\\s+(unique\\s+)?index|copy|refresh)\\M' as maintains
        from pg_stat_activity
        where pid <> pg_backend_pid() and not coalesce(${ours}, false)
        order by pid`,
      sql<Wait>`
        select l.pid, pg_blocking_pids(l.pid) as blockers,
          coalesce((select c.relname from pg_class c where c.oid = l.relation and l.database = (select oid from pg_database where datname = current_database())), '') as relation,
          ${age(sql`coalesce((to_jsonb(l) ->> 'waitstart')::timestamptz, a.query_start, a.xact_start)`)} as waited
        from pg_locks l join pg_stat_activity a on a.pid = l.pid
        where not l.granted and a.datname = current_database() and not ${ours}
        order by l.pid`,
      sql<Lock>`
        select l.pid, p.gid, min(c.relname) as relation, min(${age(sql`coalesce(a.xact_start, p.prepared)`)}) as since
        from pg_locks l join pg_class c on c.oid = l.relation and c.relkind in ('r', 'p', 'm')
        left join pg_stat_activity a on a.pid = l.pid
        left join pg_locks x on l.pid is null and x.pid is null and x.locktype = 'transactionid' and x.virtualtransaction = l.virtualtransaction
        left join pg_prepared_xacts p on p.transaction = x.transactionid
        where l.granted and l.mode = 'AccessExclusiveLock' and (p.gid is not null or a.pid is not null and not ${ours})
          and l.database = (select oid from pg_database where datname = current_database())
        group by l.pid, p.gid order by l.pid, p.gid`,
      sql<{ gid: string; owner: string; since: number }>`
        select gid, owner, ${age(sql`prepared`)} as since from pg_prepared_xacts
        where database = current_database() order by prepared`,
    )
    return { processes, waits, locks, prepared }
  })
}

function age(time: ReturnType<typeof sql>) {
  return sql`coalesce(extract(epoch from clock_timestamp() - (${time})) * 1000, 0)::float8`
}
