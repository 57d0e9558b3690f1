import { type RawBuilder, sql } from 'kysely'
import type { Read } from '../dialect.js'
import { sizeOf } from './file.js'

/** Files of which one statement asks about the whole, in bytes: some 50 ms, which a writer may have to wait. */
const tiny = 2 * 2 ** 20

/**
 * What SQLite says of a whole file in one statement, once in a run. Where it says no, or cannot say, or the file is not tiny, each table
 * and each key has to be looked at by itself.
 */
export function wholeOf(path: string) {
  const finds = (statement: RawBuilder<unknown>) => {
    const ask = async (read: Read): Promise<boolean> => {
      if (((await sizeOf(path)) ?? Number.POSITIVE_INFINITY) > tiny) return true
      const answer = await read(async (kysely) => (await statement.execute(kysely)).rows.length > 0)
      return answer.outcome === 'failed' || answer.value
    }
    let answer: Promise<boolean> | undefined
    return async (read: Read) => {
      answer ??= ask(read)
      return answer
    }
  }
  const fault = finds(sql`select 1 from pragma_integrity_check where integrity_check <> 'ok' limit 1`)
  const orphan = finds(sql`select 1 from pragma_foreign_key_check limit 1`)
  return {
    /** Whether nothing is wrong with any page, index or constraint. */
    isSound: async (read: Read) => !(await fault(read)),
    /** Whether each foreign key points at a row, in indexes that can be relied on. */
    isReferential: async (read: Read) => !(await orphan(read)) && !(await fault(read)),
  }
}
