/** What a user can get wrong. Outsiders match on the code; the message is for people. */
export type ErrorCode =
  | 'ERR_USAGE'
  | 'ERR_TARGET_INVALID'
  | 'ERR_CONFIG_NOT_FOUND'
  | 'ERR_CONFIG_INVALID'
  | 'ERR_CONFIG_EXISTS'
  | 'ERR_ENVIRONMENT_UNSET'
  | 'ERR_UNKNOWN_CHECK'
  | 'ERR_UNKNOWN_FORMAT'
  | 'ERR_UNKNOWN_SCENARIO'
  | 'ERR_SCENARIO_UNAVAILABLE'
  | 'ERR_DUPLICATE_CHECK'
  | 'ERR_DUPLICATE_DIAGNOSIS'
  | 'ERR_DUPLICATE_REPORTER'
  | 'ERR_PLUGIN_INVALID'
  | 'ERR_CHECK_INVALID'
  | 'ERR_CYCLE'
  | 'ERR_EMPTY_SELECTION'
  | 'ERR_OUTPUT'
  | 'ERR_REPORT_INVALID'
  | 'ERR_HISTORY_INVALID'
  | 'ERR_BASELINE_INVALID'
  | 'ERR_BASELINE_IMPOSSIBLE'
  | 'ERR_SNAPSHOT_INVALID'
  | 'ERR_SNAPSHOT_IMPOSSIBLE'
  | 'ERR_JOURNAL'
  | 'ERR_PLAN_STALE'
  | 'ERR_REPAIR_REFUSED'

/** What these errors are known by, whichever copy of this module made them: the program that starts has its own, and so may a plugin. */
const brand = Symbol.for('dbdoctor.DbdoctorError')

/** A mistake of the user's: printed as two lines (what is wrong, the way out) without a stack, exit code 2. */
export class DbdoctorError extends Error {
  readonly [brand] = true
  readonly code: ErrorCode
  readonly hint: string

  constructor(code: ErrorCode, message: string, hint: string) {
    super(message)
    this.name = 'DbdoctorError'
    this.code = code
    this.hint = hint
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && brand in value
  }
}

/** Refuses a name in a config that is a slip of the pen for another one. */
export function misspelt(place: string, missing: string, meant: string): DbdoctorError {
  return new DbdoctorError(
    'ERR_CONFIG_INVALID',
    `${place}: there is no ${missing}`,
    `did you mean ${meant}? correct it in the config`,
  )
}
