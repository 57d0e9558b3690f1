import { byName, byVersion } from '../compare.js'
import { counted, type MigrationTool } from '../tool.js'

export const ecto: MigrationTool = {
  name: 'Ecto',
  tables: [{ table: 'schema_migrations', columns: ['version', 'inserted_at'], judge: counted }],
  compare: byName(['version'], byVersion),
  applies: 'mix ecto.migrate',
}
