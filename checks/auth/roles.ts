import { defineCheck, erroring, isThrottled, throttled, told, unanswered, undecided } from 'dbdoctor'

interface Evidence {
  readonly url: string
  readonly status: number
}

export default defineCheck({
  id: 'auth/roles',
  title: 'The probe user is refused where only others may go',
  severity: 'error',
  after: ['auth/login'],
  needs: ['api', 'session', 'forbidden', 'refusals'],
  docs: {
    why: 'An admin route that asks for a token and not for a role is open to every user.',
    fix: 'Check the role on the server, on every route, after the token; refuse with 403.',
  },
  capability: 'Role-based access control',
  messages: {
    open: ({ url, status }: Evidence) => `${url} lets a user in who has no right to it, with ${status}`,
    unanswered,
    erroring,
    'status-differs': undecided,
  },
  async run({ http, user, given: { forbidden, refusals }, report, coverage, skip }) {
    const { tokens } = await user.signIn()
    if (!tokens) return skip('blocked', 'by auth/login: there is no token to show')
    const seen = coverage('forbidden route')
    for (const { path, method } of forbidden) {
      const answer = await http.request({ method, path, credentials: user.credentials(tokens.access) })
      const { url } = answer
      if (isThrottled(answer)) {
        seen.missing(url, 'unavailable', throttled(answer))
        continue
      }
      seen.examined()
      if (answer.outcome !== 'answered') report('unanswered', { url, text: told(answer), code: answer.code })
      else if (answer.status < 300) report('open', { url, status: answer.status })
      else if (answer.status >= 500) report('erroring', { url, status: answer.status })
      // What must not be seen may also be said not to exist.
      else if (answer.status >= 400 && ![...refusals, 404].includes(answer.status))
        report('status-differs', { url, status: answer.status })
    }
  },
})
