import { defineCheck } from '../contracts/check.js'
import type { Answered, Http } from '../probes/http.js'
import { jsonOf } from '../probes/sign-in.js'
import { type Operation, operationsOf } from './openapi.js'
import type { SeenApi, SeenLogin } from './seen.js'

/** Where servers describe themselves, most usual first. */
const documents = [
  '/openapi.json',
  '/swagger.json',
  '/v3/api-docs',
  '/api-docs',
  '/api/openapi.json',
  '/docs/openapi.json',
  '/api/v1/openapi.json',
  '/api-json',
  '/swagger/v1/swagger.json',
  '/v2/api-docs',
]

/** Where they tell how they are, where they do not say where. */
const usualHealth = ['/health', '/healthz', '/api/health', '/api/healthz', '/readyz', '/livez', '/actuator/health']

const healthWords = /^health(z|-?_?check)?$/i
/** Words that mean health at the root of an API alone: an order has a status too. */
const rootWords = /^(\/(api|v\d+))*\/(ready|readyz|readiness|live|livez|liveness|ping|status|up)$/i
const loginWords = /^(log-?_?in|sign-?_?in|authenticate|tokens?|sessions?|access-?_?token|jwt)$/i
const userWords = /mail|user|login|identi|account|phone/i
const passwordWords = /pass|pwd/i

/** More health routes than anybody has. */
const mostHealth = 6

/** Looks at the API server: asks for its description and for how it is, and nothing that changes anything. */
export function lookAtApi(onSeen: (seen: SeenApi) => void) {
  return defineCheck({
    id: 'server/first-look',
    title: 'What the API server says of itself',
    severity: 'error',
    after: ['server/reachable'],
    needs: ['api'],
    docs: { why: 'A first config expects what answers.', fix: 'Name the server that the application uses.' },
    messages: {},
    async run({ http, given: { api } }) {
      const described = await descriptionOf(http, api.url)
      const operations = described ? operationsOf(described.document, described.url, api.url) : []
      const documented = operations.filter(isHealth).map(({ path }) => path)
      onSeen({
        url: api.url,
        document: described && new URL(described.url).pathname,
        health: await healthOf(http, documented.length > 0 ? documented.slice(0, mostHealth) : usualHealth),
        login: loginOf(operations),
      })
    },
  })
}

/** The first OpenAPI document that is found, below the server's URL or at its origin. */
async function descriptionOf(http: Http, url: string): Promise<{ url: string; document: object } | null> {
  const { origin, pathname } = new URL(url)
  const above = pathname === '/' ? [] : documents.map((path) => `${origin}${path}`)
  const answers = await Promise.all([...documents, ...above].map((place) => http.get(place)))
  for (const answer of answers) {
    if (!isFine(answer)) continue
    const document = jsonOf(answer.body)
    const isOpenApi =
      typeof document === 'object' &&
      document !== null &&
      ('openapi' in document || 'swagger' in document) &&
      'paths' in document
    if (isOpenApi) return { url: answer.url, document }
  }
  return null
}

function isFine(answer: Awaited<ReturnType<Http['get']>>): answer is Answered {
  return answer.outcome === 'answered' && answer.status >= 200 && answer.status < 300
}

/**
 * Those that answer well, or say that they are not. A page is neither: a server that shows its application everywhere says nothing of
 * its health.
 */
async function healthOf(http: Http, paths: readonly string[]): Promise<SeenApi['health']> {
  const answers = await Promise.all(paths.map(async (path) => ({ path, answer: await http.get(path) })))
  return answers.flatMap(({ path, answer }) => {
    if (answer.outcome !== 'answered' || /html/.test(answer.type)) return []
    const { status, type, body } = answer
    const json = /[/+]json$/.test(type) && jsonOf(body) !== undefined
    return isFine(answer) || (status >= 500 && json) ? [{ path, status, json }] : []
  })
}

function isHealth({ method, path, open }: Operation): boolean {
  const named = rootWords.test(path) || path.split('/').some((segment) => healthWords.test(segment))
  return method === 'GET' && open && named
}

/** The shortest way in: `/login` before `/login/google`, which has a word more. */
function loginOf(operations: readonly Operation[]): SeenLogin | null {
  const [found] = operations
    .filter(({ method, path, fields }) => {
      const last = path.split('/').at(-1) ?? ''
      const takesPassword = fields.some((field) => passwordWords.test(field))
      return method === 'POST' && loginWords.test(last) && (takesPassword || fields.length === 0)
    })
    .sort((a, b) => Number(b.fields.length > 0) - Number(a.fields.length > 0) || a.path.length - b.path.length)
  if (!found) return null
  const field = (words: RegExp, usual: string) => found.fields.find((name) => words.test(name)) ?? usual
  return {
    path: found.path,
    form: found.form,
    user: field(userWords, 'email'),
    password: field(passwordWords, 'password'),
  }
}
