import { definePlugin } from 'dbdoctor'
import jwtRoundTrip from './auth/jwt-round-trip.js'
import login from './auth/login.js'
import passwords from './auth/passwords.js'
import probeUser from './auth/probe-user.js'
import protectedRoute from './auth/protected.js'
import refresh from './auth/refresh.js'
import registration from './auth/registration.js'
import roles from './auth/roles.js'
import sessions from './auth/sessions.js'
import token from './auth/token.js'
import latency from './connection/latency.js'
import opens from './connection/opens.js'
import restarts from './connection/restarts.js'
import allWell from './diagnoses/all-well.js'
import apiServerErroring from './diagnoses/api-server-erroring.js'
import apiServerHanging from './diagnoses/api-server-hanging.js'
import apiServerNotRunning from './diagnoses/api-server-not-running.js'
import apiServerSlow from './diagnoses/api-server-slow.js'
import apiServerUnreachable from './diagnoses/api-server-unreachable.js'
import apiUpButNotItsDatabase from './diagnoses/api-up-but-not-its-database.js'
import applicationFault from './diagnoses/application-fault.js'
import clockSkew from './diagnoses/clock-skew.js'
import dataDamaged from './diagnoses/data-damaged.js'
import databaseAccessDenied from './diagnoses/database-access-denied.js'
import databaseCrashedAndRecovered from './diagnoses/database-crashed-and-recovered.js'
import databaseFileMissing from './diagnoses/database-file-missing.js'
import databaseHanging from './diagnoses/database-hanging.js'
import databaseInRecovery from './diagnoses/database-in-recovery.js'
import databaseLocked from './diagnoses/database-locked.js'
import databaseNotRunning from './diagnoses/database-not-running.js'
import databaseStarting from './diagnoses/database-starting.js'
import databaseStopping from './diagnoses/database-stopping.js'
import databaseUnreachable from './diagnoses/database-unreachable.js'
import externalAsExpected from './diagnoses/external-as-expected.js'
import externalUnexpected from './diagnoses/external-unexpected.js'
import inconclusive from './diagnoses/inconclusive.js'
import jwtKeyMismatch from './diagnoses/jwt-key-mismatch.js'
import loginRefusesRightPassword from './diagnoses/login-refuses-right-password.js'
import notADatabase from './diagnoses/not-a-database.js'
import passwordRulesOff from './diagnoses/password-rules-off.js'
import poolerWithoutServer from './diagnoses/pooler-without-server.js'
import probeUserMissing from './diagnoses/probe-user-missing.js'
import routeUnprotected from './diagnoses/route-unprotected.js'
import rowsOrphaned from './diagnoses/rows-orphaned.js'
import schemaIncomplete from './diagnoses/schema-incomplete.js'
import sessionsBroken from './diagnoses/sessions-broken.js'
import statisticsLost from './diagnoses/statistics-lost.js'
import tokenLifetimeWrong from './diagnoses/token-lifetime-wrong.js'
import tooManyConnections from './diagnoses/too-many-connections.js'
import writerInterrupted from './diagnoses/writer-interrupted.js'
import wrongDatabaseName from './diagnoses/wrong-database-name.js'
import wrongDatabasePassword from './diagnoses/wrong-database-password.js'
import wrongServiceOnPort from './diagnoses/wrong-service-on-port.js'
import wrongTestCredentials from './diagnoses/wrong-test-credentials.js'
import services from './external/services.js'
import foreignKeys from './integrity/foreign-keys.js'
import orphanedRows from './integrity/orphaned-rows.js'
import rowCounts from './integrity/row-counts.js'
import indexes from './schema/indexes.js'
import tables from './schema/tables.js'
import endpoints from './server/endpoints.js'
import serverLatency from './server/latency.js'
import reachable from './server/reachable.js'

/** The checks and diagnoses that come with dbdoctor. */
export default definePlugin({
  name: 'dbdoctor',
  checks: [
    ...[opens, latency, restarts],
    ...[tables, indexes],
    ...[foreignKeys, orphanedRows, rowCounts],
    ...[reachable, endpoints, serverLatency],
    ...[probeUser, jwtRoundTrip, login, token, protectedRoute, refresh, sessions, roles, registration, passwords],
    services,
  ],
  // Most specific first: what one explains, the next ones do not repeat.
  diagnoses: [
    ...[databaseNotRunning, databaseFileMissing, databaseStarting, databaseStopping, databaseInRecovery],
    ...[tooManyConnections, wrongDatabasePassword, wrongDatabaseName, databaseAccessDenied, notADatabase],
    ...[databaseLocked, databaseHanging, poolerWithoutServer, wrongServiceOnPort, databaseUnreachable],
    ...[databaseCrashedAndRecovered, statisticsLost, writerInterrupted],
    ...[schemaIncomplete, rowsOrphaned, dataDamaged],
    ...[apiServerNotRunning, apiServerHanging, apiServerUnreachable, apiUpButNotItsDatabase, apiServerErroring],
    ...[
      probeUserMissing,
      wrongTestCredentials,
      loginRefusesRightPassword,
      jwtKeyMismatch,
      clockSkew,
      tokenLifetimeWrong,
    ],
    ...[routeUnprotected, sessionsBroken, passwordRulesOff, applicationFault, apiServerSlow, externalUnexpected],
    ...[inconclusive, allWell, externalAsExpected],
  ],
})
