import { connect, createServer, type Socket } from 'node:net'
import { afterwards } from './cleanups.js'

/** A way to a server on which what clients say is written down: the statements of each message, and the kinds of others. */
export async function overheard(target: string): Promise<{ target: string; said: string[] }> {
  const { hostname, port } = new URL(target)
  const said: string[] = []
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => socket.destroy()).on('close', () => open.delete(socket))
    }
    let rest = Buffer.alloc(0)
    let started = false
    client.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      // The first message has no kind.
      for (let kind = started ? 1 : 0; rest.length >= kind + 4; kind = 1) {
        const length = kind + rest.readInt32BE(kind)
        if (rest.length < length) break
        const name = String.fromCharCode(rest[0] ?? 0)
        if (started) said.push(name === 'Q' ? rest.toString('utf8', 5, length - 1) : name)
        started = true
        rest = rest.subarray(length)
      }
    })
    client.pipe(upstream)
    upstream.pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  afterwards(async () => {
    for (const socket of open) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port: own } = server.address() as { port: number }
  return { target: Object.assign(new URL(target), { hostname: '127.0.0.1', port: String(own) }).href, said }
}
