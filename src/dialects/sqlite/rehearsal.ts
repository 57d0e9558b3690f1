import type { Limits } from '../../contracts/limits.js'
import { type Answer, stopped } from '../dialect.js'
import { kyselyOver } from './driver.js'
import { startLink } from './link.js'
import { openFile } from './opening.js'
import { asAnswer, type Work } from './transactions.js'

/** What only reading needs is taken back, and foreign keys are enforced: the copy is ours. */
const asWriter = ['query_only = 0', 'foreign_keys = 1']

/** Runs statements that write, on a private copy that is removed with the process that holds it. */
export async function rehearse<T>(path: string, work: Work<T>, { signal, noted }: Limits): Promise<Answer<T>> {
  const link = startLink()
  const stop = () => void link.kill()
  signal.addEventListener('abort', stop, { once: true })
  try {
    const opened = await openFile(path, link, 'copy')
    if (signal.aborted) return stopped(signal)
    if (opened.outcome !== 'opened')
      return { outcome: 'failed', reason: 'unsafe', code: opened.code, text: opened.text || 'there is no private copy' }
    return await asAnswer(link, signal, async (held) => {
      for (const setting of asWriter) await held.ask({ kind: 'query', sql: `pragma ${setting}`, parameters: [] })
      // Each statement commits: what is checked at a commit is checked.
      return work(kyselyOver(held.ask, noted))
    })
  } finally {
    signal.removeEventListener('abort', stop)
    await link.kill()
  }
}
