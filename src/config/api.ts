import { z } from 'zod'
import { duration, name, text } from './values.js'

/** A path on the API server. It is appended to the server's URL, so that a prefix there stays. */
const path = z.string().regex(/^\/(?!\/)/, 'write a path that starts with one slash')
const method = z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'])
const status = z.int().min(100).max(599)
const statuses = z.union([status, z.array(status).min(1)]).transform((one) => [one].flat())

/** A place in a JSON document (RFC 6901). */
const pointer = z.string().regex(/^(\/([^~]|~[01])*)?$/, 'write a JSON Pointer (RFC 6901): /data/access_token')
/** Where an answer holds a token: in its JSON, or in a cookie. */
const place = z.union([pointer, z.strictObject({ cookie: name })], {
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
      path,
      method: method.default('GET'),
      status: statuses.optional(),
      type: z.enum(['json', 'html', 'text']).optional(),
      budget: duration.optional(),
    }),
  ],
  { error: 'write a path, or { path, method, status, type, budget }' },
)

/** The `api` part of a config: the server that is asked. */
export const apiConfig = z.strictObject({
  url: text,
  headers: z.record(name, text).default({}),
  timeout: duration.prefault('10s'),
  maxBodyBytes: z.int().positive().default(1_048_576),
  endpoints: z.array(endpoint).default([]),
  start: z.array(name).min(1).optional(),
})

const algorithms = [
  ...['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const

const jwtConfig = z
  .strictObject({
    secret: text.optional(),
    secretEncoding: z.enum(['utf8', 'base64', 'base64url', 'hex']).default('utf8'),
    publicKey: text.optional(),
    privateKey: text.optional(),
    jwks: text.optional(),
    algorithm: z.enum(algorithms).optional(),
    issuer: text.optional(),
    audience: text.optional(),
    accessTokenLifetime: duration.optional(),
    refreshTokenLifetime: duration.optional(),
    tolerance: duration.prefault('5s'),
  })
  .refine(({ secret, publicKey, privateKey, jwks }) => secret ?? publicKey ?? privateKey ?? jwks, {
    error: 'name a key: secret, publicKey, privateKey or jwks',
  })
  .refine(({ secret, publicKey, privateKey, jwks }) => !secret || !(publicKey ?? privateKey ?? jwks), {
    error: 'name either a secret or keys of a pair, not both',
  })

const loginConfig = z
  .strictObject({
    path,
    method: method.default('POST'),
    type: z.enum(['json', 'form', 'basic']).default('json'),
    body,
    fields: z.strictObject({ user: pointer.optional(), password: pointer.optional() }).prefault({}),
    accessToken: place.optional(),
    refreshToken: place.optional(),
    tryWrongPassword: z.boolean().default(true),
    samples: z.int().min(1).max(20).default(1),
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
  path,
  method: method.default('POST'),
  field: name.optional(),
  body: body.default({}),
  accessToken: place.optional(),
  refreshToken: place.optional(),
  rotates: z.boolean().optional(),
  reuse: z.enum(['refused', 'accepted']).optional(),
})

const registerConfig = z.strictObject({
  path,
  method: method.default('POST'),
  enabled: z.boolean().default(false),
  body: body.default({}),
  weakPasswords: z.array(z.string().min(1)).min(1).default(['12345678', 'password', 'aaaaaaaaaaaa']),
  remove: z.strictObject({ path, method: method.default('DELETE') }).optional(),
})

/** The `auth` part of a config: how one signs in, and what is promised to who did. */
export const authConfig = z.strictObject({
  jwt: jwtConfig.optional(),
  login: loginConfig.optional(),
  accessToken: text.optional(),
  scheme: z
    .string()
    .regex(/^[\w-]+$/, 'write one word: Bearer, JWT, Token')
    .default('Bearer'),
  refusals: z.array(status).min(1).default([400, 401, 403, 422]),
  protected: z
    .strictObject({
      path,
      identity: z.strictObject({ pointer, equals: z.union([text, z.number()]) }).optional(),
    })
    .optional(),
  refresh: refreshConfig.optional(),
  logout: z
    .strictObject({ path, method: method.default('POST'), field: name.optional(), body: body.default({}) })
    .optional(),
  forbidden: z.array(z.strictObject({ path, method: method.default('GET') })).default([]),
  register: registerConfig.optional(),
})

const service = {
  name,
  method: method.default('GET'),
  body: body.optional(),
  signedIn: z.boolean().default(false),
  timeout: duration.prefault('5s'),
  note: z.string().optional(),
}
const where = { path: path.optional(), url: text.optional() }

/** The `external` part of a config: services of others behind the API, and how each is expected to behave from here. */
export const externalConfig = z
  .array(
    z
      .discriminatedUnion(
        'expect',
        [
          z.strictObject({ ...service, ...where, expect: z.literal('redirect'), to: name.optional() }),
          z.strictObject({ ...service, ...where, expect: z.literal('timeout') }),
          z.strictObject({ ...service, ...where, expect: z.literal('unauthorized') }),
          z.strictObject({ ...service, ...where, expect: z.literal('status'), status: statuses }),
        ],
        { error: 'say what to expect: redirect, timeout, unauthorized or status' },
      )
      .refine(({ path, url }) => (path === undefined) !== (url === undefined), {
        error: 'name either a path or a url',
      }),
  )
  .default([])

/** JSON Pointers to the texts of a document. */
function leavesOf(value: unknown, at = ''): string[] {
  if (typeof value !== 'object' || value === null || Object.getOwnPropertySymbols(value).length > 0) return [at]
  return Object.entries(value).flatMap(([key, part]) =>
    leavesOf(part, `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  )
}
