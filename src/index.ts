export { sql } from 'kysely'
export { z } from 'zod'
export {
  type Check,
  type CheckContext,
  type CheckId,
  type Coverage,
  defineCheck,
  type Layer,
  type Message,
} from './check.js'
export {
  type Config,
  type ConfigInput,
  type DatabaseConfig,
  type DeclaredSide,
  defineConfig,
  duration,
  env,
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
  DialectName,
  Failure,
  Opening,
  Orphan,
  Orphans,
  Relationship,
  RoundTrip,
  Session,
  UnopenedOutcome,
} from './dialects/dialect.js'
export { DbdoctorError, type ErrorCode } from './errors.js'
export { matcher } from './globs.js'
export { definePlugin, type Plugin } from './plugin.js'
export { type Inferred, inferRelationships, isDeclared } from './relationships.js'
export type * from './report.js'
export { agreeing, listed, milliseconds, pluralize, quoted } from './words.js'
