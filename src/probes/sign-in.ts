import { randomInt } from 'node:crypto'
import type { Given } from '../config/given.js'
import { get, replaced } from '../values/pointer.js'
import type { Answered, Http, HttpAnswer, HttpRequest } from './http.js'

/** A token, and where the server gave it; null where the config holds it. */
export interface Token {
  readonly value: string
  readonly place: Place | null
}

export interface Tokens {
  readonly access: Token
  readonly refresh: Token | null
}

/** What came of signing in. */
export interface SigningIn {
  /** The answer to the right password; null where none was sent. */
  readonly right: HttpAnswer | null
  /** Why no password was sent; null where one was, or none is configured. */
  readonly withheld: { readonly reason: 'unsafe' | 'blocked'; readonly detail: string } | null
  /** The answer to a wrong password, sent once the right one had succeeded; null where none was sent. */
  readonly wrong: HttpAnswer | null
  /** Whether the wrong password got a token. */
  readonly letIn: boolean
  /** The answer to the right password after the wrong one, which sets back what counts failures; null where none was sent. */
  readonly again: HttpAnswer | null
  /** Whether that one got no token any more. */
  readonly lockedOut: boolean
  /** Null where the server gave none. */
  readonly tokens: Tokens | null
}

/** What the database holds of the probe user's password. */
export interface StoredPassword {
  /** Whether the configured password fits its hash; null where nobody can tell. */
  readonly matches: boolean | null
  /** Whether the users' table has a column that counts failed attempts, or says until when an account is locked. */
  readonly countsFailures: boolean
}

/** The answer that gave the tokens of the moment; null where they came from elsewhere. */
export function givingAnswer({ right, again, lockedOut }: SigningIn): Answered | null {
  const answer = again && !lockedOut ? again : right
  return answer?.outcome === 'answered' ? answer : null
}

/** What came of asking for new tokens. */
export interface Refreshing {
  readonly answer: HttpAnswer
  /** Null where the server gave no access token. */
  readonly tokens: Tokens | null
}

/** The probe user, as a run meets the server: signs in once, and keeps the tokens of the moment. */
export interface ProbeUser {
  /** Says what the database holds of the password, before anybody signs in with it. */
  learn(stored: StoredPassword): void
  /** Says that no password is to be sent, because another program seems to be there. */
  withhold(because: string): void
  /** Signs in, at the first call of a run; later calls answer the same. */
  signIn(): Promise<SigningIn>
  /** What came of signing in, where some check has; null where none has. */
  signedIn(): Promise<SigningIn> | null
  /** Signs in once more, where the config allows as many samples; else null. */
  signInAgain(): Promise<SigningIn | null>
  /** The tokens of the moment; null where the server gave none. */
  tokens(): Tokens | null
  /** Asks for new tokens with a refresh token, and keeps what comes. */
  refresh(token: Token): Promise<Refreshing>
  logOut(tokens: Tokens): Promise<HttpAnswer>
  /** Somebody else's access token: out of an answer that may hold one already, else by signing in. */
  tokenOf(name: string, password: string, answer: HttpAnswer): Promise<Token | null>
  /** Headers that carry an access token as the server wants it. */
  credentials(token: Token): { readonly [name: string]: string }
}

const mismatch =
  'the configured password does not match the hash in the database, so it was not sent: a server may lock an account that it refuses'

/** Places where servers put an access token, most usual first. */
export const accessTokenPlaces = ['access_token', 'accessToken', 'token', 'jwt', 'id_token'].flatMap((key) => [
  `/${key}`,
  `/data/${key}`,
])
const refreshPlaces = ['refresh_token', 'refreshToken'].flatMap((key) => [`/${key}`, `/data/${key}`])

type Place = string | { readonly cookie: string }

/** A probe user by the config, who asks through any check's client. `keep` is told every token, so that none is ever printed. */
export function probeUser(given: Partial<Given>, addSecret: (secret: string) => void): (http: Http) => ProbeUser {
  const { login, accessToken, scheme = 'Bearer' } = given.session ?? {}
  let first: Promise<SigningIn> | undefined
  let current: Tokens | null = null
  let left = login?.samples ?? 0
  let stranger: string | null = null
  let stored: StoredPassword = { matches: null, countsFailures: false }

  const taken = (answer: HttpAnswer, { accessToken: access, refreshToken: refresh }: Places, before: Tokens | null) => {
    if (answer.outcome !== 'answered' || answer.status >= 400) return null
    const given = tokenIn(answer, access ?? login?.accessToken ?? accessTokenPlaces)
    const renewed = tokenIn(answer, refresh ?? login?.refreshToken ?? refreshPlaces)
    for (const token of [given, renewed]) if (token) addSecret(token.value)
    if (given) current = { access: given, refresh: renewed ?? before?.refresh ?? null }
    return given && { access: given, refresh: renewed }
  }
  const credentials = ({ value, place }: Token): { readonly [name: string]: string } =>
    isCookie(place) ? { cookie: `${place.cookie}=${value}` } : { authorization: `${scheme} ${value}` }

  /** The access token in an answer to somebody who signs in; null where it is a refusal. */
  const within = (answer: HttpAnswer) => {
    if (answer.outcome !== 'answered' || answer.status >= 400) return null
    const token = tokenIn(answer, login?.accessToken ?? accessTokenPlaces)
    if (token) addSecret(token.value)
    return token
  }

  return (http) => {
    const enter = async (wanted: { wrong: boolean }): Promise<SigningIn> => {
      const nothing = { right: null, withheld: null, wrong: null, letIn: false, again: null, lockedOut: false }
      if (!given.session) throw new Error('a check that signs in needs the part "session"')
      if (!login) {
        current = { access: { value: accessToken ?? '', place: null }, refresh: null }
        return { ...nothing, tokens: current }
      }
      // Whoever asks for wrong passwords to be tried has said that they do no harm.
      if (stored.matches === false && login.tryWrongPassword !== true)
        return { ...nothing, withheld: { reason: 'unsafe', detail: mismatch }, tokens: null }
      if (stranger !== null) return { ...nothing, withheld: { reason: 'blocked', detail: stranger }, tokens: null }
      left--
      const ask = (body: Login['body']) => http.request(loginRequest(login, body))
      const right = await ask(login.body)
      const tokens = taken(right, login, null)
      if (!wanted.wrong || !tokens) return { ...nothing, right, tokens }
      const wrong = await ask(wrongPassword(login))
      const again = await ask(login.body)
      const renewed = taken(again, login, null)
      return {
        ...nothing,
        right,
        wrong,
        letIn: within(wrong) !== null,
        again,
        lockedOut: renewed === null,
        // A server that keeps one session a user has ended the first.
        tokens: renewed ?? tokens,
      }
    }
    return {
      learn(what) {
        stored = what
      },
      withhold(because) {
        stranger = because
      },
      signIn() {
        first ??= enter({ wrong: login?.tryWrongPassword ?? !stored.countsFailures })
        return first
      },
      signedIn: () => first ?? null,
      signInAgain: async () => (left > 0 ? enter({ wrong: false }) : null),
      tokens: () => current,
      async refresh(token) {
        if (!given.refresh) throw new Error('no refresh is configured')
        const answer = await http.request(withRefreshToken(given.refresh, token))
        return { answer, tokens: taken(answer, given.refresh, current) }
      },
      async logOut({ access, refresh }) {
        if (!given.logout) throw new Error('no logout is configured')
        const request = refresh ? withRefreshToken(given.logout, refresh) : { ...given.logout, json: given.logout.body }
        const both = { ...credentials(access), ...request.credentials }
        const cookie = [credentials(access).cookie, request.credentials?.cookie].filter(Boolean).join('; ')
        return http.request({ ...request, credentials: cookie ? { ...both, cookie } : both })
      },
      async tokenOf(name, password, answer) {
        const at = within(answer)
        if (at || !login) return at
        const { fields, body } = login
        const own = replaced(replaced(body, fields.user, name), fields.password, password)
        return within(await http.request(loginRequest(login, own)))
      },
      credentials,
    }
  }
}

interface Places {
  readonly accessToken?: Place | undefined
  readonly refreshToken?: Place | undefined
}

/** A request that carries a refresh token as the login gave it: in a JSON body under the same name, or in its cookie. */
function withRefreshToken({ path, method, field, body }: Given['logout'], { value, place }: Token): HttpRequest {
  if (isCookie(place) && field === undefined)
    return { path, method, json: body, credentials: { cookie: `${place.cookie}=${value}` } }
  const pointer = typeof place === 'string' ? place : '/refresh_token'
  const name = field ?? pointer.slice(pointer.lastIndexOf('/') + 1)
  return { path, method, json: { ...body, [name]: value } }
}

function isCookie(place: Place | null): place is { readonly cookie: string } {
  return typeof place === 'object' && place !== null
}

/** The token at one of these places in an answer; null where there is none, or one that could not be sent. */
export function tokenIn({ body, cookies }: Answered, places: Place | readonly Place[]): Token | null {
  const document = jsonOf(body)
  for (const place of [places].flat() as Place[]) {
    const value = typeof place === 'string' ? get(document, place) : cookies[place.cookie]
    if (typeof value === 'string' && isSendable(value)) return { value, place }
  }
  return null
}

/** A JSON text's value; undefined where it is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Where servers say why they refuse, most telling first. */
const reasonPlaces = [
  '/error/message',
  '/message',
  '/error_description',
  '/detail',
  '/error/code',
  '/error',
  '/code',
  '/title',
]
const longestReason = 120

/** A server's own word for why it refuses, out of its JSON; null where it gives none that is short enough to be repeated. */
export function reasonIn({ body }: Answered): string | null {
  const document = jsonOf(body)
  const listed = get(document, '/errors/0')
  const found = [
    ...reasonPlaces.map((place) => get(document, place)),
    ...['/message', '/msg', '/code'].map((place) => get(listed, place)),
    ...['/detail/0/msg', '/message/0'].map((place) => get(document, place)),
    listed,
  ].find((value) => typeof value === 'string' && value.trim() !== '')
  return typeof found === 'string' && found.length <= longestReason ? found.trim() : null
}

/** What an HTTP header can carry, and no server refuses for its length. */
function isSendable(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token) && token.length <= 16_384
}

/** A request that signs in, as JSON, as a form (OAuth 2.0's password flow) or by HTTP Basic. */
function loginRequest({ path, method, type, fields }: Login, body: Login['body']): HttpRequest {
  switch (type) {
    case 'json':
      return { method, path, json: body }
    case 'form':
      return {
        method,
        path,
        form: Object.fromEntries(Object.entries(body).map(([key, value]) => [key, String(value)])),
      }
    case 'basic': {
      const pair = `${get(body, fields.user)}:${get(body, fields.password)}`
      return { method, path, credentials: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } }
    }
  }
}

type Login = NonNullable<Given['login']>

/** As long as the right one, and of the same kinds of characters, so that it is refused for being wrong and not for its form. */
function wrongPassword({ body, fields }: Login): Login['body'] {
  const right = String(get(body, fields.password))
  const any = (letters: string) => letters[randomInt(letters.length)] ?? ''
  const wrong = right
    .replaceAll(/[a-z]/g, () => any('abcdefghijklmnopqrstuvwxyz'))
    .replaceAll(/[A-Z]/g, () => any('ABCDEFGHIJKLMNOPQRSTUVWXYZ'))
    .replaceAll(/\d/g, () => any('0123456789'))
  return replaced(body, fields.password, wrong === right ? `${right}x` : wrong)
}
