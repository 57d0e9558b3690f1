import { type RawBuilder, sql } from 'kysely'
import { partFromLog } from '../../values/advice.js'
import { identifier, pluralize } from '../../values/text.js'
import { groupBy } from '../catalog.js'
import type { Answer, AnyKysely, PageFault, PageLook, Read } from '../dialect.js'

/** How the file is read. */
export interface PageReader {
  readonly read: Read
  /** Reads in one statement that may take long, without keeping writers waiting for long. */
  readonly readLong: Read
  /** Whether one statement found nothing wrong with the whole file; false too where none was asked. */
  isSound(): Promise<boolean>
  /** Bytes that the file lacks of what its header counts. */
  missingBytes(): Promise<Answer<number>>
  /** The size of the file, in bytes. */
  readonly bytes: number
  /** The file's name, where a log lies beside it that nobody writes to; else null. */
  readonly log: string | null
  /** Reads the file as if no log lay beside it. */
  readonly readAlone: Read
}

interface TableRow {
  name: string
  type: 'table' | 'virtual' | 'shadow'
}

/** SQLite ends a check of a table after so many problems. */
const mostProblems = 100
/** Files that are looked at as thoroughly at any depth that looks at pages, in bytes. */
const small = 64 * 2 ** 20
const schema = 'main'
const schemaTable = 'sqlite_schema'

/** Looks at the file's size, at each table with its indexes, and in `deep` at how all pages of the file belong together. */
export async function* lookAtPages(reader: PageReader, asked: boolean): AsyncGenerator<PageLook> {
  // What takes a second at most is worth it: quick_check does not hold an index against its table.
  const deep = asked || reader.bytes <= small
  const whole = { part: 'file', object: 'the file' } as const
  const missing = await reader.missingBytes()
  if (missing.outcome === 'answered' && missing.value > 0) {
    const text = `it is ${pluralize(missing.value, 'byte')} shorter than its header says`
    const repair = ['restore a backup, or copy the file again from where it is whole']
    yield { ...whole, faults: [{ ...ofFile, kind: 'truncated', text, problems: 1, repair }], gap: null }
  }
  const listed = await reader.read(async (kysely) => ({
    tables: await listTables(kysely),
    roots: await indexRoots(kysely),
  }))
  if (listed.outcome === 'failed') {
    yield { ...whole, ...outcomeOf(listed, undefined) }
    return yield* blameLog(reader)
  }

  let faults = 0
  let gaps = 0
  // One statement says of all tables that nothing is wrong. What is wrong, and where, is asked of each by itself.
  const sound = await reader.isSound()
  for (const table of listed.value.tables) {
    const known = sound && table.type !== 'virtual'
    const look = known
      ? { ...aboutTable(table), faults: [], gap: null }
      : await lookAtTable(reader, table, listed.value.roots, deep)
    faults += look.faults.length
    if (look.gap) gaps++
    yield look
  }
  if (faults > 0) yield* blameLog(reader)
  // A page that two tables use, or none: told once all tables by themselves are sound.
  if (sound) yield { ...whole, faults: [], gap: null }
  else if (faults === 0 && (asked || (deep && gaps === 0))) yield { ...whole, ...(await lookAtFile(reader)) }
}

const ofFile = { schema, table: undefined, index: undefined }
/** Tools for a copy. */
const salvage = [
  'restore a backup, or save what can be read, from a copy: sqlite3 copy.db .recover | sqlite3 rescued.db',
]
const copyFirst =
  'Copy the file first, with its -wal and -journal: what is rebuilt on damaged pages may take more with it.'
const rebuild = (index: string, table: string | undefined) => [
  copyFirst,
  index === table
    ? `insert into ${identifier(index)} (${identifier(index)}) values ('rebuild')`
    : `reindex ${identifier(index)}`,
]

/** Says so where the file without its log has nothing wrong with it. */
async function* blameLog({ log, readAlone }: PageReader): AsyncGenerator<PageLook> {
  if (log === null) return
  const answer = await readAlone(async (kysely) =>
    (await sql<Problem>`pragma quick_check(1)`.execute(kysely)).rows.flatMap(linesOf),
  )
  if (answer.outcome === 'answered' && answer.value.length === 0)
    yield { part: 'file', object: 'the file', faults: [walMismatch(log)], gap: null }
}

function walMismatch(name: string): PageFault {
  return {
    ...ofFile,
    kind: 'wal-mismatch',
    text: `${name} is sound alone and damaged together with ${name}-wal: the log belongs to another state of the file`,
    problems: 1,
    repair: partFromLog(name),
  }
}

/** The table of the schema comes first: its check looks at the list of free pages too. */
async function listTables(kysely: AnyKysely): Promise<TableRow[]> {
  const { rows } =
    await sql<TableRow>`select name, type from pragma_table_list where schema = ${schema} and type <> 'view'
    order by name <> ${schemaTable}, name`.execute(kysely)
  return rows
}

function aboutTable({ name, type }: TableRow): Pick<PageLook, 'part' | 'object'> {
  return { part: type === 'shadow' || name.startsWith('sqlite_') ? 'system' : 'table', object: name }
}

async function lookAtTable(
  { read, readLong }: PageReader,
  table: TableRow,
  roots: ReadonlyMap<number, string>,
  deep: boolean,
): Promise<PageLook> {
  const { name, type } = table
  const about = aboutTable(table)
  if (type === 'virtual') {
    // The check of a table whose module is missing says that all is well.
    const known = await read((kysely) => sql`select 1 from ${sql.id(name)} limit 0`.execute(kysely))
    if (known.outcome === 'failed') return { ...about, ...outcomeOf(known, name, true) }
  }
  const answer = await problemsOf(readLong, name, deep)
  if (answer.outcome === 'failed') return { ...about, ...outcomeOf(answer, name, type === 'virtual') }
  const faults = faultsOf(answer.value, name, roots)
  const cut = faults.length === 0 && answer.value.length >= mostProblems
  const unsure = cut
    ? 'rows that violate their constraints hide what else may be wrong'
    : answer.value.find((line) => /^unable to validate/.test(line))
  return {
    ...about,
    faults,
    gap: unsure === undefined ? null : { reason: 'unavailable', detail: unsure, optional: type === 'virtual' },
  }
}

/** A check that fails half-way may fail in an index alone: the one that follows none tells. */
async function problemsOf(readLong: Read, name: string, deep: boolean): Promise<Answer<string[]>> {
  const ask = (check: RawBuilder<Problem>) =>
    readLong(async (kysely) => (await check.execute(kysely)).rows.flatMap(linesOf))
  const quick = sql<Problem>`pragma quick_check(${sql.lit(name)})`
  if (!deep) return ask(quick)
  const answer = await ask(sql<Problem>`pragma integrity_check(${sql.lit(name)})`)
  if (answer.outcome === 'answered' || answer.reason) return answer
  const again = await ask(quick)
  return again.outcome === 'answered' && again.value.length > 0 ? again : answer
}

/** All pages of the file, by what uses them. Tables have been looked at row by row. */
async function lookAtFile({ readLong }: PageReader): Promise<Pick<PageLook, 'faults' | 'gap'>> {
  const answer = await readLong(async (kysely) => {
    const { rows } = await sql<Problem>`pragma quick_check`.execute(kysely)
    return rows.flatMap(linesOf)
  })
  if (answer.outcome === 'failed') return outcomeOf(answer, undefined)
  return { faults: faultsOf(answer.value, undefined, new Map()), gap: null }
}

/** The pragma's one column is named after it. */
type Problem = Record<string, string>

function linesOf(row: Problem): string[] {
  const lines = Object.values(row).flatMap((text) => text.split('\n'))
  return lines.filter((line) => line !== '' && line !== 'ok' && !line.startsWith('*** in database'))
}

async function indexRoots(kysely: AnyKysely): Promise<Map<number, string>> {
  const { rows } = await sql<{ rootpage: number; name: string }>`
    select rootpage, name from sqlite_schema where type = 'index'`.execute(kysely)
  return new Map(rows.map(({ rootpage, name }) => [rootpage, name]))
}

/** What lines of a check mean, in SQLite's words: https://www.sqlite.org/pragma.html#pragma_integrity_check. */
const ofIndex =
  /^(?:row \S+ missing from|wrong # of entries in|non-unique entry in|row \S+ values differ from|rowid not at end-of-record for row \S+ of) index (.+)$/
const ofInvertedIndex = /^malformed inverted index for FTS\d table main\.(.+)$/
const ofTree = /^Tree (\d+) /
const ofValue = /^(?:NUMERIC|TEXT|non-\S+) value in /
/** Constraints are not about storage, and what could not be validated is an unknown. */
const otherwise = /^(?:NULL value in|CHECK constraint failed in|unable to validate) /

function faultsOf(
  lines: readonly string[],
  table: string | undefined,
  roots: ReadonlyMap<number, string>,
): PageFault[] {
  const faults = lines
    .filter((line) => !otherwise.test(line))
    .map((text): PageFault => {
      const index = (ofIndex.exec(text) ?? ofInvertedIndex.exec(text))?.[1] ?? roots.get(Number(ofTree.exec(text)?.[1]))
      const kind = index !== undefined ? 'index-damaged' : ofValue.test(text) ? 'value-differs' : 'page-damaged'
      const repair = index !== undefined ? rebuild(index, table) : kind === 'page-damaged' ? salvage : []
      return {
        kind,
        schema,
        table: /^(Main )?[Ff]reelist/.test(text) ? undefined : table,
        index,
        text,
        problems: 1,
        repair,
      }
    })
  const groups = groupBy(faults, ({ kind, index = '' }) => `${kind} ${index}`)
  return [...groups.values()].flatMap(([first, ...more]) => (first ? [{ ...first, problems: 1 + more.length }] : []))
}

/** A look that failed: what is damaged can't even be checked, anything else is an unknown. */
function outcomeOf(
  { reason, text }: Extract<Answer<unknown>, { outcome: 'failed' }>,
  table: string | undefined,
  optional = false,
): Pick<PageLook, 'faults' | 'gap'> {
  if (reason) return { faults: [], gap: { reason, detail: text, optional } }
  return { faults: [{ ...ofFile, kind: 'page-damaged', table, text, problems: 1, repair: salvage }], gap: null }
}
