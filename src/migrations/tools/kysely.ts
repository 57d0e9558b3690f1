import { byFileName, byName } from '../compare.js'
import { counted, lock, type MigrationTool } from '../tool.js'

export const kysely: MigrationTool = {
  name: 'Kysely',
  tables: [
    { table: 'kysely_migration', columns: ['name', 'timestamp'], judge: counted },
    { table: 'kysely_migration_lock', columns: ['is_locked'], reads: ['is_locked'], judge: lock },
  ],
  compare: byName(['name'], byFileName),
  repair: ({ table }) => [`update ${table} set is_locked = 0`],
}
