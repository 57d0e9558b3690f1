/** What a user can get wrong. Outsiders match on the code; the message is for people. */
export type ErrorCode =
  | 'ERR_USAGE'
  | 'ERR_TARGET_INVALID'
  | 'ERR_CONFIG_NOT_FOUND'
  | 'ERR_CONFIG_INVALID'
  | 'ERR_ENVIRONMENT_UNSET'
  | 'ERR_UNKNOWN_CHECK'
  | 'ERR_UNKNOWN_FORMAT'
  | 'ERR_UNKNOWN_SCENARIO'
  | 'ERR_DUPLICATE_CHECK'
  | 'ERR_DUPLICATE_DIAGNOSIS'
  | 'ERR_CHECK_INVALID'
  | 'ERR_CYCLE'
  | 'ERR_EMPTY_SELECTION'
  | 'ERR_OUTPUT'

/** A mistake of the user's: printed as two lines (what is wrong, the way out) without a stack, exit code 2. */
export class DbdoctorError extends Error {
  readonly code: ErrorCode
  readonly hint: string

  constructor(code: ErrorCode, message: string, hint: string) {
    super(message)
    this.name = 'DbdoctorError'
    this.code = code
    this.hint = hint
  }
}
