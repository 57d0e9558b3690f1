import {
  defineCheck,
  erroring,
  forge,
  type HttpAnswer,
  identityFault,
  isNobody,
  isThrottled,
  isWithheld,
  reasonIn,
  throttled,
  told,
  unanswered,
  undecided,
} from 'dbdoctor'

interface Evidence {
  readonly url: string
  readonly status: number
}

interface Refusal extends Evidence {
  /** The server's own word for it. */
  readonly reason: string | null
}

const because = (reason: string | null) => (reason === null ? '' : ` ("${reason}")`)

export default defineCheck({
  id: 'auth/protected',
  title: 'A protected route takes the token, and no forgery',
  severity: 'error',
  after: ['auth/login'],
  needs: ['api', 'session', 'protected', 'refusals', 'jwt?'],
  docs: {
    why: 'A server that takes any token, or none, shows everybody’s data to everybody; one that refuses its own tokens lets nobody work.',
    fix: 'Verify signature, algorithm and expiry before anything is read from a token; allow the one algorithm that you sign with.',
  },
  capability: 'Protected routes',
  messages: {
    unanswered,
    erroring,
    'token-refused': ({ url, status, reason, verified }: Refusal & { verified: boolean }) =>
      `${url} refuses the server's own token with ${status}${because(reason)}${verified ? ', and it verifies with the configured key' : ''}`,
    forbidden: {
      say: ({ url, status, reason, forged }: Refusal & { forged: number }) =>
        `${url} refuses the probe user with ${status}${because(reason)}: it tells the server's own token from a forged one, which gets ${forged}`,
      next: () => [
        'Give the probe user the right to that route, or name one in auth.protected that every user may see.',
      ],
    },
    'verified-otherwise': ({ url, status, reason }: Refusal) =>
      `${url} refuses the server's own token with ${status}${because(reason)}, and it verifies with the configured key: the route verifies with another key, issuer or audience`,
    'status-differs': undecided,
    'not-json': ({ url, type }: { url: string; type: string }) =>
      `${url} answers with ${type || 'something'} instead of JSON`,
    nobody: ({ url, status }: Evidence) =>
      `${url} answers the server's own token with ${status}, and knows nobody by it: its answer is empty`,
    'other-identity': ({ url, pointer, found }: { url: string; pointer: string; found: boolean }) =>
      `${url} answers with ${found ? "somebody else's data" : 'no such field'} at ${pointer}`,
    'refresh-token-accepted': {
      severity: 'warning',
      say: ({ url, status }: Evidence) =>
        `${url} takes the refresh token for an access token, with ${status}: who steals it need not exchange it, and it lives for longer`,
      next: () => [
        'Give each kind of token an audience or a type of its own (RFC 9068, "typ": "at+jwt"), and check it.',
      ],
    },
    open: ({ url, status, what }: Evidence & { what: string }) => `${url} accepts ${what}, with ${status}`,
  },
  async run({ http, user, keys: load, given, report, coverage, skip }) {
    const { protected: route, refusals } = given
    const tokens = (await user.signIn()).tokens
    if (!tokens) return skip('blocked', 'by auth/login: there is no token to show')
    const { access } = tokens
    const seen = coverage('attempt')
    const ask = (token: string | null): Promise<HttpAnswer> =>
      http.get(route.path, token === null ? {} : { credentials: user.credentials({ ...access, value: token }) })

    const answer = await ask(access.value)
    const { url } = answer
    if (isThrottled(answer)) return skip('unavailable', throttled(answer))
    seen.examined()
    if (answer.outcome !== 'answered') return report('unanswered', { url, text: told(answer), code: answer.code })
    const { status } = answer
    if (status >= 500) return report('erroring', { url, status, what: "the server's own token" })
    if (refusals.includes(status)) {
      const keys = await load()
      const verified = keys?.outcome === 'loaded' && (await keys.keys.verify(access.value)).outcome === 'valid'
      const refusal = { url, status, reason: reasonIn(answer) }
      // RFC 9110, section 15.5.4: it may have understood who asks. It did, where it does not say so to a forgery.
      if (status !== 403) return report(verified ? 'verified-otherwise' : 'token-refused', { ...refusal, verified })
      const [forgery] = await forge(access.value, null)
      const tried = forgery && (await ask(forgery.token))
      if (tried?.outcome === 'answered' && tried.status === 401)
        report('forbidden', { ...refusal, forged: tried.status })
      else report('token-refused', { ...refusal, verified })
      return
    }
    if (status >= 300) return report('status-differs', { url, status, what: "the server's own token" })
    const { identity } = route
    if (!identity && isNobody(answer)) return report('nobody', { url, status })
    const fault = identity && identityFault(answer, identity)
    if (fault === 'not-json') report('not-json', { url, type: answer.type })
    else if (fault && identity) report('other-identity', { url, pointer: identity.pointer, found: fault === 'other' })

    const loading = await load()
    const forgeries = await forge(access.value, loading?.outcome === 'loaded' ? loading.keys : null)
    const attempts: { what: string; token: string | null; genuine?: true }[] = [
      { what: 'a request without a token', token: null },
      ...forgeries.map(({ what, token }) => ({ what: `a token ${what}`, token })),
      ...(tokens.refresh && tokens.refresh.value !== access.value
        ? [{ what: 'the refresh token', token: tokens.refresh.value, genuine: true as const }]
        : []),
    ]
    let open = false
    for (const { what, token, genuine } of attempts) {
      // Where anything is let in, this one says nothing more.
      if (genuine && open) continue
      const tried = await ask(token)
      if (isThrottled(tried)) {
        seen.missing(what, 'unavailable', throttled(tried))
        continue
      }
      seen.examined()
      if (tried.outcome !== 'answered')
        report('unanswered', { url, text: `for ${what}, ${told(tried)}`, code: tried.code })
      else if (tried.status < 300) {
        if (isWithheld(tried, answer, identity)) continue
        open = true
        if (genuine) report('refresh-token-accepted', { url, status: tried.status })
        else report('open', { url, status: tried.status, what })
      } else if (tried.status >= 500) report('erroring', { url, status: tried.status, what })
      // A redirect leads to a login page.
      else if (tried.status >= 400 && !refusals.includes(tried.status))
        report('status-differs', { url, status: tried.status, what })
    }
  },
})
