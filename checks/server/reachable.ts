import { defineCheck, erroring, type Http, milliseconds, z } from 'dbdoctor'

interface Evidence {
  readonly url: string
  readonly text: string
  readonly code: string
}

export default defineCheck({
  id: 'server/reachable',
  title: 'The API server answers',
  severity: 'error',
  after: [],
  needs: ['api'],
  docs: {
    why: 'Half of the reports of a crashed database are about a server process that is not running, or that hangs.',
    fix: 'Start the server, or correct api.url; where it hangs, look at what it waits for before you restart it.',
  },
  options: z.strictObject({
    path: z.string().startsWith('/').optional().describe('what to ask for; the first endpoint of the config, else /'),
  }),
  messages: {
    refused: {
      say: ({ url, start, other }: Evidence & { start?: string | undefined; other?: string | null }) =>
        `nothing listens at ${url}${other ? `, and something does at ${other}: the server has the other loopback address` : ''}${start === undefined ? '' : ` (start it with: ${start})`}`,
      repair: () => [{ kind: 'service', service: 'api-server' }],
    },
    unresolved: ({ url }: Evidence) => `the host name of ${url} does not resolve`,
    silent: ({ url, text }: Evidence) => `${url} ${text}`,
    broken: ({ url, text }: Evidence) => `${url} ${text}`,
    tls: ({ url, text }: Evidence) => `${url} ${text}`,
    'not-http': ({ url, text }: Evidence) => `${url} ${text}: another service may be on that port`,
    gateway: ({ url, status }: { url: string; status: number }) =>
      `${url} answers with ${status}: a proxy is there, and the server behind it is not`,
    erroring,
  },
  async run({ http, given: { api }, options, report, measure, saw }) {
    const answer = await http.get(options.path ?? api.endpoints[0]?.path ?? '/')
    const { url } = answer
    if (answer.outcome !== 'answered') {
      const { text, code } = answer
      const place = { url: new URL(url).origin, text, code }
      switch (answer.outcome) {
        case 'refused':
          return report('refused', { ...place, start: api.start?.join(' '), ...(await otherLoopback(http, url)) })
        case 'unresolved':
          return report('unresolved', place)
        case 'timeout':
          return report('silent', { url, text, code })
        case 'tls':
          return report('tls', place)
        case 'not-http':
          return report('not-http', place)
        case 'too-large':
          return saw('listens')
        default:
          return report('broken', { url, text, code })
      }
    }
    measure({ name: 'first answer', value: answer.ms, unit: 'ms', n: 1 })
    if (answer.status === 502 || answer.status === 504) return report('gateway', { url, status: answer.status })
    // Where endpoints are expected to answer, they speak for themselves.
    if (answer.status >= 500 && answer.status !== 501 && api.endpoints.length === 0) {
      return report('erroring', { url, status: answer.status })
    }
    saw(`${answer.status} in ${milliseconds(answer.ms)}`)
  },
})

/** The same port at the other loopback address, where somebody answers there: a server that listens on ::1 alone, or on 127.0.0.1 alone. */
async function otherLoopback(http: Http, address: string): Promise<{ other?: string }> {
  const url = new URL(address)
  const others: Readonly<Record<string, string>> = { '127.0.0.1': '[::1]', '[::1]': '127.0.0.1' }
  const other = others[url.hostname]
  if (other === undefined) return {}
  url.hostname = other
  const answer = await http.get(`${url.origin}/`)
  return answer.outcome === 'answered' ? { other: url.origin } : {}
}
