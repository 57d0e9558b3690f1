import { byFileName, byName } from '../compare.js'
import { counted, type MigrationTool } from '../tool.js'

export const sequelize: MigrationTool = {
  name: 'Sequelize',
  tables: [{ table: 'SequelizeMeta', columns: ['name'], judge: counted }],
  compare: byName(['name'], byFileName),
  applies: 'npx sequelize-cli db:migrate',
}
