import type { Diagnosis } from 'dbdoctor'
import allWell from './all-well.js'
import apiServerErroring from './api-server-erroring.js'
import apiServerHanging from './api-server-hanging.js'
import apiServerNotRunning from './api-server-not-running.js'
import apiServerSlow from './api-server-slow.js'
import apiServerUnreachable from './api-server-unreachable.js'
import apiUpButNotItsDatabase from './api-up-but-not-its-database.js'
import applicationFault from './application-fault.js'
import archivingFailed from './archiving-failed.js'
import blockedByALock from './blocked-by-a-lock.js'
import catalogCorrupt from './catalog-corrupt.js'
import clockSkew from './clock-skew.js'
import collationChanged from './collation-changed.js'
import damageHidden from './damage-hidden.js'
import dataDamaged from './data-damaged.js'
import databaseAccessDenied from './database-access-denied.js'
import databaseCrashedAndRecovered from './database-crashed-and-recovered.js'
import databaseFileMissing from './database-file-missing.js'
import databaseHanging from './database-hanging.js'
import databaseInRecovery from './database-in-recovery.js'
import databaseLocked from './database-locked.js'
import databaseNotRunning from './database-not-running.js'
import databaseReadOnly from './database-read-only.js'
import databaseRestarted from './database-restarted.js'
import databaseSlow from './database-slow.js'
import databaseStarting from './database-starting.js'
import databaseStopping from './database-stopping.js'
import databaseUnreachable from './database-unreachable.js'
import diskFull from './disk-full.js'
import extensionMissing from './extension-missing.js'
import externalAsExpected from './external-as-expected.js'
import externalUnexpected from './external-unexpected.js'
import fileCorrupt from './file-corrupt.js'
import fullTextOutdated from './full-text-outdated.js'
import inconclusive from './inconclusive.js'
import indexCorrupt from './index-corrupt.js'
import indexInvalid from './index-invalid.js'
import jwtKeyMismatch from './jwt-key-mismatch.js'
import jwtKeyWeak from './jwt-key-weak.js'
import limitNear from './limit-near.js'
import loginRefusesRightPassword from './login-refuses-right-password.js'
import migrationHalfApplied from './migration-half-applied.js'
import migrationLocked from './migration-locked.js'
import notADatabase from './not-a-database.js'
import notEnforced from './not-enforced.js'
import notVacuumed from './not-vacuumed.js'
import parentsGone from './parents-gone.js'
import passwordRulesOff from './password-rules-off.js'
import poolerWithoutServer from './pooler-without-server.js'
import probeUserInactive from './probe-user-inactive.js'
import probeUserMissing from './probe-user-missing.js'
import rateLimited from './rate-limited.js'
import replicationStuck from './replication-stuck.js'
import restoreIncomplete from './restore-incomplete.js'
import routeUnprotected from './route-unprotected.js'
import rowsOrphaned from './rows-orphaned.js'
import schemaIncomplete from './schema-incomplete.js'
import sequenceBehind from './sequence-behind.js'
import sequenceExhausted from './sequence-exhausted.js'
import serverOnAnotherDatabase from './server-on-another-database.js'
import sessionsBroken from './sessions-broken.js'
import signInDenied from './sign-in-denied.js'
import statisticsLost from './statistics-lost.js'
import tokenLifetimeWrong from './token-lifetime-wrong.js'
import tooManyConnections from './too-many-connections.js'
import transactionLeftOpen from './transaction-left-open.js'
import triggerOutdated from './trigger-outdated.js'
import walMismatch from './wal-mismatch.js'
import writerInterrupted from './writer-interrupted.js'
import writesRefused from './writes-refused.js'
import wrongDatabaseName from './wrong-database-name.js'
import wrongDatabasePassword from './wrong-database-password.js'
import wrongServiceOnPort from './wrong-service-on-port.js'
import wrongTestCredentials from './wrong-test-credentials.js'

/** Most specific first: what one explains, the next ones do not repeat. The engine puts the causes that fit in the order of their layers. */
const diagnoses: readonly Diagnosis[] = [
  ...[databaseNotRunning, databaseFileMissing, databaseStarting, databaseStopping, databaseInRecovery],
  ...[tooManyConnections, wrongDatabasePassword, wrongDatabaseName, databaseAccessDenied, notADatabase],
  ...[databaseLocked, databaseHanging, poolerWithoutServer, wrongServiceOnPort],
  ...[walMismatch, catalogCorrupt, collationChanged, fullTextOutdated, indexCorrupt, fileCorrupt],
  ...[
    diskFull,
    blockedByALock,
    databaseReadOnly,
    replicationStuck,
    archivingFailed,
    databaseCrashedAndRecovered,
    databaseRestarted,
    statisticsLost,
    writerInterrupted,
    databaseUnreachable,
  ],
  ...[
    migrationHalfApplied,
    restoreIncomplete,
    indexInvalid,
    extensionMissing,
    schemaIncomplete,
    parentsGone,
    rowsOrphaned,
    sequenceBehind,
    sequenceExhausted,
    writesRefused,
    dataDamaged,
  ],
  ...[
    migrationLocked,
    transactionLeftOpen,
    databaseSlow,
    damageHidden,
    triggerOutdated,
    notEnforced,
    notVacuumed,
    limitNear,
  ],
  ...[apiServerNotRunning, apiServerHanging, apiServerUnreachable, apiUpButNotItsDatabase, apiServerErroring],
  ...[probeUserMissing, probeUserInactive, signInDenied, rateLimited],
  ...[
    serverOnAnotherDatabase,
    wrongTestCredentials,
    loginRefusesRightPassword,
    clockSkew,
    jwtKeyMismatch,
    tokenLifetimeWrong,
  ],
  ...[
    routeUnprotected,
    sessionsBroken,
    passwordRulesOff,
    jwtKeyWeak,
    applicationFault,
    apiServerSlow,
    externalUnexpected,
  ],
  ...[inconclusive, allWell, externalAsExpected],
]

export default diagnoses
