import { type Answered, defineCheck, type Given, type HttpAnswer, milliseconds, told } from 'dbdoctor'

type Service = Given['external'][number]

interface Evidence {
  readonly name: string
  readonly url: string
  readonly text: string
  readonly note?: string | undefined
}

const noted = (note: string | undefined) => (note === undefined ? '' : ` (${note})`)

export default defineCheck({
  id: 'external/services',
  title: 'External services behave as the config expects',
  severity: 'warning',
  after: ['server/reachable', { id: 'auth/login', blocks: false }],
  needs: ['api', 'external', 'session?'],
  docs: {
    why: 'A sign-in page of somebody else, or a service that is not set up here, looks like an outage to whoever does not expect it.',
    fix: 'Set up the service, or correct what the config expects of it.',
  },
  messages: {
    'as-expected': {
      severity: 'info',
      say: ({ name, text, note }: Evidence) => `${name} ${text}, as expected${noted(note)}`,
    },
    'unexpectedly-fine': {
      severity: 'info',
      say: ({ name, text, expected }: Evidence & { expected: string }) =>
        `${name} ${text}, better than expected (${expected}): the expectation can be raised`,
    },
    unexpected: ({ name, text, expected, note }: Evidence & { expected: string }) =>
      `${name} ${text}, ${expected} expected${noted(note)}`,
  },
  async run({ http, user, given: { external, session }, report, coverage, expected }) {
    const seen = coverage('service')
    const tokens = session && external.some(({ signedIn }) => signedIn) ? (await user.signIn()).tokens : null
    const answers = await Promise.all(
      external.map((service) =>
        http.request({
          method: service.method,
          path: service.path ?? service.url ?? '/',
          timeout: service.timeout,
          ...(service.body && { json: service.body }),
          ...(service.signedIn && tokens && { credentials: user.credentials(tokens.access) }),
        }),
      ),
    )
    let asExpected = 0
    for (const [at, answer] of answers.entries()) {
      const service = external[at]
      if (!service) continue
      const { name, note } = service
      const evidence = { name, url: answer.url, text: seenAs(answer), note }
      seen.examined()
      if (behaves(answer, service)) {
        asExpected++
        report('as-expected', evidence)
      } else if (answer.outcome === 'answered' && answer.status < 300)
        report('unexpectedly-fine', { ...evidence, expected: expectationOf(service) })
      else report('unexpected', { ...evidence, expected: expectationOf(service) })
    }
    if (asExpected > 0) expected()
  },
})

function behaves(answer: HttpAnswer, service: Service): boolean {
  switch (service.expect) {
    case 'redirect':
      return answer.outcome === 'answered' && leadsTo(answer, service.to)
    case 'timeout':
      return answer.outcome === 'timeout' || (answer.outcome === 'answered' && answer.status === 504)
    case 'unauthorized':
      return answer.outcome === 'answered' && [401, 403].includes(answer.status)
    case 'status':
      return answer.outcome === 'answered' && service.status.includes(answer.status)
  }
}

/** A host, or one below it: `login.example.com` is at `example.com`. */
function leadsTo({ status, location }: Answered, host: string | undefined): boolean {
  if (status < 300 || status >= 400 || location === null) return false
  const { hostname } = new URL(location)
  return host === undefined || hostname === host || hostname.endsWith(`.${host}`)
}

function seenAs(answer: HttpAnswer): string {
  if (answer.outcome !== 'answered')
    return answer.outcome === 'timeout' ? `times out after ${milliseconds(answer.ms)}` : told(answer)
  if (answer.location !== null) return `redirects to ${new URL(answer.location).host}`
  return `answers with ${answer.status}`
}

function expectationOf(service: Service): string {
  switch (service.expect) {
    case 'redirect':
      return `a redirect${service.to === undefined ? '' : ` to ${service.to}`}`
    case 'timeout':
      return 'a time-out'
    case 'unauthorized':
      return '401 or 403'
    case 'status':
      return service.status.join(' or ')
  }
}
