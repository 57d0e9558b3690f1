import { type Answered, defineCheck, get, isThrottled, jsonOf, keysOf, milliseconds, throttled, told } from 'dbdoctor'

interface Evidence {
  readonly url: string
  readonly status: number
}

const where = (keys: readonly string[]) =>
  keys.length > 0 ? `its JSON has ${keys.join(', ')}` : 'its JSON has no keys'

export default defineCheck({
  id: 'auth/login',
  title: 'The probe user signs in, and a wrong password does not',
  severity: 'error',
  after: ['server/reachable'],
  needs: ['api', 'session', 'login', 'refusals'],
  docs: {
    why: 'Nothing that users do works without it. A login that fails for a wrong test password looks just like one that fails for a broken server.',
    fix: 'Follow the finding: correct the test password, the place of the token, or the server. The check of the probe user tells whether the password fits the database.',
  },
  messages: {
    unanswered: ({ text }: { url: string; text: string; code: string }) => text,
    erroring: ({ url, status }: Evidence) =>
      `${url} answers the right password with ${status}: the server fails on its own side`,
    refused: ({ url, status }: Evidence) => `${url} refuses the probe user's password with ${status}`,
    'status-differs': ({ url, status }: Evidence) =>
      `${url} answers the right password with ${status}, which is neither a success nor a refusal`,
    redirected: ({ url, to }: { url: string; to: string }) => `${url} gives no token, and redirects to ${to}`,
    'not-json': ({ url, type }: { url: string; type: string }) =>
      `${url} answers with ${type || 'something'} instead of JSON: another program or a proxy's page may be there`,
    'error-in-body': ({ url, status, keys }: Evidence & { keys: readonly string[] }) =>
      `${url} answers with ${status} and an error in its body: ${where(keys)}`,
    'no-token': ({ url, wanted, keys }: { url: string; wanted: string; keys: readonly string[] }) =>
      `${url} gives no access token at ${wanted}: ${where(keys)}`,
    'no-refresh-token': ({ url, wanted, keys }: { url: string; wanted: string; keys: readonly string[] }) =>
      `${url} gives no refresh token at ${wanted}: ${where(keys)}`,
    'unusable-token': ({ url, length }: { url: string; length: number }) =>
      `${url} gives a token that no header can carry: ${length} characters, or a line break among them`,
    'wrong-password-accepted': ({ url, status }: Evidence) => `${url} lets a wrong password in, with ${status}`,
    'wrong-password-unanswered': ({ text }: { url: string; text: string; code: string }) =>
      `for a wrong password, ${text}`,
    'wrong-password-differs': ({ url, status, accepted }: Evidence & { accepted: readonly number[] }) =>
      `${url} answers a wrong password with ${status}, ${accepted.join(', ')} expected`,
  },
  async run({ user, given: { login, refusals }, report, measure, saw, skip }) {
    const { wrong, letIn, right, tokens } = await user.signIn()
    if (!right) return
    if ((wrong && isThrottled(wrong)) || isThrottled(right)) return skip('unavailable', throttled)

    if (wrong && wrong.outcome !== 'answered')
      report('wrong-password-unanswered', { url: wrong.url, text: told(wrong), code: wrong.code })
    else if (wrong && letIn) report('wrong-password-accepted', { url: wrong.url, status: wrong.status })
    else if (wrong && !refusals.includes(wrong.status) && !isRedirect(wrong) && !hasError(wrong))
      report('wrong-password-differs', { url: wrong.url, status: wrong.status, accepted: refusals })

    const { url } = right
    if (right.outcome !== 'answered') return report('unanswered', { url, text: told(right), code: right.code })
    const { status, type, body } = right
    const evidence = { url, status }
    if (tokens && status < 400) {
      measure({ name: 'login', value: right.ms, unit: 'ms', n: 1 })
      if (login.refreshToken !== undefined && !tokens.refresh)
        report('no-refresh-token', { url, wanted: place(login.refreshToken), keys: keysOf(jsonOf(body)) })
      return saw(`${status} in ${milliseconds(right.ms)}`)
    }
    if (status >= 500) return report('erroring', evidence)
    if (refusals.includes(status)) return report('refused', evidence)
    if (isRedirect(right)) return report('redirected', { url, to: right.location ?? 'nowhere' })
    if (status >= 300) return report('status-differs', evidence)

    const document = jsonOf(body)
    if (document === undefined && typeof login.accessToken !== 'object') return report('not-json', { url, type })
    const keys = keysOf(document)
    if (hasError(right)) return report('error-in-body', { ...evidence, keys })
    const wanted = login.accessToken
    const found = typeof wanted === 'string' ? get(document, wanted) : undefined
    if (typeof found === 'string' && found !== '') return report('unusable-token', { url, length: found.length })
    report('no-token', { url, wanted: wanted === undefined ? 'any usual place' : place(wanted), keys })
  },
})

type Place = string | { readonly cookie: string }

function place(wanted: Place): string {
  return typeof wanted === 'string' ? wanted : `the cookie ${wanted.cookie}`
}

function isRedirect({ status }: Answered): boolean {
  return status >= 300 && status < 400
}

function hasError({ body }: Answered): boolean {
  return keysOf(jsonOf(body), '', 1).some((key) => /^\/(errors?|error_code|error_description)$/i.test(key))
}
