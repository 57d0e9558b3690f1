import type { MigrationTool } from '../tool.js'
import { alembic } from './alembic.js'
import { django } from './django.js'
import { drizzle } from './drizzle.js'
import { ecto } from './ecto.js'
import { flyway } from './flyway.js'
import { golangMigrate } from './golang-migrate.js'
import { knex } from './knex.js'
import { kysely } from './kysely.js'
import { liquibase } from './liquibase.js'
import { nodePgMigrate } from './node-pg-migrate.js'
import { prisma } from './prisma.js'
import { rails } from './rails.js'
import { sequelize } from './sequelize.js'
import { typeorm } from './typeorm.js'

/** Where two share a table's name, the one with more columns comes first. */
export const migrationTools: readonly MigrationTool[] = [
  prisma,
  kysely,
  knex,
  drizzle,
  typeorm,
  sequelize,
  alembic,
  django,
  flyway,
  liquibase,
  golangMigrate,
  ecto,
  rails,
  nodePgMigrate,
]
