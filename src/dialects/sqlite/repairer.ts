import { randomUUID } from 'node:crypto'
import { access, constants, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import type { Repairer, TextRow } from '../repairer.js'
import { fileRepairOf } from './rescue.js'

/** How long another writer is waited for, in milliseconds. */
const busyTimeout = 5000
/** Where a transaction notes that it was committed. Its name is that of what was put aside: no check counts it. */
const marks = 'dbdoctor_quarantine_marks'

/**
 * Writes to the file, in this process: whoever repairs waits for it. It is opened with the first statement, for opening alone may change it: a
 * journal is rolled back, a log written back. Foreign keys do not act by themselves.
 */
export async function repairerOf(path: string): Promise<Repairer> {
  const place = await realpath(path).catch(() => path)
  const inode = await stat(place)
    .then(({ dev, ino }) => `${dev}:${ino}`)
    .catch(() => '')
  let opened: BetterSqlite.Database | undefined
  const database = () => {
    if (opened) return opened
    opened = new BetterSqlite(place, { fileMustExist: true, timeout: busyTimeout })
    opened.pragma('foreign_keys = off')
    return opened
  }
  const hasMarks = () => database().prepare('select 1 from sqlite_schema where name = ?').get(marks) !== undefined
  return {
    identity: `sqlite:${place}:${inode}`,
    refusal: await refusalOf(place),
    files: fileRepairOf(place),
    locksTables: false,
    overriding: '',
    // quote() ends a text at its first NUL.
    literalOf: (column) =>
      `case when typeof(${column}) = 'text' and instr(${column}, char(0)) > 0 then 'cast(' || quote(cast(${column} as blob)) || ' as text)' else quote(${column}) end`,
    query: async (text) => database().prepare(text).all() as TextRow[],
    run: async (text) => {
      const statement = database().prepare(text)
      if (!statement.reader) return statement.run().changes
      statement.all()
      return 0
    },
    begin: async () => void database().exec('begin immediate'),
    async mark() {
      const mark = randomUUID()
      database().exec(`create table if not exists ${marks} (mark text primary key)`)
      database().prepare(`insert into ${marks} values (?)`).run(mark)
      return mark
    },
    commit: async () => void database().exec('commit'),
    rollback: async () => void (opened?.inTransaction && opened.exec('rollback')),
    fateOf: async (mark) =>
      hasMarks() && database().prepare(`select 1 from ${marks} where mark = ?`).get(mark) ? 'committed' : 'rolled-back',
    forget: async (mark) => {
      if (!hasMarks()) return
      database().prepare(`delete from ${marks} where mark = ?`).run(mark)
      if (database().prepare(`select 1 from ${marks}`).get() === undefined) database().exec(`drop table ${marks}`)
    },
    close: async () => void opened?.close(),
  }
}

/** What may not be written to; a file that is not there is nobody's to refuse. */
async function refusalOf(path: string): Promise<string | null> {
  for (const one of [path, dirname(path)]) {
    const code = await access(one, constants.W_OK).then(
      () => null,
      (error: NodeJS.ErrnoException) => error.code,
    )
    if (code && ['EACCES', 'EPERM', 'EROFS'].includes(code)) return `${one} may not be written to`
  }
  return null
}
