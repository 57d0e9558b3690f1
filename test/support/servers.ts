import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createSocketServer, type Socket } from 'node:net'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import type { Faults } from '../../fixtures/demo/api/faults.js'
import { startApi } from '../../fixtures/demo/api/server.js'
import { createSqliteDemo } from '../../fixtures/demo/build.js'
import { configOf, withPassword } from '../../fixtures/demo/config.js'
import { demoUser } from '../../fixtures/demo/people.js'
import { afterwards, testFolder } from './databases.js'

/** A server that answers raw bytes; `onData` is called when a client has spoken. */
export async function socketServer(onData: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createSocketServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.once('data', () => onData(socket))
  })
  afterwards(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return urlOf(await listening(server))
}

/** A server that answers by a function of the request and its body. */
export async function httpServer(
  handler: (request: IncomingMessage, response: ServerResponse, body: string) => unknown,
): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    await handler(request, response, Buffer.concat(chunks).toString())
  })
  afterwards(() => {
    server.closeAllConnections()
    server.close()
  })
  return urlOf(await listening(server))
}

/** An address where nothing listens. */
export async function deadAddress(): Promise<string> {
  const server = createSocketServer()
  const url = urlOf(await listening(server))
  await new Promise((resolve) => server.close(resolve))
  return url
}

/** The demo application with this wrong in its server: its config, and its database. */
export async function demoApplication(faults: Faults = {}, { password = demoUser.password } = {}) {
  const file = join(await testFolder(), 'demo.db')
  await createSqliteDemo(file)
  const connection = new BetterSqlite(file)
  connection.pragma('journal_mode = wal')
  const store = new Kysely<Record<string, never>>({ dialect: new SqliteDialect({ database: connection }) })
  afterwards(() => store.destroy())
  const secret = randomBytes(32).toString('base64url')
  const server = await startApi(store, secret, faults)
  afterwards(server.stop)
  return {
    config: withPassword(configOf(`sqlite:${file}`, server.url, secret), password),
    execute: (statements: string): void => {
      connection.exec(statements)
    },
    url: server.url,
    target: `sqlite:${file}`,
    secret,
  }
}

async function listening<S extends Server | ReturnType<typeof createSocketServer>>(server: S): Promise<S> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return server
}

function urlOf(server: { address(): unknown }): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
