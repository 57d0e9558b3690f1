import { defineCheck, erroring, isThrottled, throttled, throwaway, told, unanswered } from 'dbdoctor'

export default defineCheck({
  id: 'auth/passwords',
  title: 'Weak passwords are refused',
  severity: 'error',
  after: ['auth/registration'],
  needs: ['api', 'register', 'refusals', 'session?', 'login?'],
  depth: 'standard',
  docs: {
    why: 'Lists of the most used passwords are the first thing that is tried. It writes where a weak one is let in: that account is removed again where the API allows it.',
    fix: 'Refuse passwords that are short or on a list of common ones (NIST SP 800-63B, section 5.1.1.2).',
  },
  capability: 'Password requirements',
  messages: {
    'weak-accepted': ({ name, length }: { url: string; name: string; length: number }) =>
      `a new account may have the password "${name}" (${length} characters)`,
    unanswered,
    erroring,
    removed: {
      severity: 'info',
      say: ({ account }: { account: string }) => `registered ${account} with it, and removed it again`,
    },
    'left-behind': {
      severity: 'warning',
      say: ({ account }: { account: string }) => `registered ${account}, which is still there: remove it by hand`,
    },
  },
  async run({ http, user, given, report, coverage }) {
    const seen = coverage('weak password')
    for (const password of given.register.weakPasswords) {
      const account = await throwaway({ http, user, given }, password)
      const { answer, address } = account
      const { url } = answer
      // Refused for being one too many is not refused for being weak.
      if (isThrottled(answer)) {
        seen.missing(`"${password}"`, 'unavailable', throttled(answer))
        continue
      }
      seen.examined()
      if (answer.outcome !== 'answered') report('unanswered', { url, text: told(answer), code: answer.code })
      else if (answer.status >= 500) report('erroring', { url, status: answer.status, what: 'a weak password' })
      else if (answer.status < 400) {
        report('weak-accepted', { url, name: password, length: password.length })
        report((await account.remove()) ? 'removed' : 'left-behind', { account: address })
      }
    }
  },
})
