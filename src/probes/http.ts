import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Request } from 'got'
import pLimit from 'p-limit'
import { type Limits, limit, stopOf } from '../contracts/limits.js'
import { type Phase, triage, type UnansweredOutcome } from './triage.js'

/** What came of a request. `answered` is any HTTP response, whatever its status; everything else says exactly why there was none. */
export type HttpAnswer = Answered | Unanswered

export interface Answered {
  readonly outcome: 'answered'
  readonly method: string
  /** Without query: that may hold what nobody should read. */
  readonly url: string
  readonly status: number
  /** The absolute URL that a redirect leads to, without query; null where there is none, or none that can be understood. */
  readonly location: string | null
  /** The media type, without parameters; empty where the server names none. */
  readonly type: string
  /** What the Server header calls the program (RFC 9110, section 10.2.4); null without one. */
  readonly server: string | null
  /** The methods that the Allow header names (RFC 9110, section 10.2.1); null without one. */
  readonly allow: string | null
  readonly body: string
  /** How far the server's clock is ahead of ours by its Date header, which counts seconds, in milliseconds; null where it has none. */
  readonly skew: number | null
  /** When it had arrived, in milliseconds since 1970, by this clock. */
  readonly at: number
  /** When the server wants to be asked again, by its Retry-After header, in seconds from now; null where it does not say. */
  readonly retryAfter: number | null
  /** What is wrong with a redirect: it leads nowhere, to itself, or to what is not HTTP; null where nothing is, and for other answers. */
  readonly misdirected: 'nowhere' | 'to itself' | 'to no web address' | null
  readonly cookies: { readonly [name: string]: string }
  /** Milliseconds, name resolution and connecting included. */
  readonly ms: number
}

export interface Unanswered {
  readonly outcome: UnansweredOutcome
  readonly method: string
  readonly url: string
  /** How far it came. */
  readonly phase: Phase
  /** The code of the system, TLS or the HTTP parser, as it is; empty where there is none. */
  readonly code: string
  /** What happened, in a few words that fit after the URL: `refused the connection`. */
  readonly text: string
  readonly ms: number
}

export interface HttpRequest {
  readonly method?: string
  /** On the API server; or an absolute URL, which is sent no credentials where it leads elsewhere. */
  readonly path: string
  readonly headers?: { readonly [name: string]: string }
  readonly json?: unknown
  readonly form?: { readonly [name: string]: string }
  /** Milliseconds; the API's own where none are named. */
  readonly timeout?: number
  /** Headers that say who asks. They never leave the API server's origin. */
  readonly credentials?: { readonly [name: string]: string }
}

/**
 * Asks the API server, and no redirect's target. Never throws for what a server or a network does; where the check's own time is up or
 * the run is interrupted there is no answer to speak of, and the signal's reason is thrown.
 */
export interface Http {
  request(request: HttpRequest): Promise<HttpAnswer>
  get(path: string, request?: Omit<HttpRequest, 'path' | 'method'>): Promise<HttpAnswer>
}

export interface HttpSettings {
  /** The API server's URL; paths are appended to it. Null where none is configured. */
  readonly url: string | null
  readonly headers: { readonly [name: string]: string }
  readonly timeout: number
  readonly maxBodyBytes: number
  /** Certificates of authorities to trust beside the usual ones, in PEM. */
  readonly ca?: string | undefined
  /** Until when (`performance.now()`) the API server is asked again where it refuses the connection. */
  readonly retryUntil?: number
}

/** Milliseconds between two attempts. */
const pause = 250

/** More at a time would be a load test. */
const simultaneous = 6

/** An HTTP client that is bound to one server, a check's time and its signal. */
export function httpClient(settings: HttpSettings, limits: Limits): Http {
  const turn = pLimit(simultaneous)
  const request = (asked: HttpRequest) => turn(() => askPatiently(asked, settings, limits))
  return { request, get: (path, rest) => request({ ...rest, path }) }
}

async function askPatiently(asked: HttpRequest, settings: HttpSettings, limits: Limits): Promise<HttpAnswer> {
  for (;;) {
    const answer = await ask(asked, settings, limits)
    const own = settings.url !== null && new URL(answer.url).origin === new URL(settings.url).origin
    if (answer.outcome !== 'refused' || !own || performance.now() + pause >= (settings.retryUntil ?? 0)) return answer
    await sleep(pause, undefined, { signal: limits.signal }).catch(() => {})
  }
}

async function ask(asked: HttpRequest, settings: HttpSettings, limits: Limits): Promise<HttpAnswer> {
  const { method = 'GET', timeout = settings.timeout } = asked
  const url = urlOf(asked.path, settings.url)
  const own = settings.url !== null && url.origin === new URL(settings.url).origin
  const { got, http, https, tls } = await loadClient()
  const began = performance.now()
  const shown = { method, url: withoutQuery(url) }
  const bound = limit(began + timeout, limits.signal)
  let phase: Phase = isIP(url.hostname.replace(/^\[|\]$/g, '')) ? 'connect' : 'lookup'
  const unanswered = (outcome: UnansweredOutcome, code: string, text: string): Unanswered => {
    return { outcome, ...shown, phase, code, text, ms: elapsed(began) }
  }
  const stream = got.stream(url, {
    method: method as 'GET',
    headers: {
      'user-agent': 'dbdoctor',
      accept: 'application/json, */*;q=0.5',
      ...(own && { ...settings.headers, ...asked.credentials }),
      ...asked.headers,
    },
    ...(asked.json !== undefined && { json: asked.json }),
    ...(asked.form && { form: asked.form }),
    followRedirect: false,
    throwHttpErrors: false,
    retry: { limit: 0 },
    signal: bound.signal,
    // A connection a request: one that was kept may have been closed at the other end, which would look like a fault.
    agent: { http: new http.Agent({ keepAlive: false }), https: new https.Agent({ keepAlive: false }) },
    ...(own &&
      settings.ca !== undefined && { https: { certificateAuthority: [...tls.rootCertificates, settings.ca] } }),
  }) as Request
  // A stream of any other method waits for a body, and these have none to wait for.
  if (!['GET', 'HEAD'].includes(method) && asked.json === undefined && !asked.form) stream.end()
  stream.on('socket', (socket) => {
    // How far a request came is known by the last of these.
    const reach = (next: Phase) => () => {
      phase = next
    }
    socket.once('lookup', reach('connect')).once('connect', reach(url.protocol === 'https:' ? 'tls' : 'response'))
    socket.once('secureConnect', reach('response'))
  })
  // Nobody asked for another protocol: without a listener the request would never end.
  stream.on('upgrade', () => stream.destroy(Object.assign(new Error('upgraded'), { code: 'HPE_UPGRADE' })))
  let response: { statusCode: number; headers: IncomingHttpHeaders } | undefined
  stream.on('response', (arrived) => {
    phase = 'body'
    response = arrived
  })

  try {
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of stream) {
      bytes += chunk.length
      if (bytes > settings.maxBodyBytes)
        return unanswered('too-large', '', `answers with more than ${settings.maxBodyBytes} bytes`)
      chunks.push(chunk)
    }
    if (!response) return unanswered('closed', '', 'closed the connection without an answer')
    return answered(response, Buffer.concat(chunks).toString('utf8'), { ...shown, ms: elapsed(began) }, url)
  } catch (error) {
    if (limits.signal.aborted) throw stopOf(limits.signal)
    const { outcome, code, text } = triage(error as NodeJS.ErrnoException, phase, bound.signal.aborted, timeout)
    return unanswered(outcome, code, text)
  } finally {
    bound.clear()
    stream.destroy()
  }
}

/** What it takes to ask, loaded by the first who does: a look at a database alone need not wait for it. */
async function loadClient() {
  const [{ got }, http, https, tls] = await Promise.all([
    import('got'),
    import('node:http'),
    import('node:https'),
    import('node:tls'),
  ])
  return { got, http, https, tls }
}

function answered(
  { statusCode, headers }: { statusCode: number; headers: IncomingHttpHeaders },
  body: string,
  shown: { method: string; url: string; ms: number },
  url: URL,
): Answered {
  const date = Date.parse(headers.date ?? '')
  return {
    outcome: 'answered',
    ...shown,
    status: statusCode,
    location: destination(headers.location, url),
    misdirected: isRedirect(statusCode) ? misdirection(headers, url) : null,
    type: (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '',
    server: bounded(headers.server),
    allow: bounded(headers.allow),
    body,
    skew: Number.isNaN(date) ? null : date - Date.now(),
    at: Date.now(),
    retryAfter: secondsOf(headers['retry-after']),
    cookies: Object.fromEntries((headers['set-cookie'] ?? []).map(cookieOf)),
  }
}

/** Retry-After, as seconds or as a date (RFC 9110, section 10.2.3), in whole seconds from now. */
function secondsOf(header: string | undefined): number | null {
  if (header === undefined) return null
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : (Date.parse(header) - Date.now()) / 1000
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : null
}

/** As much of a header as is told of, in characters. */
const longestHeader = 60

function bounded(header: string | string[] | undefined): string | null {
  return header === undefined ? null : `${header}`.slice(0, longestHeader)
}

/** Name and value of a Set-Cookie header (RFC 6265, section 5.2). */
function cookieOf(header: string): [string, string] {
  const pair = header.split(';')[0] ?? ''
  const at = pair.indexOf('=')
  return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
}

/** Whether a server says that it was asked too often (RFC 6585, section 4): that is no answer to what was asked. */
export function isThrottled(answer: HttpAnswer): boolean {
  return answer.outcome === 'answered' && answer.status === 429
}

/** Why nothing was learnt from a server that was asked too often, and when it wants to be asked again. */
export function throttled(answer: HttpAnswer): string {
  return `the server says that it was asked too often (429${whenAgain(answer)})`
}

/** When a server wants to be asked again, where it says so: `, try again in 60 s`. */
export function whenAgain(answer: HttpAnswer): string {
  const seconds = answer.outcome === 'answered' ? answer.retryAfter : null
  return seconds === null ? '' : `, try again in ${seconds} s`
}

/** What came of a request, in a sentence. */
export function told(answer: HttpAnswer): string {
  const { method, url } = answer
  const subject = method === 'GET' ? url : `${method} ${url}`
  return answer.outcome === 'answered' ? `${subject} answers with ${answer.status}` : `${subject} ${answer.text}`
}

/** A path is appended to the server's URL, so that a prefix there stays. */
function urlOf(path: string, base: string | null): URL {
  if (base === null && path.startsWith('/')) throw new Error('the config names no API server: let the check need "api"')
  return new URL(path.startsWith('/') ? `${(base ?? '').replace(/\/+$/, '')}${path}` : path)
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status)
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-15.4; a server that sets a cookie may well mean the same address again. */
function misdirection({ location, 'set-cookie': cookies }: IncomingHttpHeaders, from: URL): Answered['misdirected'] {
  if (location === undefined || !URL.canParse(location, from.href)) return 'nowhere'
  const to = new URL(location, from)
  if (!/^https?:$/.test(to.protocol)) return 'to no web address'
  return to.href === from.href && cookies === undefined ? 'to itself' : null
}

function destination(location: string | undefined, from: URL): string | null {
  if (location === undefined || !URL.canParse(location, from.href)) return null
  return withoutQuery(new URL(location, from))
}

function withoutQuery({ origin, pathname }: URL): string {
  return `${origin}${pathname}`
}

function elapsed(began: number): number {
  return Math.round((performance.now() - began) * 10) / 10
}
