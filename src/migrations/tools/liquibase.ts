import { counted, lock, type MigrationTool } from '../tool.js'

export const liquibase: MigrationTool = {
  name: 'Liquibase',
  tables: [
    { table: 'databasechangelog', columns: ['id', 'author', 'orderexecuted'], judge: counted },
    {
      table: 'databasechangeloglock',
      columns: ['locked', 'lockgranted', 'lockedby'],
      reads: ['locked', 'lockgranted', 'lockedby'],
      judge: lock,
    },
  ],
  repair: () => ['liquibase list-locks', 'liquibase release-locks'],
}
