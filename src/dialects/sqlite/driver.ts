import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { Limits } from '../../contracts/limits.js'
import type { AnyKysely } from '../dialect.js'
import type { Link } from './link.js'

/** Kysely over a link: its one connection is the child's. */
export function kyselyOver(ask: Link['ask'], noted: Limits['noted']): AnyKysely {
  const connection: DatabaseConnection = {
    async executeQuery<R>({ sql, parameters }: CompiledQuery) {
      const began = performance.now()
      try {
        return { rows: (await ask({ kind: 'query', sql, parameters })) as R[] }
      } finally {
        noted?.(sql, performance.now() - began)
      }
    },
    // biome-ignore lint/correctness/useYield: rows come in one answer; there is nothing to stream
    async *streamQuery() {
      throw new Error('a SQLite child answers whole')
    },
  }
  const nothing = async () => {}
  const driver: Driver = {
    init: nothing,
    acquireConnection: async () => connection,
    beginTransaction: nothing,
    commitTransaction: nothing,
    rollbackTransaction: nothing,
    releaseConnection: nothing,
    destroy: nothing,
  }
  return new Kysely({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => driver,
      createIntrospector: (kysely) => new SqliteIntrospector(kysely),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  })
}
