export { sql } from 'kysely'
export { z } from 'zod'
export {
  type Check,
  type CheckContext,
  type CheckId,
  type Coverage,
  defineCheck,
  type Message,
} from './check.js'
export type { DeclaredSide } from './config/database.js'
export type { Given, Need } from './config/given.js'
export { env, file } from './config/reference.js'
export { duration } from './config/values.js'
export {
  type Config,
  type ConfigInput,
  type DatabaseConfig,
  defineConfig,
} from './config.js'
export type { Depth } from './depth.js'
export { type Chart, type Diagnosis, defineDiagnosis } from './diagnosis.js'
export {
  type Catalog,
  type Column,
  countedTables,
  type ForeignKey,
  findTable,
  heldHere,
  type Index,
  type Key,
  leavesOf,
  nameOf,
  type Relation,
  type Table,
} from './dialects/catalog.js'
export type {
  Answer,
  Asked,
  DialectName,
  Failure,
  Opening,
  Orphan,
  Orphans,
  Relationship,
  RoundTrip,
  Session,
  Trace,
  UnopenedOutcome,
} from './dialects/dialect.js'
export { DbdoctorError, type ErrorCode } from './errors.js'
export { matcher } from './globs.js'
export type { Layer } from './layers.js'
export { definePlugin, type Plugin } from './plugin.js'
export { get, keysOf } from './pointer.js'
export { type Forgery, forge } from './probes/forgeries.js'
export type { Answered, Http, HttpAnswer, HttpRequest, Unanswered } from './probes/http.js'
export { isThrottled, throttled, told } from './probes/http.js'
export { type Decoded, decode, type TokenFault, type Verification } from './probes/jwt.js'
export type { Keys, Loading } from './probes/keys.js'
export { type PasswordAnswer, verifyPassword } from './probes/password.js'
export { jsonOf, type ProbeUser, type Token, type Tokens, tokenIn } from './probes/sign-in.js'
export { strongPassword, type Throwaway, throwaway } from './probes/throwaway.js'
export { type Inferred, inferRelationships, isDeclared } from './relationships.js'
export type * from './report.js'
export { type Summary, summarize } from './statistics.js'
export { ago, agreeing, lasting, listed, milliseconds, pluralize, quoted, typed } from './words.js'
