import { byName, byVersion } from '../compare.js'
import { counted, type MigrationTool } from '../tool.js'

export const rails: MigrationTool = {
  name: 'Rails or dbmate',
  tables: [{ table: 'schema_migrations', columns: ['version'], judge: counted }],
  compare: byName(['version'], byVersion),
  applies: 'Rails: bin/rails db:migrate; dbmate: dbmate up',
}
