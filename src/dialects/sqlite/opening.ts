import { realpath } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import type { CrashTrace, Remark, Unopened } from '../dialect.js'
import type { Copy } from './copy.js'
import { tracesOf } from './crash-traces.js'
import { examineFile, fingerprint, type Way } from './file.js'
import { type Link, SqliteFailure } from './link.js'
import { exclusiveHolder, holderNamed, writerOf } from './locks.js'

/** An open link, how it was opened, and the state of the file that its answers are true for. */
export interface Opened {
  readonly outcome: 'opened'
  readonly link: Link
  /** Where the file really is: its side files are there, not beside a link to it. */
  readonly file: string
  readonly way: Way
  readonly print: string
  readonly version: string
  /** What the WAL index began with, where others have one in use. */
  readonly index: Uint8Array | null
  readonly traces: readonly CrashTrace[]
  readonly remarks: readonly Remark[]
}

/** Opens a file over a link in the way that changes no byte of it; `only` in a private copy, where that is asked for. */
export async function openFile(path: string, link: Link, only?: 'copy'): Promise<Opened | Omit<Unopened, 'ms'>> {
  const file = await realpath(path).catch(() => path)
  const state = await examineFile(file)
  if (state.outcome !== 'openable') return { ...state, place: path }
  const ways: Way[] = (only ?? state.way) === 'copy' ? ['copy'] : [state.way, 'copy']
  const left = await tracesOf(file)
  const remarks = only ? [] : await remarksOn(file, state.way)
  let failure: Omit<Unopened, 'ms'> | undefined

  for (const way of ways) {
    try {
      const print = await fingerprint(file)
      const where = way === 'copy' ? await copyOf(file, link) : ({ outcome: 'in-place', path: file } as const)
      if (where.outcome !== 'in-place' && where.outcome !== 'copied') return { ...where, place: path, code: '' }
      const uri = `${pathToFileURL(where.path).href}?${parameters[way]}`
      const beside = way === 'beside-a-writer' && { index: `${file}-shm` }
      const [first] = await link.ask({ kind: 'open', uri, readonly: way !== 'copy', ...beside })
      // What SQLite opens in place without a word of recovery was no hot journal.
      const kept = left.filter(({ kind }) => kind !== 'hot-journal' || way === 'copy')
      const absent: CrashTrace[] = way === 'at-rest' ? [{ kind: 'wal-absent', at: new Date().toISOString() }] : []
      const traces = [...kept, ...absent]
      const index = first?.index instanceof Uint8Array ? first.index : null
      return { outcome: 'opened', link, file, way, print, version: String(first?.version), index, traces, remarks }
    } catch (error) {
      if (!(error instanceof SqliteFailure)) throw error
      const { outcome } = whyNot(error)
      failure ??= {
        outcome: outcome === 'damaged' && state.note ? 'truncated' : outcome,
        place: path,
        code: error.code,
        text: [withoutDriver(error) ? driverMissing : error.message, state.note].filter(Boolean).join('; '),
      }
      // Only what recovery could mend is worth a copy.
      if (!/^SQLITE_(READONLY|CANTOPEN|PROTOCOL)/.test(error.code)) break
    }
  }
  return failure ?? { outcome: 'other', place: path, code: '', text: 'it could not be opened' }
}

/** What others who open the file meet: a log without its index belongs to somebody who is gone, or who keeps the file to itself. */
async function remarksOn(file: string, way: Way): Promise<Remark[]> {
  const owner = way === 'copy' ? await exclusiveHolder(file) : null
  const writer = await writerOf(file)
  return [
    ...(owner
      ? [
          {
            kind: 'kept-exclusive' as const,
            text: `${holderNamed(owner)} keeps the file to itself (locking_mode = exclusive): everybody else gets "database is locked"`,
          },
        ]
      : []),
    ...(writer?.stopped && !owner
      ? [
          {
            kind: 'writer-stopped' as const,
            text: `${holderNamed(writer)} has the write lock: nobody else can write until it goes on, or ends`,
          },
        ]
      : []),
  ]
}

async function copyOf(file: string, link: Link): Promise<Copy> {
  const [copy] = await link.ask({ kind: 'copy', path: file })
  if (copy?.outcome === 'copied') return { outcome: 'copied', path: String(copy.path) }
  return { outcome: copy?.outcome === 'unsafe' ? 'unsafe' : 'unreadable', text: String(copy?.text) }
}

/** https://www.sqlite.org/uri.html; `readonly_shm` is SQLite's own, for reading beside a writer without touching the WAL index. */
const parameters: Record<Way, string> = {
  'read-only': 'mode=ro',
  'beside-a-writer': 'mode=ro&readonly_shm=1',
  'at-rest': 'mode=ro&immutable=1',
  copy: 'mode=rw',
}

/** Whether Node, or the driver itself, says that the package or its compiled part is not there. */
const withoutDriver = ({ code, message }: SqliteFailure) =>
  /^(ERR_)?MODULE_NOT_FOUND$|^ERR_DLOPEN_FAILED$/.test(code) || /^Could not locate the bindings file/.test(message)
const driverMissing =
  'the package better-sqlite3 is not there, or was compiled for another Node: npm install better-sqlite3 (it brings a binary for current versions of Node, and needs a C++ compiler for others)'

function whyNot({ code, message }: SqliteFailure): { outcome: Unopened['outcome'] } {
  if (code === 'SQLITE_NOTADB') return { outcome: 'not-a-database' }
  if (/^SQLITE_(CORRUPT|IOERR)/.test(code) || /unsupported file format/.test(message)) return { outcome: 'damaged' }
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return { outcome: 'locked' }
  if (/^SQLITE_(CANTOPEN|PERM|READONLY)/.test(code)) return { outcome: 'unreadable' }
  // Not SQLite's word: the driver could not be loaded, or its process died.
  return { outcome: code.startsWith('SQLITE_') ? 'other' : 'unavailable' }
}
