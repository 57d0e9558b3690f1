export { sql } from 'kysely'
export { z } from 'zod'
export {
  type Config,
  type ConfigInput,
  defineConfig,
} from './config/config.js'
export type { DatabaseConfig, DeclaredSide } from './config/database.js'
export type { Given, Need } from './config/given.js'
export { type Environment, env, file } from './config/reference.js'
export type { Snapshot } from './config/snapshot-format.js'
export { duration, size } from './config/values.js'
export {
  type Check,
  type CheckContext,
  type CheckId,
  type Coverage,
  defineCheck,
  type Message,
} from './contracts/check.js'
export type { Depth } from './contracts/depth.js'
export { type Chart, type Diagnosis, defineDiagnosis } from './contracts/diagnosis.js'
export { DbdoctorError, type ErrorCode, misspelt } from './contracts/errors.js'
export type { Layer } from './contracts/layers.js'
export { definePlugin, type Plugin } from './contracts/plugin.js'
export type { Repair } from './contracts/repair.js'
export type { RepairClass } from './contracts/repair-class.js'
export { defineReporter, type RenderOptions, type Reporter } from './contracts/reporter.js'
export {
  allowsNull,
  type Catalog,
  type CheckConstraint,
  type Column,
  checksOf,
  countedIndexes,
  countedTables,
  type ForeignKey,
  findTable,
  groupBy,
  heldHere,
  type Index,
  indexesOf,
  isSmall,
  type Key,
  leavesOf,
  nameOf,
  ownName,
  type Relation,
  type Table,
} from './dialects/catalog.js'
export { type Definition, type DefinitionKind, type Definitions, isRelation } from './dialects/definitions.js'
export type {
  Answer,
  AnyKysely,
  Asked,
  Backlog,
  CrashTrace,
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
  UnopenedOutcome,
} from './dialects/dialect.js'
export { rowsOfEach } from './dialects/postgres/rows-of-each.js'
export { takenRelations } from './dialects/postgres/taken.js'
export { roleSearchPath } from './dialects/search-path.js'
export type { RunEvent } from './engine/run.js'
export type { MigrationFile, MigrationFolder } from './migrations/folder.js'
export type {
  Comparison,
  HistoryRow,
  HistoryTable,
  MigrationHistory,
  MigrationState,
  MigrationTool,
} from './migrations/tool.js'
export { migrationTools } from './migrations/tools/index.js'
export { type Forgery, forge } from './probes/forgeries.js'
export { type Illness, illnessIn } from './probes/health.js'
export type { Answered, Http, HttpAnswer, HttpRequest, Unanswered } from './probes/http.js'
export { isThrottled, throttled, told, whenAgain } from './probes/http.js'
export { type Identity, identityFault, isNobody, isWithheld } from './probes/identity.js'
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
export { erroring, isServerAtALoss, isServerFault, unanswered, undecided } from './probes/wording.js'
export { relationshipsByKind } from './relationships/by-kind.js'
export { believed, confidenceOf } from './relationships/confidence.js'
export { declarationOf, relationshipsOf } from './relationships/configured.js'
export { type Inferred, inferRelationships } from './relationships/index.js'
export { isEmpty, type None, noneOfAll, nonesOf } from './relationships/none.js'
export { orphanStatements, unsetStatements } from './relationships/statements.js'
export { indexDisagreements, missingNamed, orphansNamed, pointing, valuesThere } from './relationships/wording.js'
export type { FailOn } from './report/exit-code.js'
export type * from './report/report.js'
export { lookAtPages, partFromLog } from './values/advice.js'
export { ahead } from './values/ahead.js'
export { matcher } from './values/globs.js'
export { inert } from './values/inert.js'
export { slipOf } from './values/nearest.js'
export { get, keysOf } from './values/pointer.js'
export { type Summary, summarize } from './values/statistics.js'
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
  outOf,
  pluralize,
  quoted,
  remarked,
  typed,
} from './values/text.js'
