import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import BetterSqlite from 'better-sqlite3'
import { identifier, listed, pluralize } from '../../values/text.js'
import type { FileRepair } from '../repairer.js'

/** Rows that are read at once while nothing is damaged. */
const rowsAtOnce = 500

/** The file and its journal. */
const sides = ['', '-journal'] as const

/** Whether both were copied, to the last byte. */
function isWhole(aside: string): boolean {
  return sides.every((side) => existsSync(aside + side))
}

/** What can be done about a file as a whole. Neither ever writes to a damaged file. */
export function fileRepairOf(path: string): FileRepair {
  return {
    path,
    recover: (to) => recover(path, to),
    async rollBack(aside) {
      // Copies that an earlier run has finished are of before; a second one would be of after.
      if (!isWhole(aside)) {
        for (const side of sides) await copyFile(path + side, `${aside + side}.part`)
        for (const side of sides) await rename(`${aside + side}.part`, aside + side)
      }
      const database = new BetterSqlite(path, { fileMustExist: true })
      try {
        database.prepare('select count(*) from sqlite_schema').get()
      } finally {
        database.close()
      }
    },
    async putBack(aside) {
      // Nothing was rolled back before both were there.
      if (!isWhole(aside)) return
      // The journal first: a file without it would pass for a sound one.
      for (const side of [...sides].reverse()) await copyFile(aside + side, path + side)
    },
    remove: (file) => rm(file, { force: true }),
  }
}

/**
 * Saves what can be read into a new file, from a copy: by sqlite3's own `.recover` (https://www.sqlite.org/recovery.html) where it is
 * installed, else table by table, around the rows that cannot be read. The new file has to be sound.
 */
async function recover(path: string, to: string): Promise<string> {
  const room = await mkdtemp(`${to}.work-`)
  try {
    const copy = join(room, basename(path))
    for (const side of ['', '-wal', '-journal'])
      await copyFile(path + side, copy + side).catch((error: NodeJS.ErrnoException) => {
        if (side === '' || error.code !== 'ENOENT') throw error
      })
    const draft = join(room, 'recovered.db')
    const text = (await byShell(copy, draft)) ?? (await byOurselves(copy, draft))
    await chmod(draft, (await stat(path)).mode & 0o777)
    await copyFile(draft, to)
    return text
  } finally {
    await rm(room, { recursive: true, force: true })
  }
}

/** What sqlite3 has saved; null where it is not installed, or gives up on the file. */
async function byShell(damaged: string, to: string): Promise<string | null> {
  const reader = spawn('sqlite3', [damaged, '.recover'], { stdio: ['ignore', 'pipe', 'ignore'] })
  if (await isLacking(reader)) return null
  const writer = spawn('sqlite3', [to], { stdio: ['pipe', 'ignore', 'ignore'] })
  const ended = once(writer, 'exit')
  await pipeline(reader.stdout, writer.stdin).catch(() => {})
  await ended
  try {
    return saved(to, 'by .recover of sqlite3')
  } catch {
    return null
  }
}

async function byOurselves(damaged: string, to: string): Promise<string> {
  await rm(to, { force: true })
  return saved(to, tableByTable(damaged, to))
}

async function isLacking(child: ReturnType<typeof spawn>): Promise<boolean> {
  return once(child, 'spawn').then(
    () => false,
    () => true,
  )
}

/** Copies what can be read of each table; answers with how, and what could not be made again. */
function tableByTable(damaged: string, to: string): string {
  const [source, target] = [new BetterSqlite(damaged), new BetterSqlite(to)]
  const lost: string[] = []
  try {
    target.pragma('foreign_keys = off')
    // Else a file that is shorter than its header says is not read at all.
    source.unsafeMode()
    source.pragma('writable_schema = on')
    const schema = source.prepare('select type, name, sql from sqlite_schema where sql is not null').all() as Entry[]
    const make = ({ name, sql }: Entry) => {
      try {
        target.exec(sql)
        return true
      } catch {
        lost.push(name)
        return false
      }
    }
    const isTable = ({ type, name, sql }: Entry) =>
      type === 'table' && !name.startsWith('sqlite_') && !/^create virtual/i.test(sql)
    const tables = schema.filter(isTable).filter(make)
    for (const { name, sql } of tables) copyRows(source, target, name, /without\s+rowid\s*$/i.test(sql))
    for (const entry of schema.filter(({ type }) => type !== 'table')) make(entry)
    return `table by table, around what cannot be read${lost.length > 0 ? `; not made again: ${listed(lost)}` : ''}`
  } finally {
    source.close()
    target.close()
  }
}

interface Entry {
  readonly type: string
  readonly name: string
  readonly sql: string
}

function copyRows(source: BetterSqlite.Database, target: BetterSqlite.Database, table: string, keyed: boolean): void {
  const info = source.prepare('select name, pk from pragma_table_xinfo(?) where hidden = 0').all(table) as Column[]
  const columns = info.map(({ name }) => identifier(name))
  const marks = ['?', ...columns.map(() => '?')].join(', ')
  const own = keyed ? '' : 'rowid, '
  const insert = target.prepare(
    `insert or ignore into ${identifier(table)} (${own}${columns.join(', ')}) values (${keyed ? columns.map(() => '?').join(', ') : marks})`,
  )
  if (!keyed) {
    copyByRowid(source, insert, table, columns)
    return
  }
  const key = info.filter(({ pk }) => pk > 0).sort((one, other) => one.pk - other.pk)
  // From both ends, up to what is damaged.
  for (const order of ['asc', 'desc']) {
    const by = key.map(({ name }) => `${identifier(name)} ${order}`).join(', ')
    try {
      const rows = source
        .prepare(`select ${columns.join(', ')} from ${identifier(table)} order by ${by}`)
        .raw()
        .iterate()
      for (const row of rows) insert.run(...(row as unknown[]))
    } catch {
      // What is behind it comes from the other end, or not at all.
    }
  }
}

interface Column {
  readonly name: string
  readonly pk: number
}

/** Walks the rowids upward; where a page cannot be read, it leaps in steps that double until it can. */
function copyByRowid(
  source: BetterSqlite.Database,
  insert: BetterSqlite.Statement,
  table: string,
  columns: readonly string[],
): void {
  const select = source
    .prepare(`select rowid, ${columns.join(', ')} from ${identifier(table)} where rowid > ? order by rowid limit ?`)
    .raw()
    .safeIntegers()
  const end = 2n ** 63n - 1n
  let at = -(2n ** 63n)
  let rows = rowsAtOnce
  for (let leap = 1n; at < end; ) {
    try {
      const batch = select.all(at, rows) as [bigint, ...unknown[]][]
      for (const row of batch) insert.run(...row)
      const last = batch.at(-1)
      if (!last || batch.length < rows) return
      at = last[0]
      leap = 1n
      rows = Math.min(rowsAtOnce, rows * 2)
    } catch {
      if (rows > 1) rows = 1
      else {
        at = at + leap < end ? at + leap : end
        leap *= 2n
      }
    }
  }
}

/** What the new file holds, which has to be sound. */
function saved(file: string, way: string): string {
  const database = new BetterSqlite(file, { readonly: true, fileMustExist: true })
  try {
    const verdict = database.pragma('integrity_check(1)', { simple: true })
    if (verdict !== 'ok') throw new Error(`what was saved is not sound: ${verdict}`)
    const names = database
      .prepare(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by 1",
      )
      .pluck()
      .all() as string[]
    const counts = names.map((name) => ({
      name,
      rows: Number(
        database
          .prepare(`select count(*) from ${identifier(name)}`)
          .pluck()
          .get(),
      ),
    }))
    const rows = counts.reduce((sum, one) => sum + one.rows, 0)
    if (counts.length === 0) throw new Error('nothing could be read of it: restore a backup')
    const each = counts.map((one) => `${one.name} ${one.rows}`).join(', ')
    return `${pluralize(counts.length, 'table')} with ${pluralize(rows, 'row')} saved, ${way}: ${each}`
  } finally {
    database.close()
  }
}
