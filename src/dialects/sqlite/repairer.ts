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
 * Writes to the file, in this process: whoever repairs waits for it. It is opened for each transaction, and for each statement outside of
 * one: opening alone may change it (a journal is rolled back, a log written back), and a check that looks at the file from this process
 * gives up the locks of whatever has it open here (https://www.sqlite.org/howtocorrupt.html, 2.2). Foreign keys do not act by themselves.
 */
export async function repairerOf(path: string): Promise<Repairer> {
  const place = await realpath(path).catch(() => path)
  const inode = await stat(place)
    .then(({ dev, ino }) => `${dev}:${ino}`)
    .catch(() => '')
  let opened: BetterSqlite.Database | undefined
  const open = () => {
    const database = new BetterSqlite(place, { fileMustExist: true, timeout: busyTimeout })
    database.pragma('foreign_keys = off')
    return database
  }
  const close = () => {
    opened?.close()
    opened = undefined
  }
  const using = <T>(work: (database: BetterSqlite.Database) => T): T => {
    opened ??= open()
    try {
      return work(opened)
    } finally {
      if (!opened.inTransaction) close()
    }
  }
  const hasMarks = (database: BetterSqlite.Database) =>
    database.prepare('select 1 from sqlite_schema where name = ?').get(marks) !== undefined
  return {
    identity: `sqlite:${place}:${inode}`,
    refusal: await refusalOf(place),
    files: fileRepairOf(place),
    locksTables: false,
    overriding: '',
    // quote() ends a text at its first NUL.
    literalOf: (column) =>
      `case when typeof(${column}) = 'text' and instr(${column}, char(0)) > 0 then 'cast(' || quote(cast(${column} as blob)) || ' as text)' else quote(${column}) end`,
    query: async (text) => using((database) => database.prepare(text).all() as TextRow[]),
    run: async (text) =>
      using((database) => {
        const statement = database.prepare(text)
        if (!statement.reader) return statement.run().changes
        statement.all()
        return 0
      }),
    begin: async () => void using((database) => database.exec('begin immediate')),
    async mark() {
      const mark = randomUUID()
      using((database) => {
        database.exec(`create table if not exists ${marks} (mark text primary key)`)
        database.prepare(`insert into ${marks} values (?)`).run(mark)
      })
      return mark
    },
    commit: async () => void using((database) => database.exec('commit')),
    rollback: async () => void (opened?.inTransaction && using((database) => database.exec('rollback'))),
    fateOf: async (mark) =>
      using((database) => hasMarks(database) && database.prepare(`select 1 from ${marks} where mark = ?`).get(mark))
        ? 'committed'
        : 'rolled-back',
    forget: async (mark) =>
      using((database) => {
        if (!hasMarks(database)) return
        database.prepare(`delete from ${marks} where mark = ?`).run(mark)
        if (database.prepare(`select 1 from ${marks}`).get() === undefined) database.exec(`drop table ${marks}`)
      }),
    close: async () => close(),
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
