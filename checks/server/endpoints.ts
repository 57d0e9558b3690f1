import { defineCheck, get, type HttpAnswer, jsonOf, keysOf, told, typed } from 'dbdoctor'

interface Evidence {
  readonly url: string
  readonly status: number
}

export default defineCheck({
  id: 'server/endpoints',
  title: 'Each endpoint answers as expected',
  severity: 'error',
  after: ['server/reachable'],
  needs: ['api', 'endpoints'],
  docs: {
    why: 'A server that listens may still fail every request: a broken deploy, a missing variable, a database that it cannot reach.',
    fix: 'Look at the log of the server for the request that is named; where the expectation is wrong, correct api.endpoints.',
  },
  messages: {
    unanswered: ({ text }: { url: string; text: string; code: string }) => text,
    erroring: ({ url, status }: Evidence) => `${url} answers with ${status}: the server fails on its own side`,
    'database-down': {
      say: ({ url, status, pointer }: Evidence & { pointer: string }) =>
        `${url} answers with ${status} and says at ${pointer} that its database is not well`,
      next: ({ url }: Evidence) => [`curl -s ${typed(url)}`],
    },
    'unknown-to-server': ({ url, endpoints }: { url: string; status: number; endpoints: number }) =>
      `${url} answers 404 to all ${endpoints} endpoints, none of it in JSON: another program may be on that port, or api.url lacks a path`,
    'status-differs': ({ url, status, expected }: Evidence & { expected: readonly number[] }) =>
      `${url} answers with ${status}, ${expected.length > 0 ? expected.join(' or ') : '200 to 399'} expected`,
    'type-differs': ({ url, type, expected }: { url: string; type: string; expected: string }) =>
      `${url} answers with ${type || 'no content type'}, ${expected} expected`,
    'not-json': ({ url }: { url: string }) => `${url} says that it answers in JSON, and does not`,
  },
  async run({ http, given: { endpoints }, report, coverage }) {
    const seen = coverage('endpoint')
    const answers = await Promise.all(
      endpoints.map((endpoint) => http.request({ method: endpoint.method, path: endpoint.path })),
    )
    const [first] = answers
    const isForeign = (answer: HttpAnswer, at: number) => isUnknown(answer) && !endpoints[at]?.status?.includes(404)
    if (first && answers.length > 1 && answers.every(isForeign)) {
      seen.examined(answers.length)
      const url = new URL(first.url).origin
      return report('unknown-to-server', { url, status: 404, endpoints: answers.length })
    }
    for (const [at, answer] of answers.entries()) {
      const { status: accepted = [], type: wanted } = endpoints[at] ?? {}
      const { url } = answer
      seen.examined()
      if (answer.outcome !== 'answered') {
        report('unanswered', { url, text: told(answer), code: answer.code })
        continue
      }
      const { status, type } = answer
      const pointer = illDatabase(jsonOf(answer.body))
      const fits = accepted.length > 0 ? accepted.includes(status) : status >= 200 && status < 400
      if (pointer !== null) report('database-down', { url, status, pointer })
      else if (!fits && status >= 500) report('erroring', { url, status })
      else if (!fits) report('status-differs', { url, status, expected: accepted })
      else if (wanted && !kinds[wanted].test(type)) report('type-differs', { url, type, expected: wanted })
      else if (wanted === 'json' && jsonOf(answer.body) === undefined) report('not-json', { url })
    }
  },
})

/** An answer of a program that has never heard of the path: its own page, and no document of an API. */
function isUnknown(answer: HttpAnswer): boolean {
  return answer.outcome === 'answered' && answer.status === 404 && !kinds.json.test(answer.type)
}

const kinds = { json: /[/+]json$/, html: /^text\/html$|xhtml/, text: /^text\// }

const aboutDatabase =
  /\/(db|database|datasource|postgres(ql)?|pg|sqlite|sql|prisma|typeorm|sequelize|knex|kysely)(\/|$)/i
const aboutState = /\/(status|state|health(y)?|ok|up|connected|alive)$/i
const ill =
  /^(down|ko|err(or)?|fail(ed|ing|ure)?|un(healthy|available|reachable)|disconnected|critical|offline|time(d )?-?out|not[ _-]?(ok|ready|connected))$/i

/** Where a health document says that the database behind the server is not well: a pointer to `"db": "down"`, `{ "database": { "ok": false } }`. */
function illDatabase(document: unknown): string | null {
  const told = keysOf(document, '', 4).filter((pointer) => aboutDatabase.test(pointer))
  const states = told.filter(
    (pointer) => aboutState.test(pointer) || aboutDatabase.test(pointer.slice(pointer.lastIndexOf('/'))),
  )
  return states.find((pointer) => isIll(get(document, pointer))) ?? null
}

function isIll(value: unknown): boolean {
  return value === false || (typeof value === 'string' && ill.test(value.trim()))
}
