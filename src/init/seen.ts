import type { Inferred } from '../relationships/index.js'
import type { TargetInfo } from '../report/report.js'

/** What was seen of an application at first sight: all that a first config is made of. Names are the database's and the server's own. */
export interface Seen {
  readonly database: SeenDatabase | null
  readonly api: SeenApi | null
  /** The tool that migrates the database, and how far it is, in a few words; null where none was recognized. */
  readonly migrations: string | null
}

export interface SeenDatabase {
  readonly target: TargetInfo
  /** As expectations name them: with their schema where that isn't the default one. */
  readonly tables: readonly string[]
  readonly indexes: readonly string[]
  readonly foreignKeys: number
  /** Tables that hold rows, and would not be empty in an application that works. */
  readonly populated: readonly string[]
  /** Relationships that no foreign key declares. */
  readonly relationships: readonly SeenRelationship[]
  /** Where the probe user of a login could be looked up. */
  readonly users: SeenUsers | null
}

export interface SeenRelationship {
  /** As `relationships.declare` has it. */
  readonly declaration: string
  readonly why: string
  readonly trust: Inferred['trust']
  /** Values that have a parent, and values at all; null where no row was looked at. */
  readonly values: { readonly matched: number; readonly keyed: number } | null
}

export interface SeenUsers {
  /** Undefined where it is the default one. */
  readonly schema: string | undefined
  readonly table: string
  readonly email: string
  readonly passwordHash: string
}

export interface SeenApi {
  readonly url: string
  /** Where the server describes itself; null where it does not. */
  readonly document: string | null
  /** Routes that tell how the server is: 2xx where it is well. */
  readonly health: readonly { readonly path: string; readonly status: number; readonly json: boolean }[]
  /** A route that looks like the way to sign in. */
  readonly login: SeenLogin | null
}

export interface SeenLogin {
  readonly path: string
  readonly form: boolean
  /** The names of what it is sent, where the server says so. */
  readonly user: string
  readonly password: string
}

/** How many values it takes to be certain of a relationship: fewer agree by chance. */
const enough = 10

/** Whether a relationship is as good as declared: its name alone would do, and every one of its values has its parent. */
export function isCertain({ trust, values }: SeenRelationship): boolean {
  return trust === 'strong' && values !== null && values.keyed >= enough && values.matched === values.keyed
}
