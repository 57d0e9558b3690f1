import type { Column, Table } from '../dialects/catalog.js'
import { bareName, columnPrefix, type ParentIndex, parentNames, rankOfPeople } from './parents.js'
import { isPersonRole, people, personRoles } from './roles.js'
import { isNumber } from './types.js'
import { isMeasure, nounOf, stem, tellApart, wordsOf } from './vocabulary.js'

/** What the name of a column says by itself, whatever it may point at. */
export interface Reference {
  readonly child: Table
  readonly column: Column
  /** Its words, without the prefix that all columns of its table share. */
  readonly words: readonly string[]
  /** What it is named after, where it is named like a key. */
  readonly noun: readonly string[] | null
  /** The words as one, in one form. */
  readonly stem: string
  /** The name without that prefix, written in one. */
  readonly bare: string
  /** What it begins with, where the rest only tells several of its kind apart: `userid1` and `user_id_from` are a user's id. */
  readonly begun: readonly string[]
  /** What it is to its row: all its words but those of a key, written in one, and the last of them. */
  readonly role: string
  readonly lastRole: string
  /** What its own table may be called by. */
  readonly ownNames: readonly string[]
  readonly isNumber: boolean
  /** It says how much or whether, and not which. */
  readonly isMeasure: boolean
  /** The table of people, where it is named after what a person is to a row. */
  readonly person: Table | null
}

export function referenceOf(child: Table, column: Column, parents: ParentIndex): Reference {
  const prefix = columnPrefix(child)
  const words = wordsOf(column.name.slice(prefix.length))
  const noun = nounOf(words)
  const roles = noun ?? words
  const said = {
    child,
    column,
    words,
    noun,
    stem: stem(words),
    bare: bareName(column.name, prefix),
    begun: begunWith(words),
    role: roles.join(''),
    lastRole: roles.at(-1) ?? '',
    ownNames: [stem(wordsOf(child.name)), ...parentNames(child, parents)],
    isNumber: isNumber(column.type),
    isMeasure: noun === null && isMeasure(words),
  }
  return { ...said, person: namesPerson(said, parents) ? personOf(said, parents) : null }
}

function begunWith(words: readonly string[]): string[] {
  const begun = words.map((_, at) => (tellApart(words.slice(at + 1)) ? words.slice(0, at + 1).join('') : ''))
  const whole = begun.at(-1)
  return begun.map((name) => name.replace(/\d+$/, '')).filter((name) => name !== '' && name !== whole)
}

type Said = Omit<Reference, 'person'>

function namesPerson({ child, words, noun, role, lastRole, isNumber }: Said, parents: ParentIndex): boolean {
  // Where a table is called so (`actor`), its rows are meant.
  const isRole = (name: string) =>
    personRoles.has(name) && !parents.called(name, child).some(({ names }) => names.has(name))
  return (
    isRole(role) ||
    (noun !== null && isPersonRole(noun)) ||
    (words.length > 1 && words.at(-1) === 'uid') ||
    ((noun !== null || lastRole === 'by' || isNumber) && isRole(lastRole)) ||
    /(by|reportsto)$/.test(role)
  )
}

const superiors = /manager|supervisor|boss|mentor|reportsto|head|lead/

/** The table of the application's people; where one of its own is above them, it stands for itself. */
function personOf({ child, role }: Said, parents: ParentIndex): Table | null {
  const known = parents.people(child)
  const isOwn = (parent: (typeof known)[number]) =>
    parent.table === child && rankOfPeople(parent) % people.length < people.indexOf('contact')
  const own = superiors.test(role) ? known.find(isOwn) : undefined
  return (own ?? known[0])?.table ?? null
}
