import {
  type Answered,
  accessTokenPlaces,
  defineCheck,
  erroring,
  get,
  isThrottled,
  jsonOf,
  keysOf,
  milliseconds,
  reasonIn,
  throttled,
  told,
  unanswered,
  undecided,
  whenAgain,
} from 'dbdoctor'

interface Evidence {
  readonly url: string
  readonly status: number
}

interface Refusal extends Evidence {
  /** The server's own word for it. */
  readonly reason: string | null
}

const because = (reason: string | null) => (reason === null ? '' : `: it says "${reason}"`)
const where = (keys: readonly string[]) =>
  keys.length > 0 ? `its JSON has ${keys.join(', ')}` : 'its JSON has no keys'

export default defineCheck({
  id: 'auth/login',
  title: 'Only the right password signs in',
  severity: 'error',
  after: [
    'server/reachable',
    // A password that the database knows to be wrong is not sent.
    { id: 'auth/probe-user', blocks: false },
    // Another program on the port is shown no password.
    { id: 'server/endpoints', blocks: false },
  ],
  needs: ['api', 'session', 'login', 'refusals'],
  docs: {
    why: 'Nothing that users do works without it. A login that fails for a wrong test password looks just like one that fails for a broken server.',
    fix: 'Follow the finding: correct the test password, the place of the token, or the server. The check of the probe user tells whether the password fits the database.',
  },
  capability: 'User login',
  messages: {
    unanswered,
    throttled: {
      severity: 'info',
      say: ({ again }: { url: string; again: string }) =>
        `the server limits sign-ins (429${again}): authentication was not examined`,
    },
    erroring,
    refused: {
      say: ({ url, status, reason }: Refusal) =>
        `${url} refuses the probe user's password with ${status}${because(reason)}`,
      repair: () => [{ kind: 'service', service: 'probe-user' }],
    },
    denied: ({ url, status, reason }: Refusal) =>
      `${url} does not let the probe user in, with ${status}${because(reason)}`,
    'second-factor': {
      say: ({ url, keys }: { url: string; keys: readonly string[] }) =>
        `${url} takes the password and asks for a second factor (${keys.join(', ')})`,
      next: () => ['Name a probe user without a second factor in auth.login.body.'],
    },
    'status-differs': undecided,
    redirected: ({ url, to }: { url: string; to: string }) => `${url} gives no token, and redirects to ${to}`,
    'not-json': ({ url, type }: { url: string; type: string }) =>
      `${url} answers with ${type || 'something'} instead of JSON: another program or a proxy's page may be there`,
    'unknown-path': {
      say: ({ url, status }: Refusal) => `${url} answers the login with ${status}: the server knows no such path`,
      next: () => ['Correct auth.login.path, or api.url where a part of the path is missing.'],
    },
    'method-not-allowed': {
      say: ({ url, status, method, allow }: Evidence & { method: string; allow: string }) =>
        `${url} takes no ${method} (${status}; it allows ${allow}): auth.login.path or auth.login.method is another`,
      next: () => ['Correct auth.login.path, or auth.login.method.'],
    },
    'no-such-method': {
      say: ({ url, status, method, server }: Evidence & { method: string; server: string | null }) =>
        `${url} takes no ${method} (${status}, not in JSON${server === null ? '' : `; Server: ${server}`}): another program may be on that port, or auth.login.path is another`,
      next: ({ url }) => [`ss -ltnp 'sport = :${new URL(url).port || '80'}'`],
    },
    'error-in-body': ({ url, status, keys }: Evidence & { keys: readonly string[] }) =>
      `${url} answers with ${status} and an error in its body: ${where(keys)}`,
    'no-token': ({ url, wanted, keys }: { url: string; wanted: string; keys: readonly string[] }) =>
      `${url} gives no access token at ${wanted}: ${where(keys)}`,
    'no-refresh-token': ({ url, wanted, keys }: { url: string; wanted: string; keys: readonly string[] }) =>
      `${url} gives no refresh token at ${wanted}: ${where(keys)}`,
    'unusable-token': ({ url, length }: { url: string; length: number }) =>
      length > longestToken
        ? `${url} gives a token of ${length} characters, which is too long for a header`
        : `${url} gives a token that no header can carry: there is a blank, a line break or another sign among its ${length} characters`,
    'wrong-password-accepted': ({ url, status }: Evidence) => `${url} lets a wrong password in, with ${status}`,
    'wrong-password-unanswered': ({ text }: { url: string; text: string; code: string }) =>
      `for a wrong password, ${text}`,
    'wrong-password-differs': ({ url, status, accepted }: Evidence & { accepted: readonly number[] }) =>
      `${url} answers a wrong password with ${status}, ${accepted.join(', ')} expected`,
    'locked-out': {
      say: ({ url, status, reason }: Refusal) =>
        `after one wrong password, ${url} refuses the right one with ${status}${because(reason)}: the server locks accounts at once`,
      next: () => ['Unlock the probe user, and set auth.login.tryWrongPassword: false.'],
    },
  },
  async run({ user, given: { login, refusals }, report, measure, saw, skip }) {
    const { right, withheld, wrong, letIn, again, lockedOut, tokens } = await user.signIn()
    if (withheld) return skip(withheld.reason, withheld.detail)
    if (!right) return
    if (isThrottled(right)) {
      report('throttled', { url: right.url, again: whenAgain(right) })
      return skip('unavailable', throttled(right))
    }

    if (wrong && isThrottled(wrong)) skip('unavailable', throttled(wrong))
    else if (wrong && wrong.outcome !== 'answered')
      report('wrong-password-unanswered', { url: wrong.url, text: told(wrong), code: wrong.code })
    else if (wrong && letIn) report('wrong-password-accepted', { url: wrong.url, status: wrong.status })
    else if (wrong && !isRefusal(wrong, refusals))
      report('wrong-password-differs', { url: wrong.url, status: wrong.status, accepted: refusals })
    if (lockedOut && again?.outcome === 'answered' && isRefusal(again, refusals) && !isThrottled(again))
      report('locked-out', { url: again.url, status: again.status, reason: reasonIn(again) })

    const { url } = right
    if (right.outcome !== 'answered') return report('unanswered', { url, text: told(right), code: right.code })
    const { status, type, body } = right
    const evidence = { url, status }
    const refusal = { ...evidence, reason: reasonIn(right) }
    if (tokens && status < 400) {
      measure({ name: 'login', value: right.ms, unit: 'ms', n: 1 })
      if (login.refreshToken !== undefined && !tokens.refresh)
        report('no-refresh-token', { url, wanted: place(login.refreshToken), keys: keysOf(jsonOf(body)) })
      const sent = wrong ? 'right, wrong, right' : 'right'
      return saw(`${status} in ${milliseconds(right.ms)}; sent ${sent}`)
    }
    // A program that says what it takes instead is one that routes requests; what else it would be cannot be told.
    if (status === 405 && right.allow !== null)
      return report('method-not-allowed', { ...evidence, method: login.method, allow: right.allow || 'none' })
    if ([405, 501].includes(status) && jsonOf(body) === undefined)
      return report('no-such-method', { ...evidence, method: login.method, server: right.server })
    if (status >= 500)
      return report('erroring', { ...evidence, what: 'the configured password', again: whenAgain(right) })
    const factors = secondFactorIn(right)
    if (factors.length > 0) return report('second-factor', { url, keys: factors })
    if (status === 404 && !refusals.includes(status)) {
      const { reason } = refusal
      // Some say so of a user whom they do not know.
      return report(reason !== null && /user|account|e-?mail/i.test(reason) ? 'refused' : 'unknown-path', refusal)
    }
    if (refusals.includes(status)) return report(isOfPassword(refusal) ? 'refused' : 'denied', refusal)
    if (isRedirect(right)) return report('redirected', { url, to: right.location ?? 'nowhere' })
    if (status >= 300) return report('status-differs', { ...evidence, what: 'the configured password' })

    const document = jsonOf(body)
    if (document === undefined && typeof login.accessToken !== 'object') return report('not-json', { url, type })
    const keys = keysOf(document)
    if (hasError(right)) return report('error-in-body', { ...evidence, keys })
    const wanted = login.accessToken
    const places = typeof wanted === 'string' ? [wanted] : wanted === undefined ? accessTokenPlaces : []
    const found = places.map((at) => get(document, at)).find((value) => typeof value === 'string' && value !== '')
    if (typeof found === 'string') return report('unusable-token', { url, length: found.length })
    report('no-token', { url, wanted: wanted === undefined ? 'any usual place' : place(wanted), keys })
  },
})

type Place = string | { readonly cookie: string }

function place(wanted: Place): string {
  return typeof wanted === 'string' ? wanted : `the cookie ${wanted.cookie}`
}

/** As long as no server refuses a header for its length, in characters. */
const longestToken = 16_384

/** Whether a server says no: a failure of its own never is one. */
function isRefusal(answer: Answered, refusals: readonly number[]): boolean {
  if (answer.status >= 500) return false
  return refusals.includes(answer.status) || isRedirect(answer) || hasError(answer)
}

/** Whether a refusal is about the password, as far as the server says why. */
function isOfPassword({ status, reason }: Refusal): boolean {
  if (reason === null) return true
  const elsewhere =
    /lock|suspend|disabl|inactiv|not.?active|block|bann|expir|verif|confirm|factor|mfa|otp\b|captcha|require|missing|must\b|not.?allowed|client|csrf|origin/i
  if (elsewhere.test(reason)) return false
  return status !== 403 || /credential|password|login|sign.?in|unauthori|forbidden|denied|user|email/i.test(reason)
}

/** The members of an answer's JSON that ask for something more than the password. */
function secondFactorIn({ body }: Answered): string[] {
  const document = jsonOf(body)
  return keysOf(document).filter(
    (key) => /mfa|2fa|two.?factor|second.?factor|totp|otp.?(required|needed)/i.test(key) && Boolean(get(document, key)),
  )
}

function isRedirect({ status }: Answered): boolean {
  return status >= 300 && status < 400
}

function hasError({ body }: Answered): boolean {
  return keysOf(jsonOf(body), '', 1).some((key) => /^\/(errors?|error_code|error_description)$/i.test(key))
}
