import { type FileHandle, open } from 'node:fs/promises'
import { DbdoctorError } from '../contracts/errors.js'
import { parseHistory, type Run, runOf } from '../report/history.js'
import type { Report } from '../report/report.js'
import { inertJson } from '../values/inert.js'
import type { CheckOptions } from './options.js'

/** A file of earlier runs, that takes one more. */
export interface HistoryFile {
  readonly runs: readonly Run[]
  /** Adds a run. What is there is never written over. */
  readonly append: (report: Report) => Promise<void>
}

const hint = 'name another file with --history: a new one is made, and a history is added to'

/** The history that an examination is to be added to, where one is named. */
export async function historyOf({ history }: CheckOptions): Promise<HistoryFile | null> {
  return history === undefined ? null : openHistory(history)
}

/** Opens a history before anything is examined. Throws `ERR_HISTORY_INVALID` where a file is none, and leaves it as it is. */
async function openHistory(path: string): Promise<HistoryFile> {
  const text = await using(path, 'cannot be used', async (file) => {
    if (!(await file.stat()).isFile()) throw invalid(`${path} is no file`)
    return file.readFile('utf8')
  })
  const history = parseHistory(text)
  if (typeof history === 'string') throw invalid(`${path} is no history: ${history}`)
  if (history.torn)
    process.stderr.write(`${path}: its last line was torn by a run that was killed; that run is left out\n`)
  return { runs: history.runs, append: (report) => append(path, report) }
}

/** One line, in one write: runs that end at the same time do not mix. After a torn line it begins a new one. */
function append(path: string, report: Report): Promise<void> {
  return using(path, 'cannot be written', async (file) => {
    const { size } = await file.stat()
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1))
    const start = size === 0 || buffer.toString() === '\n' ? '' : '\n'
    await file.appendFile(`${start}${inertJson(JSON.stringify(runOf(report)))}\n`)
    await file.sync()
  })
}

async function using<Answer>(
  path: string,
  fault: string,
  work: (file: FileHandle) => Promise<Answer>,
): Promise<Answer> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'a+')
    return await work(file)
  } catch (error) {
    if (error instanceof DbdoctorError) throw error
    throw invalid(`the history ${path} ${fault}: ${(error as NodeJS.ErrnoException).code ?? error}`)
  } finally {
    await file?.close()
  }
}

function invalid(message: string): DbdoctorError {
  return new DbdoctorError('ERR_HISTORY_INVALID', message, hint)
}
