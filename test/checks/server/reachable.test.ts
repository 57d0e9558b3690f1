import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { routes, saidOf } from '../../support/auth.js'
import { afterwards } from '../../support/databases.js'
import { deadAddress, socketServer } from '../../support/servers.js'

const said = (url: string, more = {}) => saidOf('server/reachable', { api: { url, timeout: '300ms', ...more } })

test('a server that answers is reachable, whatever it answers', async () => {
  for (const status of [200, 204, 302, 401, 404, 501])
    expect(await said(await routes({ 'GET /': [status] }))).toBe('pass')
})

test('a server that fails is told so where no endpoint is there to tell it', async () => {
  for (const status of [500, 503]) {
    const url = await routes({ 'GET /': [status] })
    expect(await said(url)).toEqual([`${url}/ answers with ${status}: the server fails on its own side`])
    expect(await said(url, { endpoints: ['/'] })).toBe('pass')
  }
})

test('nothing listens; the config may say how to start it', async () => {
  const dead = await deadAddress()
  expect(await said(dead)).toEqual([`nothing listens at ${dead}`])
  expect(await said(dead, { start: ['npm', 'run', 'start'] })).toEqual([
    `nothing listens at ${dead} (start it with: npm run start)`,
  ])
})

test('a server that hangs, one that hangs up, and one that speaks something else', async () => {
  const [silent, rude, ssh] = await Promise.all(
    [() => {}, 'end', 'ssh'].map((what) =>
      socketServer((socket) => {
        if (what === 'end') socket.end()
        if (what === 'ssh') socket.end('SSH-2.0-OpenSSH_9\r\n')
      }),
    ),
  )
  expect(await said(silent ?? '')).toEqual([`${silent}/ accepts connections, and did not answer within 300 ms`])
  expect(await said(rude ?? '')).toEqual([`${rude}/ closed the connection without an answer`])
  expect(await said(ssh ?? '')).toEqual([`${ssh} answers, but not in HTTP: another service may be on that port`])
})

test('a host name that does not resolve, and TLS where none is', async () => {
  expect(await said('http://nowhere.invalid')).toEqual(['the host name of http://nowhere.invalid does not resolve'])
  const plain = (await routes({})).replace('http:', 'https:')
  expect(await said(plain)).toEqual([`${plain} does not speak TLS, or no version in common`])
})

test('a proxy without its server', async () => {
  const url = await routes({ 'GET /health': [502], 'GET /': [200] })
  expect(await said(url, { endpoints: ['/health'] })).toEqual([
    `${url}/health answers with 502: a proxy is there, and the server behind it is not`,
  ])
  expect(await said(url)).toBe('pass')
})

test('a server at the other loopback address alone is told', async () => {
  const server = createServer((_, response) => void response.end('ok'))
  const listens = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(0, '::1', () => resolve(true))
  })
  // A machine without IPv6 has no other loopback address.
  if (!listens) return
  afterwards(() => server.close())
  const { port } = server.address() as AddressInfo
  expect(await said(`http://127.0.0.1:${port}`)).toEqual([
    `nothing listens at http://127.0.0.1:${port}, and something does at http://[::1]:${port}: the server has the other loopback address`,
  ])
})
