import type { MigrationFile, MigrationFolder } from './folder.js'
import type { Comparison, HistoryRow, MigrationTool } from './tool.js'

/** How a tool's files and its history call the same migration. */
export interface Naming {
  /** What a file's migration is called in the history; null for a file that is none. */
  readonly ofFile: (file: MigrationFile) => string | null
  /** Null for a row that says of no migration that it is applied. */
  readonly ofRow: (row: HistoryRow) => string | null
}

/** The files of a folder that are migrations, with their names. */
export type Named = readonly { readonly name: string; readonly file: MigrationFile }[]

/** Null where there are none: one folder may be held against all histories of a database. */
export function namedIn({ files }: MigrationFolder, ofFile: Naming['ofFile']): Named | null {
  const named = files.flatMap((file) => {
    const name = ofFile(file)
    return name === null ? [] : [{ name, file }]
  })
  return named.length > 0 ? named : null
}

/** What the rows of a history say is applied. */
export function appliedIn(rows: readonly HistoryRow[], ofRow: Naming['ofRow']): ReadonlySet<string> {
  return new Set(rows.flatMap((row) => ofRow(row) ?? []))
}

/** A history with a row for each migration that was applied. */
export function byName(columns: readonly string[], { ofFile, ofRow }: Naming): NonNullable<MigrationTool['compare']> {
  return {
    columns,
    with(folder, rows) {
      const named = namedIn(folder, ofFile)
      return named && differences(named, appliedIn(rows, ofRow))
    },
  }
}

export function differences(named: Named, applied: ReadonlySet<string>): Comparison {
  const names = new Set(named.map(({ name }) => name))
  return {
    pending: [...names].filter((name) => !applied.has(name)),
    unknown: [...applied].filter((name) => !names.has(name)),
  }
}

const script = /^([^/]+)\.(?:[cm]?[jt]s|sql|coffee|py)$/

/** Files and rows that have the same name, but for the ending. */
export const byFileName: Naming = {
  ofFile: ({ path }) => (/\.d\.[cm]?ts$|(^|\/)index\./.test(path) ? null : (script.exec(path)?.[1] ?? null)),
  ofRow: ({ name }) => name?.replace(/\.(?:[cm]?[jt]s|sql|coffee|py)$/, '') ?? null,
}

/** Files that begin with the version, of which the history has a row. */
export const byVersion: Naming = {
  ofFile: ({ path }) => /^(\d+)[_-][^/]*\.(?:rb|sql|exs)$/.exec(path)?.[1] ?? null,
  ofRow: ({ version = null }) => version,
}
