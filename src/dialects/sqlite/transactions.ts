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

/** Runs work in one read transaction, which its first statement begins. */
export async function inTransaction<T>(
  { ask, tell }: Link,
  work: (kysely: AnyKysely, ask: Link['ask']) => Promise<T>,
  noted: Limits['noted'],
): Promise<T> {
  let begun = false
  const askInside: Link['ask'] = (request) => {
    if (begun || request.kind !== 'query') return ask(request)
    begun = true
    return ask({ ...request, first: 'begin' })
  }
  try {
    return await work(kyselyOver(askInside, noted), askInside)
  } finally {
    if (begun) tell({ kind: 'query', sql: 'rollback', parameters: [] })
  }
}

/** As `inTransaction`, and ends the process, and its lock with it, when the work takes too long. */
export async function inBriefTransaction<T>(link: Link, work: Work<T>, noted: Limits['noted']): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  let over = false
  const end = () => {
    over = true
    void link.kill()
  }
  try {
    const begun = async (kysely: AnyKysely, ask: Link['ask']) => {
      // The lock is taken here: waiting for it keeps nobody else waiting.
      await ask({ kind: 'query', sql: 'select 1 from sqlite_schema limit 1', parameters: [] })
      timer = setTimeout(end, hold)
      return work(kysely)
    }
    return await inTransaction(link, begun, noted)
  } catch (error) {
    throw over ? new SqliteFailure(overtime, `it would keep writers waiting for more than ${hold} ms`) : error
  } finally {
    clearTimeout(timer)
  }
}
