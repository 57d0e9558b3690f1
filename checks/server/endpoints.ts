import {
  defineCheck,
  erroring,
  type HttpAnswer,
  type Illness,
  illnessIn,
  isThrottled,
  jsonOf,
  throttled,
  told,
  typed,
  unanswered,
  whenAgain,
} from 'dbdoctor'

interface Evidence {
  readonly url: string
  readonly status: number
}

interface Stranger extends Evidence {
  readonly endpoints: number
  /** What it answers to a login without credentials; null where none is configured. */
  readonly login: number | null
  readonly server: string | null
}

export default defineCheck({
  id: 'server/endpoints',
  title: 'Each endpoint answers as expected',
  severity: 'error',
  after: ['server/reachable'],
  needs: ['api', 'endpoints', 'login?'],
  docs: {
    why: 'A server that listens may still fail every request: a broken deploy, a missing variable, a database that it cannot reach.',
    fix: 'Look at the log of the server for the request that is named; where the expectation is wrong, correct api.endpoints.',
  },
  capability: 'API endpoints',
  messages: {
    unanswered,
    erroring,
    throttled: {
      severity: 'info',
      say: ({ url, again }: { url: string; again: string }) =>
        `the server limits requests (429${again}): ${url} was not examined`,
    },
    'database-down': {
      say: ({ url, status, pointer, value }: Evidence & Illness) =>
        `${url} answers with ${status} and says ${value} at ${pointer}: its database is not well`,
      next: ({ url }: Evidence) => [`curl -s ${typed(url)}`],
    },
    unwell: {
      say: ({ url, status, pointer, value }: Evidence & Illness) =>
        `${url} answers with ${status} and says ${value} at ${pointer}: the server is not well by its own account`,
      next: ({ url }: Evidence) => [`curl -s ${typed(url)}`],
    },
    'unknown-to-server': {
      say: ({ url, status, endpoints, login, server }: Stranger) =>
        `${url} answers ${status} to ${endpoints === 1 ? 'its endpoint' : `all ${endpoints} endpoints`}${login === null ? '' : ` and ${login} to the login`}, none of it in JSON${server === null ? '' : ` (Server: ${server})`}: another program may be on that port, or api.url lacks a path`,
      next: ({ url }: Stranger) => [`ss -ltnp 'sport = :${new URL(url).port || '80'}'`],
    },
    misdirected: ({ url, status, way }: Evidence & { way: string }) =>
      `${url} answers with ${status} and redirects ${way}`,
    'too-large': {
      severity: 'info',
      say: ({ text }: { url: string; text: string }) => `${text}, which is all that is read of it`,
    },
    'status-differs': ({ url, status, expected }: Evidence & { expected: readonly number[] }) =>
      `${url} answers with ${status}, ${expected.length > 0 ? expected.join(' or ') : '200 to 399'} expected`,
    'type-differs': ({ url, type, expected }: { url: string; type: string; expected: string }) =>
      `${url} answers with ${type || 'no content type'}, ${expected} expected`,
    'not-json': ({ url }: { url: string }) => `${url} says that it answers in JSON, and does not`,
  },
  async run({ http, user, given: { endpoints, login }, report, coverage }) {
    const seen = coverage('endpoint')
    const answers = await Promise.all(
      endpoints.map((endpoint) => http.request({ method: endpoint.method, path: endpoint.path })),
    )
    const [first] = answers
    const isForeign = (answer: HttpAnswer, at: number) =>
      isStrange(answer) && !isAccepted(answer, endpoints[at]?.status)
    if (first?.outcome === 'answered' && answers.every(isForeign)) {
      // A login that is shown no credentials still knows that it is one.
      const asked = login && (await http.request({ method: login.method, path: login.path, json: {} }))
      const tried = asked && knowsNoLogin(asked) ? asked.status : null
      const alone = !login && answers.length > 1 && answers.every(isUnknown)
      if (tried !== null || alone) {
        seen.examined(answers.length)
        const url = new URL(first.url).origin
        user.withhold('by server/endpoints: another program may be there')
        const { status, server } = first
        return report('unknown-to-server', { url, status, endpoints: answers.length, login: tried, server })
      }
    }
    for (const [at, answer] of answers.entries()) {
      const { status: accepted = [], type: wanted } = endpoints[at] ?? {}
      const { url } = answer
      if (isThrottled(answer) && !accepted.includes(429)) {
        report('throttled', { url, again: whenAgain(answer) })
        seen.missing(url, 'unavailable', throttled(answer))
        continue
      }
      seen.examined()
      if (answer.outcome === 'too-large') {
        report('too-large', { url, text: told(answer) })
        continue
      }
      if (answer.outcome !== 'answered') {
        report('unanswered', { url, text: told(answer), code: answer.code })
        continue
      }
      const { status, type } = answer
      const illness = illnessIn(jsonOf(answer.body))
      const fits = accepted.length > 0 ? accepted.includes(status) : status >= 200 && status < 400
      if (illness?.of === 'database') report('database-down', { url, status, ...illness })
      else if (illness) report('unwell', { url, status, ...illness })
      else if (fits && accepted.length === 0 && answer.misdirected)
        report('misdirected', { url, status, way: answer.misdirected })
      else if (!fits && status >= 500) report('erroring', { url, status, again: whenAgain(answer) })
      else if (!fits) report('status-differs', { url, status, expected: accepted })
      else if (wanted && !kinds[wanted].test(type)) report('type-differs', { url, type, expected: wanted })
      else if (wanted === 'json' && jsonOf(answer.body) === undefined) report('not-json', { url })
    }
  },
})

/** An answer that no API gives to a path of its own: a refusal of the client that is no document. */
function isStrange(answer: HttpAnswer): boolean {
  if (answer.outcome !== 'answered') return false
  const { status, type } = answer
  return ((status >= 400 && status < 500) || status === 501) && status !== 429 && !kinds.json.test(type)
}

/** Whether what is at the path of the login has never heard of it: one that misses the credentials would say 400, 401 or 422. */
function knowsNoLogin(answer: HttpAnswer): answer is Extract<HttpAnswer, { outcome: 'answered' }> {
  return answer.outcome === 'answered' && isStrange(answer) && ![400, 401, 422].includes(answer.status)
}

function isAccepted(answer: HttpAnswer, accepted: readonly number[] = []): boolean {
  return answer.outcome === 'answered' && accepted.includes(answer.status)
}

/** An answer of a program that has never heard of the path: its own page, and no document of an API. */
function isUnknown(answer: HttpAnswer): boolean {
  return answer.outcome === 'answered' && answer.status === 404 && !kinds.json.test(answer.type)
}

const kinds = { json: /[/+]json$/, html: /^text\/html$|xhtml/, text: /^text\// }
