import {
  type Answered,
  decode,
  defineCheck,
  type HttpAnswer,
  isNobody,
  isThrottled,
  isWithheld,
  type Tokens,
  throttled,
  told,
  unanswered,
} from 'dbdoctor'

interface Evidence {
  readonly url: string
  readonly status: number
}

interface Asked {
  readonly answer: HttpAnswer
  readonly alive: boolean
}

export default defineCheck({
  id: 'auth/sessions',
  title: 'After logging out, the session is dead',
  severity: 'error',
  after: [
    'auth/login',
    'auth/refresh',
    { id: 'auth/token', blocks: false },
    { id: 'auth/protected', blocks: false },
    { id: 'auth/roles', blocks: false },
    { id: 'external/services', blocks: false },
  ],
  needs: ['api', 'session', 'logout', 'refusals', 'refresh?', 'protected?'],
  docs: {
    why: 'Who logs out on a lost machine believes that nobody can go on there. Access tokens may live on for minutes; refresh tokens for weeks.',
    fix: 'Delete or mark the refresh token, and the session that it belongs to, when somebody logs out.',
  },
  capability: 'Session management',
  messages: {
    unanswered,
    'logout-refused': ({ url, status }: Evidence) => `${url} does not log out: it answers with ${status}`,
    alive: ({ url, status }: Evidence) => `after logging out, ${url} still takes the refresh token, with ${status}`,
    'session-alive': {
      // What nobody stores cannot be taken back.
      severity: ({ signed }: Evidence & { signed: boolean }) => (signed ? 'info' : 'error'),
      say: ({ url, status, signed }: Evidence & { signed: boolean }) =>
        `after logging out, ${url} still lets the session in, with ${status}${signed ? ': its token is signed, and valid until it expires' : ''}`,
    },
    'status-differs': ({ url, status }: Evidence) =>
      `after logging out, ${url} answers with ${status}, which is neither a success nor a refusal`,
  },
  async run({ http, user, given: { refusals, refresh, protected: route }, report, saw, skip }) {
    await user.signIn()
    const first = user.tokens()
    const byToken = refresh !== undefined && first?.refresh != null
    if (!first || !(byToken || route))
      return skip(
        'not-applicable',
        refresh
          ? 'the login gives no refresh token'
          : 'a session that lives is told from a dead one by auth.refresh or auth.protected',
      )
    const ask = async ({ access, refresh: token }: Tokens, alive?: Answered): Promise<Asked> => {
      if (byToken && token) {
        const { answer, tokens } = await user.refresh(token)
        return { answer, alive: tokens !== null }
      }
      const answer = await http.get(route?.path ?? '/', { credentials: user.credentials(access) })
      if (answer.outcome !== 'answered' || answer.status >= 300) return { answer, alive: false }
      // Many a server answers nobody with 200, and null.
      return { answer, alive: !(alive ? isWithheld(answer, alive, route?.identity) : isNobody(answer)) }
    }

    // Only what works right before can be said to have died by logging out.
    const before = await ask(first)
    if (isThrottled(before.answer)) return skip('unavailable', throttled(before.answer))
    if (!before.alive)
      return skip(
        'not-applicable',
        byToken
          ? 'the session had ended before: reusing a refresh token ends it on some servers'
          : 'the protected route let nobody in before the session ended',
      )
    const tokens = user.tokens()
    if (!tokens || (byToken && !tokens.refresh)) return

    const out = await user.logOut(tokens)
    if (out.outcome !== 'answered') return report('unanswered', { url: out.url, text: told(out), code: out.code })
    if (out.status >= 400) return report('logout-refused', { url: out.url, status: out.status })

    const { answer, alive } = await ask(tokens, before.answer.outcome === 'answered' ? before.answer : undefined)
    if (isThrottled(answer)) return skip('unavailable', throttled(answer))
    const { url } = answer
    if (answer.outcome !== 'answered') return report('unanswered', { url, text: told(answer), code: answer.code })
    const { status } = answer
    if (alive && byToken && status < 400) return report('alive', { url, status })
    if (alive && !byToken) return report('session-alive', { url, status, signed: decode(tokens.access.value) !== null })
    // A redirect leads to a login page.
    const refused = refusals.includes(status) || (!byToken && status < 400)
    if (!refused) return report('status-differs', { url, status })
    saw(status < 300 ? `answered with ${status}, as nobody` : `refused with ${status}`)
  },
})
