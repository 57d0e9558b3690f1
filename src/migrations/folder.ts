import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DbdoctorError } from '../contracts/errors.js'

/** A file of a folder of migrations. */
export interface MigrationFile {
  /** From the folder, with slashes. */
  readonly path: string
  /** How it begins, where what it is called does not tell enough of it. */
  readonly head: string
}

/** The folder in which an application keeps its migrations. */
export interface MigrationFolder {
  readonly folder: string
  readonly files: readonly MigrationFile[]
}

/** How much of a file is read, in bytes: tools write what a migration follows at its beginning. */
const headSize = 16_384
/** How far down migrations are looked for. */
const deepest = 3

/** Lists a folder of migrations, named from the folder of the config. Throws `ERR_CONFIG_INVALID` where it cannot be read. */
export function readMigrations({ folder }: { readonly folder: string }, from: string): MigrationFolder {
  const root = resolve(from, folder)
  try {
    return { folder: root, files: filesIn(root, '', deepest) }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new DbdoctorError(
      'ERR_CONFIG_INVALID',
      `database.migrations.folder: ${root} cannot be read: ${code}`,
      'name the folder that the migrations are kept in, seen from the config',
    )
  }
}

function filesIn(root: string, within: string, depth: number): MigrationFile[] {
  return readdirSync(join(root, within), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = within === '' ? entry.name : `${within}/${entry.name}`
      if (entry.isDirectory()) return depth > 0 && !skipped.test(entry.name) ? filesIn(root, path, depth - 1) : []
      return entry.isFile() ? [{ path, head: telling.test(entry.name) ? headOf(join(root, path)) : '' }] : []
    })
}

const skipped = /^(node_modules|__pycache__|\..*)$/
/** What says more inside than by its name: Alembic's and Django's migrations, and Drizzle's journal. */
const telling = /\.py$|^_journal\.json$/

function headOf(path: string): string {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(path.endsWith('.json') ? 64 * headSize : headSize)
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0))
  } finally {
    closeSync(file)
  }
}
