import { remembered } from '../values/remembered.js'
import { singular } from '../values/text.js'

/** An identifier as its words, in lower case: `OwnerUserId` and `owner_user_id` are both `owner`, `user`, `id`. */
export const wordsOf = remembered((identifier): readonly string[] =>
  identifier
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\d]+/u)
    .filter(Boolean),
)

/** A noun in one form, whichever number it is written in. Several words count as one, by their last. */
export function stem(words: readonly string[]): string {
  const joined = words.join('')
  const last = words.at(-1) ?? ''
  return joined.slice(0, joined.length - last.length) + singular(last)
}

/** What names a key, and says nothing of what it is the key of. */
const keyWords: ReadonlySet<string> = new Set([
  ...[
    'id',
    'ids',
    'key',
    'code',
    'no',
    'nr',
    'num',
    'number',
    'uuid',
    'guid',
    'ref',
    'fk',
    'pk',
    'sk',
    'oid',
    'uid',
    'pid',
    'idx',
  ],
])

/** Names of keys that many tables share without meaning each other. */
export const genericNames: ReadonlySet<string> = new Set([
  ...keyWords,
  ...[
    'name',
    'slug',
    'type',
    'value',
    'title',
    'label',
    'rowid',
    'hash',
    'token',
    'email',
    'url',
    'path',
    'date',
    'position',
    'version',
    'description',
    'reference',
    'comment',
    'note',
    'text',
    'address',
    'content',
  ],
])

/** The same, where a name is written in one: `userid`, `orderkey`. */
const runTogether = /^(.{2,})(id|key|code|no|uuid|guid|fk|num)$/

/** The noun of a column that is named after what it points at; null where its name does not end, or begin, like a key's. */
export function nounOf(words: readonly string[]): string[] | null {
  const last = words.at(-1)
  const [first] = words
  if (words.length > 1 && first && ['id', 'fk'].includes(first)) {
    const rest = words.slice(1)
    return rest.length > 1 && keyWords.has(rest.at(-1) ?? '') ? rest.slice(0, -1) : rest
  }
  if (words.length > 1 && last && keyWords.has(last)) {
    const rest = words.slice(0, -1)
    return rest.length > 1 && keyWords.has(rest.at(-1) ?? '') ? rest.slice(0, -1) : rest
  }
  const [, noun] = runTogether.exec(last ?? '') ?? []
  return noun ? [...words.slice(0, -1), noun] : null
}

/** Whether a name has a key's: as its end, or with a role behind (`iconid_on`). */
export function isNamedLikeKey(words: readonly string[]): boolean {
  return nounOf(words) !== null || words.some((word) => keyWords.has(word) || runTogether.test(word))
}

/** Words before which a column says whether there is one, or how many there are. */
const measuring: ReadonlySet<string> = new Set([
  ...[
    'is',
    'has',
    'can',
    'no',
    'not',
    'show',
    'hide',
    'use',
    'uses',
    'allow',
    'allows',
    'enable',
    'enabled',
    'disable',
  ],
  ...[
    'disabled',
    'verify',
    'notify',
    'send',
    'inherits',
    'with',
    'num',
    'number',
    'nb',
    'total',
    'count',
    'max',
    'min',
  ],
  ...['avg', 'sum', 'per'],
])

/** Last words of a column that says how much there is, or in which order its rows come. */
const measured: ReadonlySet<string> = new Set([
  ...[
    'price',
    'cost',
    'amount',
    'total',
    'quantity',
    'qty',
    'balance',
    'order',
    'sequence',
    'seq',
    'position',
    'ordinal',
    'version',
    'value',
  ],
])

/** Whether a name that is not a key's says how much or whether, and not which: what has one parent is called after one. */
export function isMeasure(words: readonly string[]): boolean {
  const last = words.at(-1) ?? ''
  return singular(last) !== last || measured.has(last) || words.slice(0, -1).some((word) => measuring.has(word))
}

/** Short forms that columns and tables are called by, and what they stand for. */
const abbreviations: Readonly<Record<string, string>> = {
  acct: 'account',
  addr: 'address',
  attr: 'attribute',
  cat: 'category',
  categ: 'category',
  cust: 'customer',
  dept: 'department',
  dest: 'destination',
  doc: 'document',
  emp: 'employee',
  grp: 'group',
  inv: 'invoice',
  lang: 'language',
  loc: 'location',
  mgr: 'manager',
  msg: 'message',
  org: 'organization',
  pmt: 'payment',
  prod: 'product',
  tmpl: 'template',
  usr: 'user',
}

/** The same words with short forms written out. */
export function expanded(words: readonly string[]): string[] {
  return words.map((word) => abbreviations[word] ?? word)
}

/** What tells the two ends of a link apart: `issue_from_id`, `issue_to_id`. */
export const ends: ReadonlySet<string> = new Set([
  ...['from', 'to', 'source', 'src', 'target', 'destination', 'dest', 'origin', 'a', 'b', '1', '2', 'left', 'right'],
  ...['first', 'second', 'one', 'two', 'parent', 'child', 'old', 'new', 'main', 'other'],
])

/** Whether words after a key's name say which of several it is: `userid1`, `user_id_from`, `triggerid_down`. */
export function tellApart(words: readonly string[]): boolean {
  return words.every((word) => ends.has(word) || /^(\d+|up|down|on|off|by|of|for|at)$/.test(word))
}

/** Words that tell an archive from the table whose rows it keeps. */
export const archiveWords: ReadonlySet<string> = new Set([
  ...[
    'archive',
    'archived',
    'archives',
    'shadow',
    'history',
    'hist',
    'backup',
    'bak',
    'old',
    'deleted',
    'trash',
    'copy',
  ],
])

/** Last words that say what kind of table it is, not what its rows are: `company_name`, `role_type`. */
export const tableKinds: ReadonlySet<string> = new Set([
  'name',
  'master',
  'info',
  'data',
  'detail',
  'list',
  'lookup',
  'dim',
  'base',
  'type',
  'entity',
  'record',
  'tbl',
  'table',
  'model',
])

/** First words that say the same: `tbl_users`, `dim_customer`. */
export const tableTags: ReadonlySet<string> = new Set([
  'tbl',
  'tb',
  't',
  'table',
  'dim',
  'fact',
  'ref',
  'lkp',
  'lu',
  'mst',
  'tm',
])
