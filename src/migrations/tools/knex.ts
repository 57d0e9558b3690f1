import { remarked } from '../../values/text.js'
import { byFileName, byName } from '../compare.js'
import { counted, lock, type MigrationTool } from '../tool.js'

export const knex: MigrationTool = {
  name: 'Knex',
  tables: [
    { table: 'knex_migrations', columns: ['name', 'batch'], judge: counted },
    { table: 'knex_migrations_lock', columns: ['is_locked'], reads: ['is_locked'], judge: lock },
  ],
  compare: byName(['name'], byFileName),
  applies: 'npx knex migrate:latest',
  repair: ({ table }) => [
    'npx knex migrate:unlock',
    remarked(`update ${table} set is_locked = 0`, 'the same, without Knex'),
  ],
}
