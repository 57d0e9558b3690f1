import { createConnection } from 'node:net'
import type { Limits } from '../../contracts/limits.js'

/** What is behind an address that does not speak PostgreSQL. */
export type Listener =
  | { readonly outcome: 'service'; readonly name: string }
  /** A connection is accepted, and nothing that we know is said. */
  | { readonly outcome: 'mute' }
  /** Not even a connection is answered. */
  | { readonly outcome: 'unreachable' }

/** How long each part of a greeting may take, in milliseconds. */
const readTimeout = 600

/** Greetings of services that people find where they expected PostgreSQL; a dot stands for what can't be printed. */
const greetings: readonly (readonly [RegExp, string])[] = [
  [/^SSH-/, 'an SSH server'],
  [/^HTTP\/\d/, 'an HTTP server'],
  // https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html
  [/^.{5}\d+\.\d+\.\d+|MySQL|MariaDB/, 'MySQL or MariaDB'],
  [/^220[ -]/, 'an SMTP or FTP server'],
  [/^\* OK/, 'an IMAP server'],
  [/^\+OK/, 'a POP3 server'],
  [/^-(?:ERR|DENIED|NOAUTH)/, 'Redis'],
]

/** Asks what listens at an address: waits for a greeting, then says something that most servers answer. Never throws. */
export async function identify(host: string, port: number, { signal }: Limits): Promise<Listener> {
  if (host.startsWith('/')) return { outcome: 'mute' }
  const socket = createConnection({ host, port })
  const closed = new Promise<void>((resolve) => socket.on('close', resolve).on('error', () => resolve()))
  const cut = () => socket.destroy()
  signal.addEventListener('abort', cut, { once: true })
  try {
    const connected = new Promise<void>((resolve) => socket.once('connect', resolve))
    await soon(Promise.race([connected, closed]))
    if (socket.connecting || socket.destroyed) return { outcome: socket.connecting ? 'unreachable' : 'mute' }
    let said = ''
    const heard = new Promise<void>((resolve) =>
      socket.on('data', (chunk) => {
        said += chunk.toString('latin1').replace(/[^ -~]/g, '.')
        resolve()
      }),
    )
    await soon(Promise.race([heard, closed]))
    if (said === '' && !socket.destroyed) {
      socket.write('GET / HTTP/1.0\r\n\r\n')
      await soon(Promise.race([heard, closed]))
    }
    const name = greetings.find(([greeting]) => greeting.test(said))?.[1]
    return name === undefined ? { outcome: 'mute' } : { outcome: 'service', name }
  } finally {
    signal.removeEventListener('abort', cut)
    socket.destroy()
  }
}

async function soon(event: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, readTimeout)
  })
  await Promise.race([event, late])
  clearTimeout(timer)
}
