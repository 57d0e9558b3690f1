import { defineCheck, erroring, isThrottled, strongPassword, throttled, throwaway, told, unanswered } from 'dbdoctor'

interface Evidence {
  readonly url: string
  readonly status: number
}

export default defineCheck({
  id: 'auth/registration',
  title: 'Registration works',
  severity: 'error',
  after: [
    'server/reachable',
    { id: 'auth/login', blocks: false },
    // The account would be counted.
    { id: 'integrity/row-counts', blocks: false },
  ],
  needs: ['api', 'register', 'refusals', 'session?', 'login?'],
  depth: 'standard',
  docs: {
    why: 'Nobody who has an account notices that new ones cannot be made. It writes: an account under a throw-away address, removed again where the API allows it.',
    fix: 'Look at the log of the server for the request that is named; where more fields are wanted, name them in auth.register.body.',
  },
  capability: 'User registration',
  messages: {
    unanswered,
    erroring,
    refused: ({ url, status }: Evidence) => `${url} refuses a new account with a strong password, with ${status}`,
    removed: {
      severity: 'info',
      say: ({ account }: { account: string }) => `registered ${account}, and removed it again`,
    },
    'left-behind': {
      severity: 'warning',
      say: ({ account }: { account: string }) => `registered ${account}, which is still there: remove it by hand`,
    },
  },
  async run({ http, user, given, report, saw, skip }) {
    const account = await throwaway({ http, user, given }, strongPassword())
    const { answer, address } = account
    const { url } = answer
    if (isThrottled(answer)) return skip('unavailable', throttled(answer))
    if (answer.outcome !== 'answered') return report('unanswered', { url, text: told(answer), code: answer.code })
    if (answer.status >= 500) return report('erroring', { url, status: answer.status })
    if (answer.status >= 400) return report('refused', { url, status: answer.status })
    report((await account.remove()) ? 'removed' : 'left-behind', { account: address })
    saw(`${answer.status}`)
  },
})
