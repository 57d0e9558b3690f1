export { sql } from 'kysely'
export { z } from 'zod'
export { lookAtPages } from './advice.js'
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
export { type Environment, env, file } from './config/reference.js'
export { duration, size } from './config/values.js'
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
  type CheckConstraint,
  type Column,
  countedIndexes,
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
export { type Definition, type DefinitionKind, type Definitions, isRelation } from './dialects/definitions.js'
export type {
  Answer,
  AnyKysely,
  Asked,
  DialectName,
  Disk,
  Failure,
  Opening,
  Orphan,
  Orphans,
  PageFault,
  PageLook,
  PageScope,
  Relationship,
  Remark,
  RoundTrip,
  Session,
  Trace,
  UnopenedOutcome,
} from './dialects/dialect.js'
export { takenRelations } from './dialects/postgres/taken.js'
export { roleSearchPath } from './dialects/search-path.js'
export { DbdoctorError, type ErrorCode } from './errors.js'
export type { FailOn } from './exit-code.js'
export { matcher } from './globs.js'
export type { Layer } from './layers.js'
export { type Comparison, comparedColumns, compareMigrations } from './migrations/compare.js'
export type { MigrationFile, MigrationFolder } from './migrations/folder.js'
export {
  type HistoryRow,
  type MigrationHistory,
  type MigrationState,
  type MigrationTool,
  migrationTools,
} from './migrations/tools.js'
export { nearest } from './nearest.js'
export { definePlugin, type Plugin } from './plugin.js'
export { get, keysOf } from './pointer.js'
export { type Forgery, forge } from './probes/forgeries.js'
export { type Illness, illnessIn } from './probes/health.js'
export type { Answered, Http, HttpAnswer, HttpRequest, Unanswered } from './probes/http.js'
export { isThrottled, throttled, told, whenAgain } from './probes/http.js'
export { type Decoded, decode, type TokenFault, type Verification } from './probes/jwt.js'
export type { Keys, Loading } from './probes/keys.js'
export { type PasswordAnswer, verifyPassword } from './probes/password.js'
export {
  accessTokenPlaces,
  givingAnswer,
  jsonOf,
  type ProbeUser,
  reasonIn,
  type StoredPassword,
  type Token,
  type Tokens,
  tokenIn,
} from './probes/sign-in.js'
export { strongPassword, type Throwaway, throwaway } from './probes/throwaway.js'
export {
  type Inferred,
  inferRelationships,
  isDeclared,
  type Polymorphic,
  polymorphicColumns,
  relationshipOfKind,
} from './relationships/index.js'
export { isEmpty, type None, nonesOf } from './relationships/none.js'
export { orphanStatements } from './relationships/statements.js'
export { indexDisagreements, missingNamed, orphansNamed } from './relationships/wording.js'
export type * from './report.js'
export { inert } from './reporters/inert.js'
export { defineReporter, type RenderOptions, type Reporter } from './reporters/reporter.js'
export type { RunEvent } from './run.js'
export type { Snapshot } from './snapshot.js'
export { type Summary, summarize } from './statistics.js'
export {
  ago,
  agreeing,
  bytes,
  identifier,
  lasting,
  lately,
  listed,
  literal,
  milliseconds,
  pluralize,
  quoted,
  remarked,
  typed,
} from './words.js'
