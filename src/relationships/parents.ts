import { type Catalog, type Column, groupBy, type Relation, type Table } from '../dialects/catalog.js'
import { people, staff } from './roles.js'
import { expanded, nounOf, stem, tableKinds, tableTags, wordsOf } from './vocabulary.js'

/** A table that others may point at: by one column, which is a key. */
export interface Parent {
  readonly table: Table
  readonly key: Column
  /** The key is the primary one, or begins it. */
  readonly primary: boolean
  /** The words of its name. */
  readonly words: readonly string[]
  /** The first word of most tables, which says nothing of any. */
  readonly tag: string | null
  /** The key itself points at another table: whoever has its name means that one. */
  readonly leads: boolean
  /** The key's name without the prefix that all columns of its table share. */
  readonly keyName: string
  /** The same, with that prefix. */
  readonly wholeKey: string
  /** What the key is called after, in one form; empty where it is named like a key (`id`), or like none (`isbn`). */
  readonly keyStem: string
  /** Names that a column may call it by. */
  readonly names: ReadonlySet<string>
  /** The ends of its name, where it has several words: by how many words they have. */
  readonly tails: ReadonlyMap<string, number>
  /** Its name without a last word that says only what kind of table it is. */
  readonly head: { readonly name: string; readonly isType: boolean } | null
}

export function parentsOf(tables: readonly Table[], declared: ReadonlySet<string>): Parent[] {
  const shared = sharedPrefix([...new Set(tables.map(({ name }) => name))].map(wordsOf))
  return tables.flatMap((table) => {
    const all = wordsOf(table.name)
    const words = withoutTag(all)
    const bare = words.length > 1 && words[0] === shared ? words.slice(1) : words
    const prefix = columnPrefix(table)
    return singleKeys(table).map((key) => ({
      table,
      key,
      primary: table.keys.some(({ primary, columns }) => primary && columns[0] === key.name),
      words: all,
      tag: shared,
      leads: declared.has(place(table, key.name)),
      keyName: bareName(key.name, prefix),
      wholeKey: bareName(key.name, ''),
      keyStem: stem(nounOf(wordsOf(key.name)) ?? []),
      names: new Set([words, bare, [...wordsOf(table.schema), ...bare], expanded(bare)].map(stem)),
      tails: new Map([...tailsOf(withoutKind(words)), ...tailsOf(words)]),
      head: headOf(bare),
    }))
  })
}

/** The ends of a name of several words, and how many words each has. */
function tailsOf(words: readonly string[]): [end: string, words: number][] {
  return words.slice(1).map((_, at) => [stem(words.slice(at + 1)), words.length - at - 1])
}

function withoutKind(words: readonly string[]): readonly string[] {
  return words.length > 1 && tableKinds.has(stem(words.slice(-1))) ? words.slice(0, -1) : words
}

function headOf(words: readonly string[]): Parent['head'] {
  const last = stem(words.slice(-1))
  return words.length > 1 && tableKinds.has(last) ? { name: stem(words.slice(0, -1)), isType: last === 'type' } : null
}

/** Prefixes that say no more than that it is a table. */
function withoutTag(words: readonly string[]): readonly string[] {
  return words.length > 1 && tableTags.has(words[0] ?? '') ? words.slice(1) : words
}

/** The first word of most tables, if they share one: `wp_posts`, `mdl_user`. */
function sharedPrefix(names: readonly (readonly string[])[]): string | null {
  const counts = new Map<string, number>()
  for (const [first] of names.filter(({ length }) => length > 1))
    if (first) counts.set(first, (counts.get(first) ?? 0) + 1)
  const [most] = [...counts].sort((a, b) => b[1] - a[1])
  return most && names.length > 2 && most[1] >= names.length * 0.6 ? most[0] : null
}

/** What all columns of a table begin with: `l_` of `l_orderkey`, `l_partkey`. */
export function columnPrefix({ columns }: Table): string {
  const [first] = columns
  const prefix = /^(?!id_|fk_)[A-Za-z]{1,3}_/i.exec(first?.name ?? '')?.[0] ?? ''
  return prefix && columns.length > 2 && columns.every(({ name }) => name.startsWith(prefix)) ? prefix : ''
}

export const bareName = (name: string, prefix: string) => name.slice(prefix.length).toLowerCase().replaceAll('_', '')

/** The columns that alone are a key: the primary one first, and unique ones that are named like a key. */
function singleKeys(table: Table): Column[] {
  const names = table.keys
    .filter(({ columns }) => columns.length === 1)
    .sort((a, b) => Number(b.primary) - Number(a.primary))
    .flatMap(({ columns }) => columns)
  return [...new Set(names)].flatMap((name) => table.columns.find((column) => column.name === name) ?? [])
}

/**
 * Parents by what a column may call them: where there are thousands of tables, nobody holds every column against every table. Each list
 * is in the order of all.
 */
export interface ParentIndex {
  /** By one of its names, an end of one, or a head; those that this child may mean. */
  called(name: string, child: Table): readonly Parent[]
  /** By the name of its key, with the prefix of its table or without; those that this child may mean. */
  keyed(name: string, child: Table): readonly Parent[]
  of(table: Table): readonly Parent[]
  /** The tables of the application's people, the likeliest first, for a child of this one's schema. */
  people(child: Table): readonly Parent[]
  /** How many tables have a key of this name; those that are called alike in many schemas are one. */
  count(name: string): number
  /** Some of them, each once, in the order of all. */
  inOrder(some: readonly Parent[]): Parent[]
}

/** From so many parents of one name on, a child means one of its own schema, or of the default one: each tenant has the same tables. */
const many = 30

export function indexed(all: readonly Parent[], defaultSchema: string): ParentIndex {
  const tableOf = ({ table }: Parent) => table
  const called = crowds(
    all.flatMap((parent) => {
      const { names, tails, head } = parent
      return [...new Set([...names, ...tails.keys(), ...(head ? [head.name] : [])])].map((name) => [name, parent])
    }),
    tableOf,
  )
  const keyed = crowds(
    all.flatMap((parent) => [...new Set([parent.keyName, parent.wholeKey])].map((name) => [name, parent] as const)),
    tableOf,
  )
  const of = groupBy(all, tableOf)
  const counts = new Map(
    Array.from(keyed, ([name, { members }]) => [name, new Set(members.map(({ table }) => table.name)).size]),
  )
  const positions = new Map(all.map((parent, at) => [parent, at]))
  const position = (parent: Parent) => positions.get(parent) ?? 0
  const meant = (crowd: Crowd<Parent> | undefined, child: Table) =>
    crowd ? nearTo(crowd, child, defaultSchema, many) : []
  const inOrder = (some: readonly Parent[]) => [...new Set(some)].sort((a, b) => position(a) - position(b))
  const peopleNear = new Map<string, readonly Parent[]>()
  return {
    called: (name, child) => meant(called.get(name), child),
    keyed: (name, child) => meant(keyed.get(name), child),
    of: (table) => of.get(table) ?? [],
    people(child) {
      const known =
        peopleNear.get(child.schema) ??
        peopleAmong(inOrder(people.flatMap((name) => meant(called.get(name), child))), child.schema)
      peopleNear.set(child.schema, known)
      return known
    },
    count: (name) => counts.get(name) ?? 0,
    inOrder,
  }
}

function peopleAmong(parents: readonly Parent[], schema: string): readonly Parent[] {
  const isBeside = ({ table }: Parent) => table.schema === schema
  return parents
    .map((parent) => ({ parent, rank: rankOfPeople(parent) }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => a.rank - b.rank || Number(isBeside(b.parent)) - Number(isBeside(a.parent)))
    .map(({ parent }) => parent)
}

/** How likely a table is that of the application's people, the likeliest being 0; negative where it is none of people. */
export function rankOfPeople({ names, tails }: Parent): number {
  const whole = people.findIndex((name) => names.has(name))
  // A table that only ends so (`group_users`) comes after all that are called so.
  const end = people.findIndex((name) => tails.has(name) && staff.has(name))
  return whole >= 0 || end < 0 ? whole : people.length + end
}

/** What is called alike, in all schemas. */
export interface Crowd<T> {
  readonly members: readonly T[]
  readonly bySchema: ReadonlyMap<string, readonly T[]>
}

export function crowds<T>(
  named: readonly (readonly [name: string, member: T])[],
  tableOf: (member: T) => Table,
): Map<string, Crowd<T>> {
  return new Map(
    Array.from(
      groupBy(named, ([name]) => name),
      ([name, some]) => {
        const members = some.map(([, member]) => member)
        return [name, { members, bySchema: groupBy(members, (member) => tableOf(member).schema) }]
      },
    ),
  )
}

/** Those that a child may mean: all, up to a number; of more, those of its own schema and of the default one, or some where there are none. */
export function nearTo<T>(
  { members, bySchema }: Crowd<T>,
  child: Table,
  defaultSchema: string,
  most: number,
): readonly T[] {
  if (members.length <= most) return members
  const near = [...new Set([child.schema, defaultSchema])].flatMap((schema) => bySchema.get(schema) ?? [])
  return near.length > 0 ? near : members.slice(0, many)
}

export function parentNames(table: Table, parents: ParentIndex): ReadonlySet<string> {
  return parents.of(table)[0]?.names ?? new Set([stem(wordsOf(table.name))])
}

export function declaredIn({ foreignKeys }: Catalog): ReadonlySet<string> {
  return new Set(foreignKeys.flatMap(({ child, columns }) => columns.map((column) => place(child, column))))
}

export function place({ schema, name }: Relation, column: string): string {
  return JSON.stringify([schema, name, column])
}
