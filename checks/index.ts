import { definePlugin } from 'dbdoctor'
import archiving from './activity/archiving.js'
import locks from './activity/locks.js'
import replication from './activity/replication.js'
import vacuum from './activity/vacuum.js'
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
import capacity from './connection/capacity.js'
import latency from './connection/latency.js'
import opens from './connection/opens.js'
import restarts from './connection/restarts.js'
import diagnoses from './diagnoses/index.js'
import services from './external/services.js'
import assertions from './integrity/assertions.js'
import constraints from './integrity/constraints.js'
import enforcement from './integrity/enforcement.js'
import foreignKeys from './integrity/foreign-keys.js'
import fullText from './integrity/full-text.js'
import orphanedRows from './integrity/orphaned-rows.js'
import partitions from './integrity/partitions.js'
import rowCounts from './integrity/row-counts.js'
import sequences from './integrity/sequences.js'
import writes from './integrity/writes.js'
import drift from './schema/drift.js'
import extensions from './schema/extensions.js'
import indexDesign from './schema/index-design.js'
import indexes from './schema/indexes.js'
import keyTypes from './schema/key-types.js'
import migrations from './schema/migrations.js'
import tables from './schema/tables.js'
import triggers from './schema/triggers.js'
import views from './schema/views.js'
import endpoints from './server/endpoints.js'
import serverLatency from './server/latency.js'
import reachable from './server/reachable.js'
import systemCatalog from './storage/catalog.js'
import checksums from './storage/checksums.js'
import collations from './storage/collations.js'
import pages from './storage/pages.js'
import wraparound from './storage/wraparound.js'

/** The checks and diagnoses that come with dbdoctor. */
export default definePlugin({
  name: 'dbdoctor',
  checks: [
    opens,
    // It has the catalog read, over the connection that is there. What needs none is looked at meanwhile, before the others.
    tables,
    ...[latency, capacity, restarts],
    ...[pages, systemCatalog, checksums, collations, wraparound],
    ...[locks, replication, archiving, vacuum],
    ...[indexes, indexDesign, views, triggers, extensions, drift, migrations, keyTypes],
    ...[foreignKeys, orphanedRows, enforcement, constraints, partitions, fullText, sequences],
    ...[rowCounts, assertions, writes],
    ...[reachable, endpoints, serverLatency],
    ...[probeUser, jwtRoundTrip, login, token, protectedRoute, refresh, sessions, roles, registration, passwords],
    services,
  ],
  diagnoses,
})
