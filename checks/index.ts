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
import diagnoses from './diagnoses/index.js'
import services from './external/services.js'
import foreignKeys from './integrity/foreign-keys.js'
import orphanedRows from './integrity/orphaned-rows.js'
import rowCounts from './integrity/row-counts.js'
import indexes from './schema/indexes.js'
import migrations from './schema/migrations.js'
import tables from './schema/tables.js'
import endpoints from './server/endpoints.js'
import serverLatency from './server/latency.js'
import reachable from './server/reachable.js'

/** The checks and diagnoses that come with dbdoctor. */
export default definePlugin({
  name: 'dbdoctor',
  checks: [
    ...[opens, latency, restarts],
    ...[tables, indexes, migrations],
    ...[foreignKeys, orphanedRows, rowCounts],
    ...[reachable, endpoints, serverLatency],
    ...[probeUser, jwtRoundTrip, login, token, protectedRoute, refresh, sessions, roles, registration, passwords],
    services,
  ],
  diagnoses,
})
