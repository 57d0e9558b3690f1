import { definePlugin } from 'dbdoctor'
import latency from './connection/latency.js'
import opens from './connection/opens.js'
import allWell from './diagnoses/all-well.js'
import dataDamaged from './diagnoses/data-damaged.js'
import databaseUnreachable from './diagnoses/database-unreachable.js'
import inconclusive from './diagnoses/inconclusive.js'
import rowsOrphaned from './diagnoses/rows-orphaned.js'
import schemaIncomplete from './diagnoses/schema-incomplete.js'
import foreignKeys from './integrity/foreign-keys.js'
import orphanedRows from './integrity/orphaned-rows.js'
import rowCounts from './integrity/row-counts.js'
import indexes from './schema/indexes.js'
import tables from './schema/tables.js'

/** The checks and diagnoses that come with dbdoctor. */
export default definePlugin({
  name: 'dbdoctor',
  checks: [opens, latency, tables, indexes, foreignKeys, orphanedRows, rowCounts],
  diagnoses: [databaseUnreachable, schemaIncomplete, rowsOrphaned, dataDamaged, inconclusive, allWell],
})
