import { defineCheck, isThrottled, throttled, told } from 'dbdoctor'

interface Evidence {
  readonly url: string
  readonly status: number
}

export default defineCheck({
  id: 'auth/sessions',
  title: 'After logging out, the refresh token is dead',
  severity: 'error',
  after: [
    'auth/login',
    'auth/refresh',
    { id: 'auth/token', blocks: false },
    { id: 'auth/protected', blocks: false },
    { id: 'auth/roles', blocks: false },
    { id: 'external/services', blocks: false },
  ],
  needs: ['api', 'session', 'refresh', 'logout', 'refusals'],
  docs: {
    why: 'Who logs out on a lost machine believes that nobody can go on there. Access tokens may live on for minutes; refresh tokens for weeks.',
    fix: 'Delete or mark the refresh token, and the session that it belongs to, when somebody logs out.',
  },
  capability: 'Session management',
  messages: {
    unanswered: ({ text }: { url: string; text: string; code: string }) => text,
    'logout-refused': ({ url, status }: Evidence) => `${url} does not log out: it answers with ${status}`,
    alive: ({ url, status }: Evidence) => `after logging out, ${url} still takes the refresh token, with ${status}`,
    'status-differs': ({ url, status }: Evidence) =>
      `after logging out, ${url} answers the refresh token with ${status}, which is neither a success nor a refusal`,
  },
  async run({ user, given: { refusals }, report, saw, skip }) {
    await user.signIn()
    const first = user.tokens()?.refresh
    if (!first) return skip('not-applicable', 'the login gives no refresh token')
    // Only a token that works right before can be said to have died by logging out.
    const living = await user.refresh(first)
    if (isThrottled(living.answer)) return skip('unavailable', throttled(living.answer))
    if (!living.tokens)
      return skip('not-applicable', 'the session had ended before: reusing a refresh token ends it on some servers')
    const tokens = user.tokens()
    if (!tokens?.refresh) return

    const out = await user.logOut(tokens)
    if (out.outcome !== 'answered') return report('unanswered', { url: out.url, text: told(out), code: out.code })
    if (out.status >= 400) return report('logout-refused', { url: out.url, status: out.status })

    const { answer, tokens: more } = await user.refresh(tokens.refresh)
    if (isThrottled(answer)) return skip('unavailable', throttled(answer))
    const { url } = answer
    if (answer.outcome !== 'answered') return report('unanswered', { url, text: told(answer), code: answer.code })
    const { status } = answer
    if (more && status < 400) return report('alive', { url, status })
    if (status < 400 || !refusals.includes(status)) return report('status-differs', { url, status })
    saw(`refused with ${status}`)
  },
})
