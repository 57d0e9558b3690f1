import { byName } from '../compare.js'
import { counted, type MigrationTool } from '../tool.js'

export const typeorm: MigrationTool = {
  name: 'TypeORM',
  tables: [{ table: 'migrations', columns: ['id', 'timestamp', 'name'], judge: counted }],
  compare: byName(['timestamp'], {
    ofFile: ({ path }) => /^(\d{13})-[^/]*\.[cm]?[jt]s$/.exec(path)?.[1] ?? null,
    ofRow: ({ timestamp = null }) => timestamp,
  }),
  applies: 'npx typeorm migration:run',
}
