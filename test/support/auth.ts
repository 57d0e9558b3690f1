import type { ServerResponse } from 'node:http'
import type { ConfigInput } from '../../src/config/config.js'
import type { CheckId } from '../../src/contracts/check.js'
import { examine, said } from './databases.js'
import { httpServer } from './servers.js'

/** What an API's check says of a config, without a database. */
export async function saidOf(id: CheckId, config: ConfigInput): Promise<string | string[]> {
  const { results } = await examine(null, { config, only: [id] })
  const result = results.find((candidate) => candidate.id === id)
  if (!result) throw new Error(`no result of ${id}`)
  return said(result)
}

export type Answer = readonly [status: number, body?: unknown, headers?: Record<string, string>]

/** A server whose routes answer as they say, or by the request's headers and body; 404 elsewhere. */
export function routes(
  answers: Record<string, Answer | ((headers: Record<string, string>, body: string) => Answer | Promise<Answer>)>,
): Promise<string> {
  return httpServer(async (request, response, body) => {
    const route = answers[`${request.method} ${request.url}`] ?? [404]
    send(response, typeof route === 'function' ? await route(request.headers as Record<string, string>, body) : route)
  })
}

function send(response: ServerResponse, [status, body, headers = {}]: Answer): void {
  const json = typeof body === 'object'
  response.writeHead(status, { ...(json && { 'content-type': 'application/json' }), ...headers })
  response.end(json ? JSON.stringify(body) : body)
}
