import type { Given } from '../config/given.js'
import type { Limits, OwnLimits } from '../contracts/limits.js'
import type { Database, Dialect, Opening } from '../dialects/dialect.js'
import { type Http, type HttpSettings, httpClient } from '../probes/http.js'
import type { Loading } from '../probes/keys.js'
import { type ProbeUser, probeUser } from '../probes/sign-in.js'

/** What all checks of a run share: what is opened, loaded or signed in once. */
export interface RunContext {
  readonly limits: OwnLimits
  readonly facts: Record<string, number>
  readonly given: Partial<Given>
  /** Opens the database, when the first check asks for it. */
  open(): Promise<Opening>
  /** The open database; null before it is opened, and where it could not be. */
  database(): Database | null
  http(limits: Limits): Http
  user(http: Http): ProbeUser
  /** Loads the keys of the config, when the first check asks for them; null where it has none. */
  keys(http: Http): Promise<Loading | null>
  close(): Promise<void>
}

export interface RunContextOptions {
  readonly dialect: Dialect | null
  readonly given: Partial<Given>
  readonly limits: OwnLimits
  /** What came of opening the database, where the run has waited for it. */
  readonly opening: Opening | null
  /** Until when (`performance.now()`) an API server that refuses connections is asked again. */
  readonly retryUntil: number
  /** The longest that one request may take, in milliseconds; each has a time-out of its own besides. */
  readonly longestRequest: number
  /** Is told every secret that turns up during the run. */
  readonly addSecret: (secret: string) => void
}

export function openRunContext({
  dialect,
  given,
  limits,
  opening: opened,
  retryUntil,
  longestRequest,
  addSecret,
}: RunContextOptions): RunContext {
  let opening: Promise<Opening> | undefined
  let loading: Promise<Loading> | undefined
  let database: Database | null = null
  const settings: Omit<HttpSettings, 'retryUntil'> = given.api ?? {
    url: null,
    headers: {},
    timeout: 10_000,
    maxBodyBytes: 1_048_576,
  }
  return {
    limits,
    given,
    facts: {},
    database: () => database,
    open() {
      if (!dialect) throw new Error('no database is configured')
      opening ??= (opened ? Promise.resolve(opened) : dialect.open(limits)).then((answer) => {
        if (answer.outcome === 'opened') database = answer.database
        return answer
      })
      return opening
    },
    http: (own) => httpClient({ ...settings, timeout: Math.min(settings.timeout, longestRequest), retryUntil }, own),
    user: probeUser(given, addSecret),
    keys(http) {
      const { jwt } = given
      if (!jwt) return Promise.resolve(null)
      loading ??= import('../probes/keys.js').then(({ loadKeys }) => loadKeys(jwt, http))
      return loading
    },
    async close() {
      await opening?.catch(() => {})
      await database?.close()
    },
  }
}
