import { typed } from '../../values/text.js'

/** What a file is that is no SQLite database, and what makes one of it. */
export interface Foreign {
  /** In words that fit after "it is". */
  readonly what: string
  /** As it would be typed. */
  readonly remedy: (path: string) => string
}

type Sign = readonly [begins: (head: Buffer) => boolean, is: Foreign]

const bytes = (signature: string, at = 0) => {
  const wanted = Buffer.from(signature, 'hex')
  return (head: Buffer) => head.subarray(at, at + wanted.length).equals(wanted)
}
const text = (pattern: RegExp) => (head: Buffer) => pattern.test(head.toString('latin1', 0, 1024))
const read = (path: string) => typed(path)

/** What people keep where a database is expected, by how it begins. The first that fits. */
const signs: readonly Sign[] = [
  [
    text(/^version https:\/\/git-lfs\.github\.com\/spec\//),
    { what: 'a pointer of Git LFS: the file itself was not fetched', remedy: () => 'git lfs pull' },
  ],
  [bytes('1f8b'), { what: 'compressed with gzip', remedy: (path) => `gunzip -k < ${read(path)} > database.db` }],
  [bytes('28b52ffd'), { what: 'compressed with zstd', remedy: (path) => `zstd -dc ${read(path)} > database.db` }],
  [bytes('fd377a585a00'), { what: 'compressed with xz', remedy: (path) => `xz -dc ${read(path)} > database.db` }],
  [bytes('425a68'), { what: 'compressed with bzip2', remedy: (path) => `bzip2 -dc ${read(path)} > database.db` }],
  [bytes('504b0304'), { what: 'a zip archive', remedy: (path) => `unzip -l ${read(path)}` }],
  [bytes('5047444d50'), { what: "a dump in pg_dump's custom format", remedy: (path) => `pg_restore -l ${read(path)}` }],
  [bytes('4455434b', 8), { what: 'a DuckDB database', remedy: (path) => `duckdb ${read(path)}` }],
  [
    text(/^-- (PostgreSQL database|MySQL|MariaDB)/),
    { what: 'an SQL dump of another database server', remedy: (path) => `head -40 ${read(path)}` },
  ],
  [
    text(
      /^((--[^\n]*\n|\s)*(pragma|begin|set)\b|[^;]*\b(create|insert|drop)\b[^;]*;\s*(create|insert|drop|commit)\b)/i,
    ),
    { what: 'an SQL script', remedy: (path) => `sqlite3 new.db < ${read(path)}` },
  ],
  [
    text(/^\s*(<!doctype html|<html)/i),
    { what: 'an HTML page: a download may have failed', remedy: (path) => `head -5 ${read(path)}` },
  ],
  [text(/^\s*[[{]["\s{[\]}]/), { what: 'a JSON document', remedy: (path) => `head -c 400 ${read(path)}` }],
]

/** What a file is, by its first bytes; null where nobody knows. */
export function foreignOf(head: Buffer): Foreign | null {
  return signs.find(([begins]) => begins(head))?.[1] ?? null
}
