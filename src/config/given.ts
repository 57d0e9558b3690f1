import type { z } from 'zod'
import { DbdoctorError } from '../contracts/errors.js'
import { readMigrations } from '../migrations/folder.js'
import { get } from '../values/pointer.js'
import type { apiConfig, authConfig, externalConfig } from './api.js'
import type { DatabaseConfig } from './database.js'
import { type Resolved, resolve, type Surroundings } from './reference.js'
import { readSnapshot } from './snapshot.js'

/** What a config says of what is examined; not which checks and plugins there are. */
interface Settings {
  readonly database: DatabaseConfig
  readonly api?: z.output<typeof apiConfig> | undefined
  readonly auth: z.output<typeof authConfig>
  readonly external: z.output<typeof externalConfig>
}

/** The parts of a config that a check may need, by name. A check whose needs are not configured has nothing to do. */
const parts = {
  users: ({ database }: Settings) => database.users,
  api: ({ api }: Settings) => api,
  endpoints: ({ api }: Settings) => (api && api.endpoints.length > 0 ? api.endpoints : undefined),
  jwt: ({ auth }: Settings) => auth.jwt,
  login: ({ auth }: Settings) => auth.login,
  /** A way to become the probe user: signing in, or a token from elsewhere. */
  session: ({ auth: { login, accessToken, scheme } }: Settings) =>
    login || accessToken ? { login, accessToken, scheme } : undefined,
  /** Statuses that count as "no" where a request should be refused. */
  refusals: ({ auth }: Settings) => auth.refusals,
  protected: ({ auth }: Settings) => auth.protected,
  refresh: ({ auth }: Settings) => auth.refresh,
  logout: ({ auth }: Settings) => auth.logout,
  forbidden: ({ auth }: Settings) => (auth.forbidden.length > 0 ? auth.forbidden : undefined),
  register: ({ auth }: Settings) => (auth.register?.enabled ? auth.register : undefined),
  external: ({ external }: Settings) => (external.length > 0 ? external : undefined),
  migrations: ({ database }: Settings) => database.migrations,
  writes: ({ database }: Settings) => database.writes,
  snapshot: ({ database }: Settings) => database.expect.snapshot,
}

/** Parts that name a file or a folder, seen from the config: a check is given what is in it. */
const documents = {
  migrations: ({ database: { migrations } }: Settings, folder: string) =>
    migrations && readMigrations(migrations, folder),
  snapshot: ({ database: { expect } }: Settings, folder: string) =>
    expect.snapshot && readSnapshot(expect.snapshot, folder),
}

export type PartName = keyof typeof parts
/** A part that a check needs; with a question mark, one that it uses where the config has it. */
export type Need = PartName | `${PartName}?`
/** The parts that a check is given for its needs. */
export type GivenFor<N extends Need> = {
  readonly [Name in Extract<N, PartName>]: Given[Name]
} & {
  readonly [Name in N as Name extends `${infer Part extends PartName}?`
    ? Part
    : never]?: Name extends `${infer Part extends PartName}?` ? Given[Part] : never
}
/** The needed parts of a config, their references replaced and their files read. */
export type Given = {
  readonly [Name in PartName]: Name extends keyof typeof documents
    ? Exclude<ReturnType<(typeof documents)[Name]>, undefined | ''>
    : Resolved<NonNullable<ReturnType<(typeof parts)[Name]>>>
}

/** Where a config has each part, as a message names it. */
const places: Record<PartName, string> = {
  users: 'database.users',
  api: 'api',
  endpoints: 'api.endpoints',
  jwt: 'auth.jwt',
  login: 'auth.login',
  session: 'auth.login or auth.accessToken',
  refusals: 'auth.refusals',
  protected: 'auth.protected',
  refresh: 'auth.refresh',
  logout: 'auth.logout',
  forbidden: 'auth.forbidden',
  register: 'auth.register',
  external: 'external',
  migrations: 'database.migrations',
  writes: 'database.writes',
  snapshot: 'database.expect.snapshot',
}

/** Where a config would have a part. */
export function placeOf(part: PartName): string {
  return places[part]
}

/** Longer than any header that a server accepts, in characters. */
const longestToken = 16_384

/** The first of these parts that the config lacks; null where it has all that are needed. */
export function lacking(config: Settings, needs: readonly Need[]): PartName | null {
  return (needs.find((need) => isPart(need) && parts[need](config) === undefined) as PartName | undefined) ?? null
}

function isPart(need: Need): need is PartName {
  return need in parts
}

/**
 * The parts that are needed, with their references replaced and their files read, and the secrets among them. Throws
 * `ERR_ENVIRONMENT_UNSET`, `ERR_CONFIG_INVALID` or `ERR_SNAPSHOT_INVALID`; no message holds a value.
 */
export function givenBy(
  config: Settings,
  needs: Iterable<Need>,
  surroundings: Surroundings,
): { readonly given: Partial<Given>; readonly secrets: ReadonlySet<string> } {
  const referenced: string[] = []
  const wanted = [...needs]
  const resolved = Object.entries(parts).flatMap(([name, partOf]) => {
    const part = partOf(config)
    const needed = wanted.includes(name as PartName)
    if (part === undefined || !(needed || wanted.includes(`${name as PartName}?`))) return []
    try {
      if (isDocument(name)) return [[name, documents[name](config, surroundings.folder)]]
      return [[name, resolve<unknown>(part, surroundings, (text) => referenced.push(text))]]
    } catch (error) {
      // What a check can do without need not be set; a file that is named has to be there.
      if (needed || isDocument(name)) throw error
      return []
    }
  })
  const given = Object.fromEntries(resolved) as Partial<Given>
  validate(given)
  return { given, secrets: secretsOf(given, referenced) }
}

function isDocument(name: string): name is keyof typeof documents {
  return name in documents
}

function validate({ api, external = [], session }: Partial<Given>): void {
  if (api) validateUrl('api.url', api.url)
  for (const { name, url } of external) if (url !== undefined) validateUrl(`external "${name}": url`, url)
  const token = session?.accessToken
  if (token === undefined) return
  const fault =
    token.length > longestToken ? `is longer than ${longestToken} characters` : 'holds a space or a line break'
  if (token.length > longestToken || /\s/.test(token))
    throw new DbdoctorError('ERR_CONFIG_INVALID', `auth.accessToken ${fault}`, 'write the token alone, as it is sent')
}

/** An address that may hold a password is never repeated. */
function validateUrl(setting: string, text: string): void {
  const refuse = (what: string) =>
    new DbdoctorError('ERR_CONFIG_INVALID', `${setting} ${what}`, 'write it like https://api.example.com:8443/prefix')
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw refuse('is not a URL with scheme and host')
  }
  if (!/^https?:$/.test(url.protocol)) throw refuse('has a scheme that is neither http nor https')
  if (url.username || url.password) throw refuse('has credentials in it')
  if (url.search || url.hash) throw refuse('has a query or a fragment')
}

/** What must never be seen in a report: what is secret by its place, and what else came from outside the config. */
function secretsOf({ api, session, jwt, external = [], protected: route }: Partial<Given>, referenced: string[]) {
  const login = session?.login
  const user = login && get(login.body, login.fields.user)
  const open = [
    ...[api?.url, user, jwt?.issuer, jwt?.audience, jwt?.publicKey, jwt?.jwks, route?.identity?.equals],
    ...external.map(({ url }) => url),
  ]
  const secret = [
    ...referenced.filter((text) => !open.includes(text)),
    ...[jwt?.secret, jwt?.privateKey, session?.accessToken, login && get(login.body, login.fields.password)],
    ...Object.values(api?.headers ?? {}),
  ]
  return new Set(secret.filter((text) => typeof text === 'string'))
}
