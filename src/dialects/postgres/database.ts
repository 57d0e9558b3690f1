import { sql } from 'kysely'
import pLimit from 'p-limit'
import type pg from 'pg'
import type { Environment } from '../../config/reference.js'
import type { Limits } from '../../contracts/limits.js'
import type { TargetInfo } from '../../report/report.js'
import type { Catalog, Table } from '../catalog.js'
import type {
  Answer,
  Asked,
  CrashTrace,
  Database,
  Dialect,
  Opening,
  Relationship,
  Remark,
  Session,
  TransactionSettings,
  UnopenedOutcome,
} from '../dialect.js'
import { stopped } from '../dialect.js'
import { readCatalog } from './catalog.js'
import { type Client, connect, type Notice } from './client.js'
import type { Join } from './connections.js'
import { readDefinitions } from './definitions.js'
import { dataDisk } from './disk.js'
import { introduce, Mute } from './introduction.js'
import { identify } from './listener.js'
import { isLarge, scanOrphans, worksInParallel } from './orphans.js'
import { lookAtPages } from './pages.js'
import { poolOf } from './pool.js'
import { askedOf, passwordsIn, settingsOf } from './settings.js'
import { type SmallKeys, smallKeysAmong } from './small-keys.js'
import { askTogether, locksOf, readableTables, rowCount } from './tables.js'
import { leave, type Work } from './transactions.js'
import { triage } from './triage.js'

/** A PostgreSQL server at a connection string. Everything runs in read-only transactions. */
export function postgres(connectionString: string, environment: Environment, understood?: string): Dialect {
  const ways = settingsOf(connectionString, environment)
  const asked = askedOf(ways[0] ?? {}, environment)
  const { host, port, database, role, filled } = asked
  const place = placeOf(asked)
  const reading = understood === undefined ? {} : { understood }
  const target: TargetInfo = { dialect: 'postgres', name: database, host, port, database, role, filled, ...reading }
  return {
    name: 'postgres',
    hasSchemas: true,
    target,
    secrets: passwordsIn(connectionString, ways[0] ?? {}, environment),
    repairer: async () => (await import('./repairer.js')).repairerOf(ways),
    async dismiss() {},
    async open(limits): Promise<Opening> {
      const began = performance.now()
      const answer = await attempt(ways, target, asked, limits)
      const ms = performance.now() - began
      if ('database' in answer) return { outcome: 'opened', ms, ...answer }
      if (!limits.signal.aborted) return { ...answer, place, asked, ms }
      const { reason, text } = stopped(limits.signal)
      return { outcome: reason, place, asked, code: '', text, ms }
    },
  }
}

/** Outcomes after which it is worth asking what it is that listens there. */
const doubtful: readonly UnopenedOutcome[] = ['silent', 'closed', 'reset', 'tls', 'wrong-service']

async function attempt(
  ways: readonly pg.ClientConfig[],
  named: TargetInfo,
  asked: Asked,
  limits: Limits,
): Promise<{ database: Database; remarks: readonly Remark[] } | ReturnType<typeof triage>> {
  // Whoever is told of a crash while this run is connected has witnessed it.
  const traces: CrashTrace[] = []
  const warnings = new Set<string>()
  const witness = ({ kind, text }: Notice) => {
    if (kind === 'warning') warnings.add(text)
    else traces.push({ kind: 'crash-notice', text, at: new Date().toISOString() })
  }
  try {
    const { client, config } = await connectAnyWay(ways, limits, witness)
    const {
      remarks: own,
      usual,
      joins,
      idlesOut,
      ...introduced
    } = await introduce(client, limits).catch((error: unknown) => {
      void client.end()
      throw error
    })
    const target = { ...named, ...introduced }
    const remarks = [...[...warnings].map((text) => ({ kind: 'server-warning' as const, text })), ...own]
    client.joins = joins
    await leave(client)
    // A session is its own here, and idle while others work.
    const stay = async (one: Client) => {
      try {
        if (idlesOut) await sql`set idle_session_timeout = 0`.execute(one.kysely)
      } catch (error) {
        void one.end()
        throw error
      }
      return Object.assign(one, { joins })
    }
    await stay(client)
    const join: Join = async (own) => stay(await connect(config, own, witness))
    return { database: databaseOver(poolOf(client, join, usual, target.pooler ?? false), target, traces), remarks }
  } catch (error) {
    if (error instanceof Mute) return { outcome: 'mute', code: '', text: error.message }
    const meant = triage(error)
    if (limits.signal.aborted || !doubtful.includes(meant.outcome)) return meant
    const listener = await identify(asked.host, asked.port, limits)
    if (listener.outcome === 'service') return { ...meant, outcome: 'wrong-service', text: listener.name }
    if (listener.outcome === 'unreachable' && meant.outcome === 'silent') return { ...meant, outcome: 'unreachable' }
    return meant
  }
}

async function connectAnyWay(
  ways: readonly pg.ClientConfig[],
  limits: Limits,
  witness: (notice: Notice) => void,
): Promise<{ client: Client; config: pg.ClientConfig }> {
  let last: unknown
  for (const config of ways) {
    try {
      return { client: await connect(config, limits, witness), config }
    } catch (error) {
      last = error
      // The other way is worth a try only where the server minded the encryption, or its absence.
      if (!/SSL|TLS|encryption|EPROTO/.test(String(error))) break
    }
  }
  throw last
}

/** Catalogs of thousands are sorted in memory. */
const forSorting = sql`set local work_mem = '16MB'`

function databaseOver(pool: ReturnType<typeof poolOf>, target: TargetInfo, traces: readonly CrashTrace[]): Database {
  // Two connections whose statements are shared by workers each are slower than one after the other.
  const oneByOne = pLimit(1)
  let inParallel: Promise<Answer<boolean>> | undefined
  let catalog: Promise<Answer<Catalog>> | undefined
  const smallKeys = new WeakMap<readonly Relationship[], SmallKeys>()

  const session = (limits: Limits): Session => {
    const read = <T>(work: Work<T>, settings?: TransactionSettings) => pool.read(work, limits, { settings })
    const inSnapshot = <T>(work: Work<T>, settings?: TransactionSettings) =>
      pool.read(work, limits, { settings, shared: true })
    const knownCatalog = async () => {
      catalog ??= untilUnlocked(() => read((kysely) => readCatalog(kysely, target.primary ?? true), forSorting))
      const known = await catalog
      // What one check ran out of time for, the next one may still learn.
      if (known.outcome === 'failed') catalog = undefined
      return known
    }
    return {
      dialect: 'postgres',
      target,
      read,
      scan: (work, _deep, settings) => read(work, settings),
      crashTraces: () => traces,
      catalog: knownCatalog,
      definitions: () => read(readDefinitions),
      rehearse: (work) => pool.rehearse(work, limits),
      readable: async (tables, touch) => {
        const known = await knownCatalog()
        return known.outcome === 'failed' ? tables.map(() => known) : readableTables(read, known.value, tables, touch)
      },
      together: async (statements, settings) => {
        const known = await knownCatalog()
        if (known.outcome === 'failed') return new Map()
        const locks = ([table]: readonly [Table, unknown]) => locksOf(known.value, table) + locksBeside(table)
        const answers = await askTogether(read, [...statements], locks, ([, statement]) => statement, settings)
        return new Map([...answers].map(([[table], rows]) => [table, rows]))
      },
      count: (table) => rowCount(inSnapshot, table),
      orphans: async (relationship, samples, beside = []) => {
        const known = await knownCatalog()
        if (known.outcome === 'failed') return known
        const small = smallKeys.get(beside) ?? smallKeysAmong(known.value, beside)
        smallKeys.set(beside, small)
        const sound = await small.sound(inSnapshot, relationship)
        if (sound) return { outcome: 'answered', value: sound }
        const scan = () => scanOrphans({ ...limits, read: inSnapshot, catalog: known.value }, relationship, samples)
        if (!isLarge(known.value, relationship.child)) return scan()
        inParallel ??= read(worksInParallel)
        const parallel = await inParallel
        if (parallel.outcome === 'failed') inParallel = undefined
        return parallel.outcome === 'answered' && !parallel.value ? scan() : oneByOne(scan)
      },
      pages: (scope) => lookAtPages(read, scope, target.primary ?? true),
      namesakes: async () => [],
      disk: () => dataDisk(read, target),
      backlog: async () => null,
      roundTrip: () => pool.roundTrip(limits),
    }
  }
  return { target, session, lost: pool.lost, close: pool.close }
}

/** Locks of what the catalog does not tell: the tables and indexes that a view reads, here an estimate, and the sequence of a table. */
function locksBeside({ kind }: Table): number {
  return kind === 'view' ? 25 : 1
}

/** Reads again what a lock that came meanwhile kept from being read; one that is there is read around. */
async function untilUnlocked<T>(look: () => Promise<Answer<T>>): Promise<Answer<T>> {
  for (let attempt = 1; ; attempt++) {
    const answer = await look()
    if (answer.outcome === 'answered' || answer.code !== lockNotAvailable || attempt === 3) return answer
  }
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const lockNotAvailable = '55P03'

function placeOf({ host, port }: Asked): string {
  if (host.startsWith('/')) return `${host}/.s.PGSQL.${port}`
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
