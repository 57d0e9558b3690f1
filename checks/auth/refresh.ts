import { defineCheck, erroring, isThrottled, jsonOf, keysOf, throttled, told, unanswered } from 'dbdoctor'

interface Evidence {
  readonly url: string
  readonly status: number
}

export default defineCheck({
  id: 'auth/refresh',
  title: 'A refresh token gives new tokens, as promised',
  severity: 'error',
  after: ['auth/login', { id: 'auth/protected', blocks: false }, { id: 'server/latency', blocks: false }],
  needs: ['api', 'session', 'refresh', 'refusals', 'protected?'],
  docs: {
    why: 'When refreshing fails, everybody is signed out as soon as the first token ends, and it looks like an outage.',
    fix: 'Look at how refresh tokens are stored and compared; where rotation is promised, a used one must be dead.',
  },
  capability: 'Token refresh',
  messages: {
    unanswered,
    erroring,
    refused: ({ url, status }: Evidence) => `${url} refuses the refresh token that the login just gave, with ${status}`,
    'no-token': ({ url, status, keys }: Evidence & { keys: readonly string[] }) =>
      `${url} answers with ${status} and no access token: its JSON has ${keys.length > 0 ? keys.join(', ') : 'no keys'}`,
    'new-token-refused': ({ url, status }: Evidence) =>
      `${url} refuses the access token that the refresh gave, with ${status}`,
    'not-rotated': ({ url }: { url: string }) => `${url} gives the same refresh token again, and a new one is promised`,
    rotated: ({ url }: { url: string }) => `${url} gives a new refresh token, and the same one is promised`,
    'reuse-accepted': ({ url, status }: Evidence) =>
      `${url} takes a refresh token that was used before, with ${status}`,
    'reuse-refused': ({ url, status }: Evidence) =>
      `${url} refuses a refresh token that was used before with ${status}, and reuse is promised`,
  },
  async run({ http, user, given, report, saw, skip }) {
    const { refresh: promise, protected: route, refusals } = given
    await user.signIn()
    const before = user.tokens()?.refresh
    if (!before) return skip('not-applicable', 'the login gives no refresh token')
    const { answer, tokens } = await user.refresh(before)
    if (isThrottled(answer)) return skip('unavailable', throttled(answer))
    const { url } = answer
    if (answer.outcome !== 'answered') return report('unanswered', { url, text: told(answer), code: answer.code })
    const { status } = answer
    if (status >= 500) return report('erroring', { url, status })
    if (refusals.includes(status)) return report('refused', { url, status })
    if (!tokens || status >= 400) return report('no-token', { url, status, keys: keysOf(jsonOf(answer.body)) })

    if (route) {
      const tried = await http.get(route.path, { credentials: user.credentials(tokens.access) })
      if (tried.outcome === 'answered' && tried.status >= 400)
        report('new-token-refused', { url: tried.url, status: tried.status })
    }
    const rotated = tokens.refresh !== null && tokens.refresh.value !== before.value
    if (promise.rotates === true && !rotated) report('not-rotated', { url })
    if (promise.rotates === false && rotated) report('rotated', { url })
    saw(rotated ? 'rotated' : 'not rotated')

    if (promise.reuse === undefined || !rotated) return
    const { answer: again, tokens: more } = await user.refresh(before)
    if (isThrottled(again)) return skip('unavailable', throttled(again))
    if (again.outcome !== 'answered') return report('unanswered', { url, text: told(again), code: again.code })
    const reuse = { url, status: again.status }
    if (promise.reuse === 'refused' && more && again.status < 400) report('reuse-accepted', reuse)
    else if (promise.reuse === 'accepted' && again.status >= 400) report('reuse-refused', reuse)
    else if (again.status >= 500) report('erroring', reuse)
  },
})
