import { connect as connectSocket, type Socket } from 'node:net'
import { Kysely, PostgresDialect, type RawBuilder } from 'kysely'
import pg from 'pg'
import type { Limits } from '../../contracts/limits.js'
import type { AnyKysely } from '../dialect.js'
import { messagesTo } from './messages.js'

/** A connection to a server, and Kysely over exactly this connection. */
export interface Client {
  readonly kysely: AnyKysely
  readonly pg: pg.Client
  /** Whoever uses it now is told of its statements. */
  noted: Limits['noted']
  /** Whether the beginning of a transaction may go with its first statement: where nothing but that statement can end it. */
  joins: boolean
  /** Begins a transaction with the next statement. */
  begin(beginning: RawBuilder<unknown>): void
  /** Ends it, whatever was done: with the next beginning, should that come at once, or in a moment, and nobody waits. */
  rollback(): Promise<void>
  /** Whether the end of a transaction is on its way. */
  readonly isEnding: boolean
  /** The process that the server named at the start: a pooler's, where one stands between. */
  readonly processId: number
  /** Asks the server to end the running statement. Bounded, and never throws. */
  cancel(): Promise<void>
  /** Says goodbye; bounded, because a server that hangs never answers. */
  end(): Promise<void>
  readonly alive: boolean
}

/** What a server says without being asked. */
export interface Notice {
  readonly kind: 'crash' | 'warning'
  readonly text: string
}

/** How long a connection may take, in milliseconds; where less time is left, a quarter of it: silence is an answer, and there may be two ways to try. */
const connectTimeout = 10_000
/** How long a cancelled statement, or a goodbye, may take before the socket is cut; milliseconds. */
const closeTimeout = 300

/** SQLSTATE of the notice that another process of the server has crashed. */
const crashShutdown = '57P02'

const { INT8, NUMERIC } = pg.types.builtins
/** Whole numbers as numbers where that loses nothing. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text') => {
    if (oid === INT8) return eightBytes
    return oid === NUMERIC ? anyPrecision : pg.types.getTypeParser(oid, format)
  }) as typeof pg.types.getTypeParser,
}

/** Milliseconds for one attempt to connect, or to ask a first question. */
export function timeToConnect({ expires }: Limits): number {
  return Math.max(1, Math.min(connectTimeout, (expires - performance.now()) / 4))
}

/** Connects within the limits. Throws what pg throws; `triage` says what it means. */
export async function connect(
  config: pg.ClientConfig,
  limits: Limits,
  onNotice: (notice: Notice) => void,
): Promise<Client> {
  const { signal } = limits
  const client = new pg.Client({
    ...config,
    types,
    connectionTimeoutMillis: timeToConnect(limits),
  })
  let alive = true
  // Without a listener an idle connection that is cut would end the process.
  client.on('error', () => {
    alive = false
  })
  client.on('end', () => {
    alive = false
  })
  // The only word that a server says of it: what follows is a connection that ends.
  client.on('notice', ({ code, message = '', severity }) => {
    if (code === crashShutdown) onNotice({ kind: 'crash', text: message })
    else if (severity === 'WARNING') onNotice({ kind: 'warning', text: message })
  })
  const cut = () => streamOf(client)?.destroy()
  signal.addEventListener('abort', cut, { once: true })
  try {
    await client.connect()
  } catch (error) {
    cut()
    throw error
  } finally {
    signal.removeEventListener('abort', cut)
  }

  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
  const noted: NonNullable<Limits['noted']> = (statement, ms) => self.noted?.(statement, ms)
  const messages = messagesTo(client, noted, () => void self.end())
  const kysely = kyselyOver(messages.query, noted)
  const self: Client = {
    pg: client,
    kysely,
    noted: undefined,
    joins: false,
    begin: (beginning) => messages.begin(beginning.compile(kysely).sql),
    rollback: messages.rollback,
    get isEnding() {
      return messages.isEnding
    },
    processId: processID,
    get alive() {
      return alive
    },
    cancel: () => requestCancel(client, processID, secretKey),
    async end() {
      alive = false
      await within(
        closeTimeout,
        messages.ended().then(() => client.end()),
      )
      cut()
    },
  }
  return self
}

/** Waits for a promise, but not longer than so many milliseconds, and not for its success. */
export async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([promise.catch(() => {}), timeout])
  clearTimeout(timer)
}

/**
 * Asks the server to cancel a statement: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS.
 * A connection of its own, without authentication, so that it works when no slot is free, and through a pooler.
 */
async function requestCancel(
  { host, port }: { host: string; port: number },
  processId: number,
  secretKey: number,
): Promise<void> {
  const socket = host.startsWith('/') ? connectSocket(`${host}/.s.PGSQL.${port}`) : connectSocket(port, host)
  const request = Buffer.alloc(16)
  for (const [at, value] of [16, 80877102, processId, secretKey].entries()) request.writeInt32BE(value, at * 4)
  const closed = new Promise((resolve) => socket.on('close', resolve).on('error', resolve))
  socket.end(request)
  await within(closeTimeout, closed)
  socket.destroy()
}

function kyselyOver(
  query: (text: string, parameters: unknown[]) => Promise<pg.QueryResult>,
  noted: NonNullable<Limits['noted']>,
): AnyKysely {
  const pinned = { query, release() {} }
  return new Kysely({
    dialect: new PostgresDialect({ pool: { connect: async () => pinned, end: async () => {} } as never }),
    log: ({ query, queryDurationMillis }) => noted(query.sql, queryDurationMillis),
  })
}

function streamOf(client: pg.Client): Socket | undefined {
  return (client as unknown as { connection?: { stream?: Socket } }).connection?.stream
}

function eightBytes(text: string): number | bigint {
  if (text.length < 16) return Number(text)
  const value = BigInt(text)
  return BigInt.asIntN(54, value) === value ? Number(value) : value
}

function anyPrecision(text: string): number | string {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text
}
