import { byFileName, byName } from '../compare.js'
import { counted, type MigrationTool } from '../tool.js'

export const nodePgMigrate: MigrationTool = {
  name: 'node-pg-migrate',
  tables: [{ table: 'pgmigrations', columns: ['id', 'name', 'run_on'], judge: counted }],
  compare: byName(['name'], byFileName),
  applies: 'npx node-pg-migrate up',
}
