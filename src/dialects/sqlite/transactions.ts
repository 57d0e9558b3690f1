import type { Limits } from '../../contracts/limits.js'
import { type Answer, type AnyKysely, stopped } from '../dialect.js'
import { kyselyOver } from './driver.js'
import { classify, overtime } from './failure.js'
import { type Link, SqliteFailure } from './link.js'

export type Work<T> = (kysely: AnyKysely) => Promise<T>

/** How long one statement may hold a lock that a writer waits for, in milliseconds: less than impatient writers wait. */
const hold = 200

/** Runs work on a link; an abort kills the process and answers with the abort's reason. */
export async function asAnswer<T>(
  link: Link,
  signal: AbortSignal,
  work: (link: Link) => Promise<T>,
): Promise<Answer<T>> {
  const stop = () => void link.kill()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return { outcome: 'answered', value: await work(link) }
  } catch (error) {
    if (signal.aborted) return stopped(signal)
    if (error instanceof SqliteFailure) return classify(error)
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** A read transaction on a link, for one piece of work after another. Its first statement begins it. */
export function transactionOn({ ask, tell, kill }: Link) {
  let began: number | undefined
  const age = () => (began === undefined ? 0 : performance.now() - began)
  const askInside: Link['ask'] = (request) => {
    if (began !== undefined || request.kind !== 'query') return ask(request)
    began = performance.now()
    return ask({ ...request, first: 'begin' })
  }
  const run = <T>(work: Work<T>, noted: Limits['noted']): Promise<T> => work(kyselyOver(askInside, noted))

  return {
    /** Milliseconds since it began. */
    age,
    run,

    /** As `run`, and ends the process, and its lock with it, when it is held for too long. */
    async runBriefly<T>(work: Work<T>, noted: Limits['noted']): Promise<T> {
      // The lock is taken here: waiting for it keeps nobody else waiting.
      if (began === undefined) {
        await askInside({ kind: 'query', sql: 'select 1 from sqlite_schema limit 1', parameters: [] })
        began = performance.now()
      }
      let over = false
      const stop = () => {
        over = true
        void kill()
      }
      const timer = setTimeout(stop, hold - age())
      try {
        return await run(work, noted)
      } catch (error) {
        throw over ? new SqliteFailure(overtime, `it would keep writers waiting for more than ${hold} ms`) : error
      } finally {
        clearTimeout(timer)
      }
    },

    end(): void {
      if (began !== undefined) tell({ kind: 'query', sql: 'rollback', parameters: [] })
    },
  }
}

/** Runs work in a read transaction of its own. */
export async function inTransaction<T>(link: Link, work: Work<T>, noted: Limits['noted']): Promise<T> {
  const transaction = transactionOn(link)
  try {
    return await transaction.run(work, noted)
  } finally {
    transaction.end()
  }
}
