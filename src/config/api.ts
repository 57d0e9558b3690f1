import { z } from 'zod'
import { duration, name, text } from './values.js'

/** A path on the API server. It is appended to the server's URL, so that a prefix there stays. */
const path = z
  .string()
  .regex(/^\/(?!\/)/, 'write a path that starts with one slash')
  .meta({ title: 'path' })
const method = z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'])
const status = z.int().min(100).max(599)
const statuses = z.union([status, z.array(status).min(1)]).transform((one) => [one].flat())

/** A place in a JSON document (RFC 6901). */
const pointer = z
  .string()
  .regex(/^(\/([^~]|~[01])*)?$/, 'write a JSON Pointer (RFC 6901): /data/access_token')
  .meta({ title: 'pointer' })
/** Where an answer holds a token: in its JSON, or in a cookie. */
const place = z.union([pointer, z.strictObject({ cookie: name.describe('The name of the cookie.') })], {
  error: "write a JSON Pointer, or { cookie: 'NAME' }",
})
/** What a request sends: JSON, with texts that may come from the environment. */
const body = z.record(z.string(), z.unknown())

const endpoint = z.union(
  [
    path.transform((only) => ({
      path: only,
      method: 'GET' as const,
      status: undefined,
      type: undefined,
      budget: undefined,
    })),
    z.strictObject({
      path: path.describe('The path, appended to `api.url`.'),
      method: method.default('GET').describe('The method.'),
      status: statuses.optional().describe('The status that it answers with, or several. Left out: 200 to 399.'),
      type: z.enum(['json', 'html', 'text']).optional().describe('What it answers with.'),
      budget: duration.optional().describe('How long it may take on average.'),
    }),
  ],
  { error: 'write a path, or { path, method, status, type, budget }' },
)

/** The `api` part of a config: the server that is asked. */
export const apiConfig = z.strictObject({
  url: text.describe('The address of the server, with scheme and host. A path in it stays in front of all others.'),
  headers: z
    .record(name, text)
    .default({})
    .describe('Headers that every request to the server carries. Their values are taken for secrets.'),
  ca: text
    .optional()
    .describe(
      "Certificates of authorities to trust beside the usual ones, in PEM: `file('./ca.pem')`. For a server of your own.",
    ),
  timeout: duration.prefault('10s').describe('How long an answer may take.'),
  maxBodyBytes: z.int().positive().default(1_048_576).describe('How long an answer may be, in bytes.'),
  endpoints: z
    .array(endpoint)
    .default([])
    .describe('Routes that answer without a login: a path, or what is expected of it.'),
  start: z
    .array(name)
    .min(1)
    .optional()
    .describe(
      'How the server is started: a command and its arguments, run in the folder of the config. For advice where it is not running, and for `dbdoctor fix`.',
    ),
})

const algorithms = [
  ...['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const

const jwtConfig = z
  .strictObject({
    secret: text
      .optional()
      .describe('The secret that both sides share. One of `secret`, `publicKey`, `privateKey`, `jwks` is needed.'),
    secretEncoding: z
      .enum(['utf8', 'base64', 'base64url', 'hex'])
      .default('utf8')
      .describe('How the secret is written.'),
    publicKey: text.optional().describe('The public key of a pair, as PEM or JWK.'),
    privateKey: text.optional().describe('The private key of a pair, as PEM or JWK.'),
    jwks: text.optional().describe('A JSON Web Key Set, or the address or path where it is served.'),
    algorithm: z.enum(algorithms).optional().describe('The algorithm of the tokens. Left out: what fits the key.'),
    issuer: text.optional().describe('The issuer (`iss`) of the tokens.'),
    audience: text.optional().describe('The audience (`aud`) of the tokens.'),
    accessTokenLifetime: duration.optional().describe('How long an access token lives.'),
    refreshTokenLifetime: duration.optional().describe('How long a refresh token lives.'),
    tolerance: duration.prefault('5s').describe('By how much clocks may differ.'),
  })
  .refine(({ secret, publicKey, privateKey, jwks }) => secret ?? publicKey ?? privateKey ?? jwks, {
    error: 'name a key: secret, publicKey, privateKey or jwks',
  })
  .refine(({ secret, publicKey, privateKey, jwks }) => !secret || !(publicKey ?? privateKey ?? jwks), {
    error: 'name either a secret or keys of a pair, not both',
  })

const loginConfig = z
  .strictObject({
    path: path.describe('The route to sign in at.'),
    method: method.default('POST').describe('The method.'),
    type: z
      .enum(['json', 'form', 'basic'])
      .default('json')
      .describe(
        'How the body is sent: as JSON, as a form (the password flow of OAuth 2.0), or as basic authentication.',
      ),
    body: body.describe('What signs the probe user in.'),
    fields: z
      .strictObject({
        user: pointer.optional().describe('Where the user is: a JSON Pointer. Left out: by its name.'),
        password: pointer.optional().describe('Where the password is: a JSON Pointer. Left out: by its name.'),
      })
      .prefault({})
      .describe('Where the body holds user and password.'),
    accessToken: place
      .optional()
      .describe('Where the answer holds the access token: a JSON Pointer, or a cookie. Left out: at the usual places.'),
    refreshToken: place.optional().describe('The same, for the refresh token.'),
    tryWrongPassword: z
      .boolean()
      .optional()
      .describe(
        'Whether a wrong password is tried once, after the right one and followed by it again. Left out: unless the users table counts failures. With true, a password that does not match the stored hash is sent too.',
      ),
    samples: z.int().min(1).max(20).default(1).describe('How often the probe user may sign in in a run, to be timed.'),
    reset: z
      .array(name)
      .min(1)
      .optional()
      .describe(
        'What creates the probe user or sets its password, for `dbdoctor fix`: a command and its arguments, run in the folder of the config. It is told both in DBDOCTOR_PROBE_USER and DBDOCTOR_PROBE_PASSWORD.',
      ),
  })
  .transform(({ fields, ...login }, context) => {
    const leaves = leavesOf(login.body)
    const user = fields.user ?? leaves.find((leaf) => /mail|user|login|identi|account|phone/i.test(leaf))
    const password = fields.password ?? leaves.find((leaf) => /pass|pwd|secret/i.test(leaf))
    if (user !== undefined && password !== undefined) return { ...login, fields: { user, password } }
    const fault = (field: string) => ({
      code: 'custom' as const,
      path: ['fields', field],
      message: `say where the body holds the ${field}: fields: { ${field}: '/${field}' }`,
    })
    if (user === undefined) context.addIssue(fault('user'))
    if (password === undefined) context.addIssue(fault('password'))
    return z.NEVER
  })

/** How a refresh token is sent: in a JSON body under a name, or in a cookie. Left out, it goes as the login gave it. */
const refreshConfig = z.strictObject({
  path: path.describe('The route that gives new tokens.'),
  method: method.default('POST').describe('The method.'),
  field: name.optional().describe('The name of the refresh token in the body. Left out: it goes as the login gave it.'),
  body: body.default({}).describe('What else is sent.'),
  accessToken: place.optional().describe('Where the answer holds the access token. Left out: as for the login.'),
  refreshToken: place.optional().describe('Where the answer holds the refresh token. Left out: as for the login.'),
  rotates: z.boolean().optional().describe('Whether each refresh gives another refresh token.'),
  reuse: z.enum(['refused', 'accepted']).optional().describe('What becomes of a refresh token that was used before.'),
})

const registerConfig = z.strictObject({
  path: path.describe('The route that registers.'),
  method: method.default('POST').describe('The method.'),
  enabled: z
    .boolean()
    .default(false)
    .describe('Whether it is tried. It writes: an account under a throw-away address.'),
  body: body.default({}).describe('What is sent beside the user and the password.'),
  weakPasswords: z
    .array(z.string().min(1))
    .min(1)
    .default(['12345678', 'password', 'aaaaaaaaaaaa'])
    .describe('Passwords that have to be refused.'),
  remove: z
    .strictObject({
      path: path.describe('The route that removes an account.'),
      method: method.default('DELETE').describe('The method.'),
    })
    .optional()
    .describe('How the account is removed again.'),
})

/** The `auth` part of a config: how one signs in, and what is promised to who did. */
export const authConfig = z.strictObject({
  jwt: jwtConfig.optional().describe('The key that tokens are signed with, and what they promise.'),
  login: loginConfig.optional().describe('How the probe user signs in.'),
  accessToken: text.optional().describe('A token from elsewhere, in place of a login.'),
  scheme: z
    .string()
    .regex(/^[\w-]+$/, 'write one word: Bearer, JWT, Token')
    .default('Bearer')
    .describe('The word before the token in the Authorization header.'),
  refusals: z.array(status).min(1).default([400, 401, 403, 422]).describe('The statuses that mean no.'),
  protected: z
    .strictObject({
      path: path.describe('The route.'),
      identity: z
        .strictObject({
          pointer: pointer.describe('Where the answer says who is signed in: a JSON Pointer.'),
          equals: z.union([text, z.number()]).describe('What it says there.'),
        })
        .optional()
        .describe('How the answer tells the probe user from others.'),
    })
    .optional()
    .describe('A route that takes a token, and refuses whoever has none.'),
  refresh: refreshConfig.optional().describe('How a refresh token gives new tokens.'),
  logout: z
    .strictObject({
      path: path.describe('The route to log out at.'),
      method: method.default('POST').describe('The method.'),
      field: name
        .optional()
        .describe('The name of the refresh token in the body. Left out: it goes as the login gave it.'),
      body: body.default({}).describe('What else is sent.'),
    })
    .optional()
    .describe('How the probe user logs out.'),
  forbidden: z
    .array(
      z.strictObject({
        path: path.describe('The route.'),
        method: method.default('GET').describe('The method.'),
      }),
    )
    .default([])
    .describe('Routes where the probe user has no right to go.'),
  register: registerConfig.optional().describe('How an account is made.'),
})

const service = {
  name: name.describe('The name of the service, as reports print it.'),
  method: method.default('GET').describe('The method.'),
  body: body.optional().describe('What is sent.'),
  signedIn: z.boolean().default(false).describe('Whether the probe user asks.'),
  timeout: duration.prefault('5s').describe('How long an answer may take.'),
  note: z.string().optional().describe('Why it is so, for whoever reads the report.'),
}
const where = {
  path: path.optional().describe('A route of the API server behind which the service is; or `url`.'),
  url: text.optional().describe('The address of the service; or `path`.'),
}
const expected = 'What it does from here.'

/** The `external` part of a config: services of others behind the API, and how each is expected to behave from here. */
export const externalConfig = z
  .array(
    z
      .discriminatedUnion(
        'expect',
        [
          z.strictObject({
            ...service,
            ...where,
            expect: z.literal('redirect').describe(expected),
            to: name.optional().describe('With `redirect`: the host that it redirects to.'),
          }),
          z.strictObject({ ...service, ...where, expect: z.literal('timeout').describe(expected) }),
          z.strictObject({ ...service, ...where, expect: z.literal('unauthorized').describe(expected) }),
          z.strictObject({
            ...service,
            ...where,
            expect: z.literal('status').describe(expected),
            status: statuses.describe('With `status`, needed: the status that it answers with, or several.'),
          }),
        ],
        { error: 'say what to expect: redirect, timeout, unauthorized or status' },
      )
      .refine(({ path, url }) => (path === undefined) !== (url === undefined), {
        error: 'name either a path or a url',
      }),
  )
  .default([])
  .describe('Services of others behind the API, and how each is expected to behave from here.')

/** JSON Pointers to the texts of a document. */
function leavesOf(value: unknown, at = ''): string[] {
  if (typeof value !== 'object' || value === null || Object.getOwnPropertySymbols(value).length > 0) return [at]
  return Object.entries(value).flatMap(([key, part]) =>
    leavesOf(part, `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  )
}
