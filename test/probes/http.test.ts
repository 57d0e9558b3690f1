import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { limit } from '../../src/contracts/limits.js'
import { type HttpAnswer, httpClient, told } from '../../src/probes/http.js'
import { deadAddress, httpServer, socketServer } from '../support/servers.js'

const clientOf = (url: string | null, settings = {}) =>
  httpClient(
    { url, headers: {}, timeout: 10_000, maxBodyBytes: 1_048_576, ...settings },
    limit(Infinity, new AbortController().signal),
  )
const get = (url: string, settings = {}) => clientOf(url, settings).get('/')
const outcomeOf = (answer: HttpAnswer) =>
  answer.outcome === 'answered' ? String(answer.status) : `${answer.outcome} ${answer.phase} ${answer.code}`.trim()

const head = 'HTTP/1.1 200 OK\r\n'
const dripping = (first: string) => (socket: Socket) => {
  socket.write(first)
  const timer = setInterval(() => socket.write('x'), 20)
  socket.on('close', () => clearInterval(timer))
}

describe('a server that misbehaves is told for what it does', () => {
  test.each<[string, (socket: Socket) => void, string]>([
    ['never answers', () => {}, 'timeout response ETIMEDOUT'],
    ['closes', (socket) => socket.end(), 'closed response ECONNRESET'],
    ['resets', (socket) => socket.resetAndDestroy(), 'reset response ECONNRESET'],
    ['speaks SSH', (socket) => socket.end('SSH-2.0-OpenSSH_9\r\n'), 'not-http response HPE_INVALID_CONSTANT'],
    [
      'has a status of 1000',
      (socket) => socket.end('HTTP/1.1 1000 X\r\n\r\n'),
      'malformed response HPE_INVALID_STATUS',
    ],
    [
      'hides ESC in a header',
      (socket) => socket.end(`${head}X: \x1b[31m\r\n\r\n`),
      'malformed response HPE_INVALID_HEADER_TOKEN',
    ],
    ['has endless headers', dripping(`${head}X: `), 'timeout response ETIMEDOUT'],
    [
      'has 70 KB of headers',
      (socket) => socket.end(`${head}X: ${'a'.repeat(70_000)}\r\n\r\n`),
      'malformed response HPE_HEADER_OVERFLOW',
    ],
    [
      'switches protocols',
      (socket) => socket.write('HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
      'not-http response HPE_UPGRADE',
    ],
    ['drips its body', dripping(`${head}\r\n`), 'timeout body ETIMEDOUT'],
    [
      'breaks off',
      (socket) => {
        socket.write(`${head}Content-Length: 99\r\n\r\nabc`)
        setTimeout(() => socket.end(), 20)
      },
      'cut-off body ECONNRESET',
    ],
    [
      'breaks off with a reset',
      (socket) => {
        socket.write(`${head}Content-Length: 99\r\n\r\nabc`)
        setTimeout(() => socket.resetAndDestroy(), 20)
      },
      'cut-off body ECONNRESET',
    ],
    [
      'lies about its length',
      (socket) => socket.end(`${head}Content-Length: 3\r\n\r\nabcdef`),
      'cut-off body HPE_INVALID_CONSTANT',
    ],
    [
      'sends two lengths',
      (socket) => socket.end(`${head}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`),
      'malformed response HPE_UNEXPECTED_CONTENT_LENGTH',
    ],
    [
      'sends garbage for chunks',
      (socket) => socket.end(`${head}Transfer-Encoding: chunked\r\n\r\nZZ\r\n`),
      'cut-off body HPE_INVALID_CHUNK_SIZE',
    ],
    [
      'cuts its gzip short',
      (socket) => socket.end(gzipped(gzipSync('hello'.repeat(999)).subarray(0, 30))),
      'cut-off body Z_BUF_ERROR',
    ],
    ['calls text gzip', (socket) => socket.end(gzipped(Buffer.from('hello'))), 'cut-off body Z_DATA_ERROR'],
    ['answers in full', (socket) => socket.end(`${head}Content-Length: 2\r\n\r\nok`), '200'],
    ['answers with 503', (socket) => socket.end('HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n'), '503'],
  ])('%s', async (_, behave, outcome) => {
    // Who waits for nothing waits a while; who is told something, as long as a busy machine takes.
    const settings = outcome.startsWith('timeout') ? { timeout: 800 } : {}
    expect(outcomeOf(await get(await socketServer(behave), settings))).toBe(outcome)
  })

  test('nothing listens; a host that does not exist; TLS where none is spoken', async () => {
    const dead = await deadAddress()
    expect(told(await get(dead))).toBe(`${dead}/ refused the connection`)
    expect(told(await get('http://nowhere.invalid'))).toBe(
      'http://nowhere.invalid/ has a host name that does not resolve',
    )
    const plain = await httpServer((_, response) => response.end('ok'))
    expect(outcomeOf(await get(plain.replace('http:', 'https:')))).toBe('tls tls EPROTO')
  })

  test('a certificate that nobody signed is a fault of TLS', async () => {
    const server = createTlsServer({ key, cert }, (_, response) => response.end('ok'))
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    const { port } = server.address() as { port: number }
    expect(outcomeOf(await get(`https://127.0.0.1:${port}`))).toMatch(
      /^tls tls (DEPTH_ZERO_SELF_SIGNED_CERT|CERT_HAS_EXPIRED)$/,
    )
    // But for whoever trusts it, or the authority that signed it.
    const trusted = await get(`https://127.0.0.1:${port}`, { ca: cert })
    expect(trusted).toMatchObject({ outcome: 'answered', body: 'ok' })
    // Plain HTTP to a port that speaks TLS.
    expect(outcomeOf(await get(`http://127.0.0.1:${port}`))).toMatch(/^(closed|reset|not-http) response/)
    server.close()
  })

  test('floods are cut at the cap, and memory stays', async () => {
    const before = process.memoryUsage().rss
    const flood = await socketServer((socket) => {
      socket.write(`${head}\r\n`)
      const more = () => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
      }
      socket.on('drain', more)
      more()
    })
    const bomb = gzipSync(Buffer.alloc(100_000_000))
    const exploding = await socketServer((socket) => socket.end(gzipped(bomb)))
    expect(outcomeOf(await get(flood, { timeout: 5000 }))).toBe('too-large body')
    expect(outcomeOf(await get(exploding, { timeout: 5000 }))).toBe('too-large body')
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6)
  })
})

describe('redirects', () => {
  test.each([
    ['https://login.example.com/authorize?secret=1', 'https://login.example.com/authorize'],
    ['/login?next=x', 'URL/login'],
    ['http://[bad', null],
  ])('to %s are told, and not followed', async (location, expected) => {
    let requests = 0
    const url = await httpServer((_, response) => {
      requests++
      response.writeHead(302, { location }).end()
    })
    const answer = await get(url)
    expect(answer).toMatchObject({ status: 302, location: expected?.replace('URL', url) ?? null })
    expect(requests).toBe(1)
  })
})

describe('credentials', () => {
  test('go to the API server, and to no other origin', async () => {
    const seen: (string | undefined)[] = []
    const note = (request: { headers: { authorization?: string; 'x-key'?: string } }) =>
      seen.push(request.headers.authorization, request.headers['x-key'])
    const own = await httpServer((request, response) => {
      note(request as never)
      response.end()
    })
    const other = await httpServer((request, response) => {
      note(request as never)
      response.end()
    })
    const client = clientOf(own, { headers: { 'x-key': 'k' } })
    for (const path of ['/a', `${other}/a`, `${own}/a`])
      await client.get(path, { credentials: { authorization: 'Bearer t' } })
    expect(seen).toEqual(['Bearer t', 'k', undefined, undefined, 'Bearer t', 'k'])
  })

  test('a prefix of the URL stays in front of every path', async () => {
    const url = await httpServer((request, response) => response.end(request.url))
    expect(await clientOf(`${url}/api/`).get('/v1/users?x=1')).toMatchObject({
      body: '/api/v1/users?x=1',
      url: `${url}/api/v1/users`,
    })
  })

  test('bodies are JSON or forms, and a request without one ends', async () => {
    const url = await httpServer((request, response, body) =>
      response.end(`${request.method} ${request.headers['content-type']} ${body}`),
    )
    const client = clientOf(url)
    const bodies = [{ json: { a: 1 } }, { form: { a: 'b c' } }, {}].map((body) =>
      client.request({ method: 'POST', path: '/', ...body }),
    )
    const answers = (await Promise.all(bodies)) as { body: string }[]
    expect(answers.map(({ body }) => body)).toEqual([
      'POST application/json {"a":1}',
      'POST application/x-www-form-urlencoded a=b+c',
      'POST undefined ',
    ])
  })
})

test.each([5000, 100])('where the time is up, a server with %d ms left is not called silent', async (timeout) => {
  const url = await socketServer(() => {})
  const controller = new AbortController()
  const limits = limit(performance.now() + 100, controller.signal)
  const asked = httpClient({ url, headers: {}, timeout, maxBodyBytes: 1000 }, limits).get('/')
  await expect(asked).rejects.toMatchObject({ name: 'Stop', reason: 'deadline' })
})

test('whatever a server sends, there is an answer', async () => {
  let reply = Buffer.alloc(0)
  const url = await socketServer((socket) => socket.end(reply))
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.boolean(), async (bytes, proper) => {
      reply = Buffer.concat([Buffer.from(proper ? head : ''), bytes])
      expect((await get(url)).outcome).toMatch(/^[a-z-]+$/)
    }),
    { numRuns: 60 },
  )
})

function gzipped(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${head}Content-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`), body])
}

/** Made for this test, signed by itself. */
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgutxEqPTw/z+zgMzi
NFeJ3Plh/BCj7IoFG2fu5huo6V6hRANCAASNS1EtgxFw2VjTRWRedKydTbUSBbmc
p6KsfBAxuMk9A4kRT+w2GDTfwZd0xVWZ9zH2zBdyKaUFDp7937aTKiRw
-----END PRIVATE KEY-----`
const cert = `-----BEGIN CERTIFICATE-----
MIIBhzCCASygAwIBAgIUWJs4aSRxteoK8A6Lsp3ehby1Bh4wCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjkxNDA5MjNaGA8yMTI2MTEwNTE0MDky
M1owDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABI1L
US2DEXDZWNNFZF50rJ1NtRIFuZynoqx8EDG4yT0DiRFP7DYYNN/Bl3TFVZn3MfbM
F3IppQUOnv3ftpMqJHCjZDBiMB0GA1UdDgQWBBTuWQzGmgplOxWBkGdmcga3uMCa
ZjAfBgNVHSMEGDAWgBTuWQzGmgplOxWBkGdmcga3uMCaZjAPBgNVHREECDAGhwR/
AAABMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAKrcT/YbE4rr
FUMNwE1kDfXR69o/CSKMb7dkzQza4LhXAiEA/JQSoJqlu/fKoC+HBY5dio+nk5Hn
GJl9scwc64UeA0U=
-----END CERTIFICATE-----`
