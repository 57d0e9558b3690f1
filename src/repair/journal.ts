import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { DbdoctorError } from '../contracts/errors.js'
import type { Plan } from './step.js'

/** What happened, in its order. Each record is on the disk before what it announces is done. */
export type Entry =
  | { readonly type: 'plan'; readonly plan: Plan; readonly at: string }
  /** A step is about to begin; `undo` are statements that take it back, before those of the plan. */
  | { readonly type: 'before'; readonly step: number; readonly undo: readonly string[] }
  /** Further such statements: rows as they were. */
  | { readonly type: 'images'; readonly step: number; readonly undo: readonly string[] }
  /** It is about to be committed under this mark. */
  | { readonly type: 'committing'; readonly step: number; readonly mark: string }
  | { readonly type: 'applied'; readonly step: number; readonly rows: number; readonly process?: number }
  | { readonly type: 'verified'; readonly step: number; readonly after: string }
  | { readonly type: 'failed'; readonly step: number; readonly text: string }
  | { readonly type: 'undoing'; readonly step: number; readonly mark: string }
  | { readonly type: 'undone'; readonly step: number }

/** A file of what a repair did, and how to take it back. It holds rows as they were: user data, for its owner alone to read. */
export interface Journal {
  readonly path: string
  readonly entries: readonly Entry[]
  write(entry: Entry): void
  close(): void
}

/** Where a step stands, by what the journal holds of it. */
export type Standing =
  | { readonly state: 'planned' }
  | { readonly state: 'begun'; readonly undo: readonly string[]; readonly mark: string | null }
  | { readonly state: 'applied'; readonly undo: readonly string[]; readonly process?: number }
  | { readonly state: 'undoing'; readonly undo: readonly string[]; readonly mark: string }
  | { readonly state: 'undone' }

const entry = z.looseObject({ type: z.string(), step: z.int().optional() })

/** Begins a journal, or goes on with one of the same plan. Throws `ERR_JOURNAL` where it cannot be written, or is of another plan. */
export function openJournal(path: string, plan: Plan): Journal {
  if (!existsSync(path)) {
    const journal = writing(path, [], 'wx')
    journal.write({ type: 'plan', plan, at: new Date().toISOString() })
    return journal
  }
  const entries = readEntries(path)
  const id = planIn(path, entries).id
  if (id !== plan.id)
    throw new DbdoctorError('ERR_JOURNAL', `${path} is the journal of plan ${id}`, 'name another file with --journal')
  return writing(path, entries, 'a')
}

/** Goes on with a journal that is there. */
export function reopenJournal(path: string): { journal: Journal; plan: Plan } {
  const entries = readEntries(path)
  const plan = planIn(path, entries)
  return { plan, journal: writing(path, entries, 'a') }
}

export function standingOf(entries: readonly Entry[], step: number): Standing {
  let standing: Standing = { state: 'planned' }
  const undo = () => ('undo' in standing ? standing.undo : [])
  for (const one of entries) {
    if (one.type === 'plan' || one.step !== step) continue
    if (one.type === 'before') standing = { state: 'begun', undo: one.undo, mark: null }
    else if (one.type === 'images') standing = { state: 'begun', undo: [...undo(), ...one.undo], mark: null }
    else if (one.type === 'committing') standing = { state: 'begun', undo: undo(), mark: one.mark }
    else if (one.type === 'applied')
      standing = { state: 'applied', undo: undo(), ...(one.process !== undefined && { process: one.process }) }
    else if (one.type === 'undoing') standing = { state: 'undoing', undo: undo(), mark: one.mark }
    else if (one.type === 'undone') standing = { state: 'undone' }
  }
  return standing
}

/** The marks of transactions whose fate is known: nobody will ask for them again. */
export function settledMarks(entries: readonly Entry[]): string[] {
  return entries.flatMap((one) => {
    if (one.type !== 'committing' && one.type !== 'undoing') return []
    return ['applied', 'undone'].includes(standingOf(entries, one.step).state) ? [one.mark] : []
  })
}

function writing(path: string, known: readonly Entry[], flag: 'wx' | 'a'): Journal {
  const entries = [...known]
  const file = attempt(path, () => openSync(path, flag, 0o600))
  // A new name is on the disk only when its folder is.
  if (flag === 'wx') attempt(path, () => syncFolder(dirname(path)))
  // What was cut off in the middle would be one line with what comes next.
  else attempt(path, () => truncateSync(path, readFileSync(path).lastIndexOf('\n') + 1))
  return {
    path,
    entries,
    write(one) {
      attempt(path, () => {
        // All of it, or an error: a full disk takes a part and says nothing.
        appendFileSync(file, `${JSON.stringify(one)}\n`)
        fsyncSync(file)
      })
      entries.push(one)
    },
    close: () => closeSync(file),
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new DbdoctorError(
      'ERR_JOURNAL',
      `the journal ${path} cannot be written: ${code ?? message}`,
      'without a journal nothing is changed; name another place with --journal',
    )
  }
}

/** The entries of a journal. A last line that was cut off announced nothing yet. */
function readEntries(path: string): Entry[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new DbdoctorError(
      'ERR_JOURNAL',
      `${path} cannot be read: ${code}`,
      'name the journal that --apply has written',
    )
  }
  const lines = text.split('\n').slice(0, -1)
  return lines.map((line, at) => {
    const read = parsed(line)
    if (read) return read
    throw new DbdoctorError(
      'ERR_JOURNAL',
      `${path} is no journal of dbdoctor: line ${at + 1}`,
      'name the journal that --apply has written',
    )
  })
}

function parsed(line: string): Entry | null {
  try {
    const { success, data } = entry.safeParse(JSON.parse(line))
    return success ? (data as unknown as Entry) : null
  } catch {
    return null
  }
}

function planIn(path: string, entries: readonly Entry[]): Plan {
  const [first] = entries
  if (first?.type === 'plan') return first.plan
  throw new DbdoctorError(
    'ERR_JOURNAL',
    `${path} is no journal of dbdoctor`,
    'name the journal that --apply has written',
  )
}
