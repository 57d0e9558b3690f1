import type { MigrationFolder } from './folder.js'

/** A row of a history. Values are texts, whatever their type: dialects differ in how they give booleans and times. */
export type HistoryRow = Readonly<Record<string, string | null>>

/** Something that a history says of a migration, or of a lock. */
export interface MigrationState {
  readonly code: 'failed' | 'half-applied' | 'dirty' | 'locked' | 'running' | 'several-heads'
  /** The migration, or the version that it leads to. */
  readonly name?: string
  readonly since?: string
  /** Who took the lock. */
  readonly by?: string
  readonly heads?: number
}

/** What a tool's table tells. */
export interface MigrationHistory {
  /** What is to be seen where all is well: `, 12 applied`. */
  readonly state?: string
  readonly findings?: readonly MigrationState[]
}

/** A table that a tool leaves in the database: its history, or its lock. */
export interface HistoryTable {
  readonly table: string
  /** What tells the table from others of this name. */
  readonly columns: readonly string[]
  /** Columns that are looked at; without any, rows are counted. */
  readonly reads?: readonly string[]
  /** A column that is only asked whether it says something: what it says may hold a secret. */
  readonly asks?: string
  /** Keys of the advisory locks that its migrator holds on PostgreSQL while it runs. */
  readonly locks?: (place: { readonly database: string; readonly schema: string; readonly table: string }) => number[]
  readonly judge: (rows: readonly HistoryRow[], running: boolean) => MigrationHistory
}

/** Migrations of a folder that are not applied, and those that are applied and not in the folder, by their names. */
export interface Comparison {
  readonly pending: readonly string[]
  readonly unknown: readonly string[]
}

/** A tool that migrates databases: a file in `tools/`. */
export interface MigrationTool {
  readonly name: string
  readonly tables: readonly HistoryTable[]
  /** How its folder is held against its history; a tool whose folders nobody can read from outside has none. */
  readonly compare?: {
    /** Columns of the history that are needed. */
    readonly columns: readonly string[]
    /** Null where the folder holds none of this tool's. */
    readonly with: (folder: MigrationFolder, rows: readonly HistoryRow[]) => Comparison | null
  }
  /** The command that applies what waits. */
  readonly applies?: string
  /** What mends a history that stopped half-way, or a lock that was left; `table` is its name as it is quoted in SQL. */
  readonly repair?: (at: { readonly name: string; readonly table: string }) => readonly string[]
}

/** A history of which rows are only counted. */
export function counted([row]: readonly HistoryRow[]): MigrationHistory {
  return { state: `, ${row?.count ?? 0} applied` }
}

/** A table with one row, which says whether somebody migrates. */
export function lock(rows: readonly HistoryRow[]): MigrationHistory {
  const held = rows.find((row) => isSet(row.is_locked ?? row.locked))
  if (!held) return {}
  const since = clock(held.lockgranted)
  return { findings: [{ code: 'locked', ...(since && { since }), ...(held.lockedby && { by: held.lockedby }) }] }
}

export function isSet(value: string | null | undefined): boolean {
  return ['1', 't', 'true'].includes((value ?? '').toLowerCase())
}

export function utc(moment: number): string {
  return `${new Date(moment).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** A time as it was written down, by a clock whose zone nobody knows. */
function clock(value: string | null | undefined): string {
  return value && /^\d{12,}$/.test(value) ? utc(Number(value)) : (value ?? '').slice(0, 19)
}

/** A name as it may be typed into a shell; any other is left to the reader. */
export function typedName(name: string): string {
  return /^[\w.:-]+$/.test(name) ? name : 'NAME'
}
