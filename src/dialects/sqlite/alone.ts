import { realpath } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import type { Limits } from '../../contracts/limits.js'
import type { Answer } from '../dialect.js'
import { startLink } from './link.js'
import { asAnswer, inTransaction, type Work } from './transactions.js'

/** Reads a file as if no log lay beside it, in a process of its own. */
export async function readAlone<T>(
  path: string,
  work: Work<T>,
  { signal, noted }: Pick<Limits, 'signal' | 'noted'>,
): Promise<Answer<T>> {
  const link = startLink()
  try {
    const file = await realpath(path).catch(() => path)
    return await asAnswer(link, signal, async (held) => {
      await held.ask({ kind: 'open', uri: `${pathToFileURL(file).href}?mode=ro&immutable=1`, readonly: true })
      return inTransaction(held, work, noted)
    })
  } finally {
    await link.kill()
  }
}
