import { defineCheck, duration, type HttpAnswer, milliseconds, type Summary, summarize, z } from 'dbdoctor'

interface Evidence {
  readonly name: string
  readonly ms: number
  readonly budget: number
  readonly n: number
}

export default defineCheck({
  id: 'server/latency',
  title: 'Answers come within budget',
  severity: 'warning',
  after: [
    'server/reachable',
    { id: 'server/endpoints', blocks: false },
    { id: 'auth/login', blocks: false },
    { id: 'auth/protected', blocks: false },
    // What a hash costs would be seen in the latencies.
    { id: 'auth/probe-user', blocks: false },
  ],
  needs: ['api', 'endpoints?', 'protected?'],
  docs: {
    why: 'A slow server is reported as a crash too, and time-outs of callers make it one. Slow is not down, and this says which it is.',
    fix: 'Look at what the slow requests have in common: a query without an index, a service that is waited for, a machine that is full.',
  },
  options: z.strictObject({
    basic: duration.prefault('200ms').describe('budget of the endpoints, on average'),
    auth: duration.prefault('300ms').describe('budget of signing in'),
    protected: duration.prefault('200ms').describe('budget of the protected route, on average'),
    p95: duration.optional().describe('budget of the 95th percentile of each'),
  }),
  messages: {
    slow: ({ name, ms, budget, n }: Evidence) =>
      `${name}: ${milliseconds(ms)} ${n === 1 ? '(one sample)' : `on average (n = ${n})`}, the budget is ${milliseconds(budget)}`,
    'slow-tail': ({ name, ms, budget, n }: Evidence) =>
      `${name}: 95 % answer within ${milliseconds(ms)} (n = ${n}), the budget is ${milliseconds(budget)}`,
  },
  async run({ http, user, given, depth, samples, options, report, measure, skip }) {
    const rounds = depth === 'quick' ? 1 : Math.max(1, samples)
    const judge = (name: string, { n, mean, p50, p95 }: Summary, budget: number) => {
      measure({ name: n === 1 ? name : `${name} mean`, value: mean, unit: 'ms', budget, n })
      if (mean > budget) report('slow', { name, ms: mean, budget, n })
      if (n === 1) return
      measure({ name: `${name} p50`, value: p50, unit: 'ms', n })
      measure({ name: `${name} p95`, value: p95, unit: 'ms', n })
      if (options.p95 !== undefined && p95 > options.p95) report('slow-tail', { name, ms: p95, budget: options.p95, n })
    }
    let tooLarge = false
    /** Times requests one after another; the first one warms what later ones find warm, and is dropped. */
    const time = async (ask: () => Promise<HttpAnswer>): Promise<number[] | null> => {
      const times: number[] = []
      for (let round = 0; round <= rounds; round++) {
        const answer = await ask()
        tooLarge ||= answer.outcome === 'too-large'
        if (answer.outcome !== 'answered' || answer.status >= 500) return null
        if (round > 0) times.push(answer.ms)
      }
      return times
    }

    const basic: number[] = []
    const endpoints = given.endpoints ?? [{ path: '/', method: 'GET' as const, budget: undefined }]
    // What changes something is not asked for again and again.
    for (const endpoint of endpoints.filter(({ method }) => method === 'GET' || method === 'HEAD')) {
      const times = await time(() => http.request({ method: endpoint.method, path: endpoint.path }))
      if (!times) continue
      basic.push(...times)
      if (endpoint.budget !== undefined) judge(endpoint.path, summarize(times), endpoint.budget)
    }
    if (basic.length > 0) judge('basic', summarize(basic), options.basic)

    const logins: number[] = []
    // Signing in is what others are for: it is timed where it was done.
    let right = (await user.signedIn())?.right ?? null
    while (right?.outcome === 'answered' && right.status < 400) {
      logins.push(right.ms)
      right = (await user.signInAgain())?.right ?? null
    }
    if (logins.length > 0) judge('auth', summarize(logins), options.auth)

    const tokens = user.tokens()
    const { protected: route } = given
    const guarded =
      tokens && route && (await time(() => http.get(route.path, { credentials: user.credentials(tokens.access) })))
    if (guarded) judge('protected', summarize(guarded), options.protected)
    if (basic.length > 0 || logins.length > 0) return
    if (tooLarge) skip('not-applicable', 'what is answered is too large to be timed')
    else
      skip(
        'blocked',
        `by server/${given.endpoints ? 'endpoints' : 'reachable'}: no request was answered without an error`,
      )
  },
})
