import type { Limits } from '../../contracts/limits.js'
import { type Answer, type Failure, stopped, type Unopened } from '../dialect.js'
import { sizeOf } from './file.js'
import { type Link, startLink } from './link.js'
import { type Opened, openFile } from './opening.js'
import { asAnswer, inTransaction, type Work } from './transactions.js'

/** The largest file that is copied so that writers need not wait, in bytes. */
const largest = 2 ** 30

/** A private copy of a file, made when it is first asked for. What is done there keeps no writer waiting. */
export function privateCopyOf(path: string) {
  let link: Link | undefined
  let copy: Opened | Omit<Unopened, 'ms'> | undefined

  const open = async (signal: AbortSignal) => {
    if (copy?.outcome === 'opened' ? copy.link.alive : copy) return copy
    link = startLink()
    const fresh = link
    const stop = () => void fresh.kill()
    signal.addEventListener('abort', stop, { once: true })
    try {
      copy = await openFile(path, fresh, 'copy')
      if (copy.outcome !== 'opened') await fresh.kill()
      return copy
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  return {
    async read<T>(work: Work<T>, { signal, noted }: Limits): Promise<Answer<T>> {
      if (((await sizeOf(path)) ?? 0) > largest) return unsafe('the file is too large for a private copy')
      const opened = await open(signal)
      if (signal.aborted) return stopped(signal)
      if (opened?.outcome !== 'opened') return unsafe(opened?.text ?? 'there is no private copy')
      return asAnswer(opened.link, signal, (held) => inTransaction(held, work, noted))
    },

    async close() {
      await link?.kill()
    },
  }
}

function unsafe(why: string): Failure {
  const text = `it would keep writers waiting; ${why}; --depth deep looks at it all the same`
  return { outcome: 'failed', reason: 'unsafe', code: '', text }
}
