/** A row of a query whose columns are texts. */
export type TextRow = Readonly<Record<string, string | null>>

/** What became of a transaction: a mark that nobody remembers is of one that was rolled back, or that was forgotten on purpose. */
export type Fate = 'committed' | 'rolled-back' | 'unknown'

/** What can be done about a database that is one file. */
export interface FileRepair {
  readonly path: string
  /** Saves what can be read into a new file, which has to be sound; says how much. The damaged one stays as it is. */
  recover(to: string): Promise<string>
  /** Copies the file and its journal aside, and has the journal rolled back. */
  rollBack(aside: string): Promise<void>
  /** Makes file and journal what they were before that. */
  putBack(aside: string): Promise<void>
  remove(file: string): Promise<void>
}

/**
 * A connection that may write, for `dbdoctor fix` alone. One transaction at a time, each bounded by time-outs of its own. Throws what the
 * engine throws.
 */
export interface Repairer {
  /** Which database this is: a copy of it, or another one at its address, has another name. */
  readonly identity: string
  /** Why nothing may be changed here; null where it may. */
  readonly refusal: string | null
  /** Null where a database is no file of its own. */
  readonly files: FileRepair | null
  /** Whether tables are locked one by one, or all of them by whoever writes. */
  readonly locksTables: boolean
  /** What stands before VALUES, so that generated keys are inserted as they were. */
  readonly overriding: string
  /** An SQL expression whose value is the literal of a column's value, exact for every type. */
  literalOf(column: string): string
  /** Asks outside of a transaction, or within the one that is open. */
  query(text: string): Promise<readonly TextRow[]>
  /** Runs a statement; answers with how many rows it changed. */
  run(text: string): Promise<number>
  /** `restoring`: keys and triggers that would refuse rows which were there before are left out, as far as this role may. */
  begin(options?: { readonly restoring?: boolean }): Promise<void>
  /** Leaves a mark in the open transaction by which its fate can be told later. */
  mark(): Promise<string>
  commit(): Promise<void>
  rollback(): Promise<void>
  fateOf(mark: string): Promise<Fate>
  /** Removes what a mark has left in the database. */
  forget(mark: string): Promise<void>
  close(): Promise<void>
}
