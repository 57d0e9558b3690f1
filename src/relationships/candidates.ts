import type { Column, Table } from '../dialects/catalog.js'
import { bareName, columnPrefix, type Parent, type ParentIndex, parentNames } from './parents.js'
import { comparable, isNumber } from './types.js'
import {
  derivation,
  ends,
  expanded,
  genericNames,
  isMeasure,
  isPersonRole,
  nounOf,
  people,
  personRoles,
  selfRoles,
  stem,
  tableKinds,
  tellApart,
  wordsOf,
} from './vocabulary.js'

export interface Candidate {
  readonly parent: Pick<Parent, 'table' | 'key'>
  readonly why: string
  readonly score: number
}

interface Weighed extends Candidate {
  readonly parent: Parent
}

/** From this score on a name alone would do; from this one on, even for a column that is a key itself. */
export const [strong, sure] = [70, 80]
/** Of a name that fits, and may mean something else all the same. */
const doubtful = 58

export function bestOf(child: Table, column: Column, parents: ParentIndex): Candidate | null {
  const own = child.keys.some(({ primary, columns }) => primary && columns.length === 1 && columns[0] === column.name)
  const fitting = nearTo(child, column, parents)
    .filter(({ table, key }) => !(table === child && key.name === column.name) && comparable(column.type, key.type))
    .flatMap((parent) => candidatesOf(child, column, parent, parents))
    // A table's own key points elsewhere only where it is named after somebody else's.
    .filter(({ score, parent }) => !own || (score >= sure && !parent.table.name.startsWith(child.name)))
    .map((candidate) => ({ ...candidate, score: candidate.score + nearness(child, candidate.parent) }))
    .sort((a, b) => b.score - a.score)
  const [best, second] = fitting.some(({ parent }) => !parent.leads)
    ? fitting.filter(({ parent }) => !parent.leads)
    : fitting
  if (!best) return null
  // Two tables that fit alike: nobody knows which is meant.
  return second && second.score === best.score && second.parent.table !== best.parent.table ? null : best
}

/** The same schema first, then tables of the same family (`customer_entity`, `customer_group`), then a primary key before any other. */
function nearness(child: Table, { table, key, tag }: Parent): number {
  const primary = table.keys.some((one) => one.primary && one.columns[0] === key.name)
  const [first] = wordsOf(child.name)
  const [own, ...more] = wordsOf(table.name)
  const family = first !== tag && first === own && more.length > 0 && table !== child
  return (table.schema === child.schema ? 2 : 0) + (family ? 8 : 0) + (primary ? 1 : 0)
}

/** What a name may begin with, in words that are written together, and with a number behind: `userid1` and `user_id_from` are a user's id. */
function begunWith(words: readonly string[]): string[] {
  const begun = words.map((_, at) => (tellApart(words.slice(at + 1)) ? words.slice(0, at + 1).join('') : ''))
  const whole = begun.at(-1)
  return begun.map((name) => name.replace(/\d+$/, '')).filter((name) => name !== '' && name !== whole)
}

/** Parents that the column may mean: those that are called like a part of it, whose key is, its own table, and the table of people. */
function nearTo(child: Table, column: Column, parents: ParentIndex): Parent[] {
  const prefix = columnPrefix(child)
  const words = wordsOf(column.name.slice(prefix.length))
  const noun = nounOf(words)
  const bare = bareName(column.name, prefix)
  const parts = [words, noun ?? []].flatMap((all) => all.flatMap((_, at) => [all.slice(at), all.slice(0, at + 1)]))
  const own = [stem(wordsOf(child.name)), ...parentNames(child, parents)].map((name) => name + stem(words))
  const person = personOf(child, (noun ?? words).join(''), parents)
  const names = new Set([...parts.flatMap((part) => [stem(part), stem(expanded(part))]), ...own])
  return parents.inOrder([
    ...[...names].flatMap((name) => parents.called(name, child)),
    ...[bare, ...begunWith(words)].flatMap((name) => (genericNames.has(name) ? [] : parents.keyed(name, child))),
    ...parents.of(child),
    ...(person ? parents.of(person) : []),
  ])
}

function candidatesOf(child: Table, column: Column, parent: Parent, parents: ParentIndex): Weighed[] {
  const prefix = columnPrefix(child)
  const words = wordsOf(column.name.slice(prefix.length))
  const ownName = (child === parent.table ? [] : [...parentNames(child, parents)]) as string[]
  const found: Weighed[] = []
  const add = (score: number, why: string) => found.push({ parent, why, score })
  const noun = nounOf(words)
  const keyIsGeneric = genericNames.has(parent.keyName)
  const keyStem = stem(nounOf(wordsOf(parent.key.name)) ?? [])
  const isPrimary = parent.table.keys.some(({ primary, columns }) => primary && columns[0] === parent.key.name)

  // The same name on both sides.
  const bareColumn = bareName(column.name, prefix)
  if (bareColumn === parent.wholeKey || (!keyIsGeneric && bareColumn === parent.keyName)) {
    if (ownName.includes(keyStem)) return []
    if (keyStem && parent.names.has(keyStem)) add(95, 'it has the name of that key')
    else if (keyStem && parent.tails.has(keyStem)) add(60, 'it has the name of that key')
    // A key that is called after another table (`default_types.project_id`) may be that one's for some of its rows.
    else if (isPrimary && !genericNames.has(words.join('')))
      add(
        parents.count(bareColumn) > 1 ? 50 : isOwnKey(parent, keyStem) ? sure : doubtful,
        'it has the name of that key',
      )
  } else if (isPrimary && keyStem && !keyIsGeneric && begunWith(words).includes(parent.keyName))
    add(73, 'it begins with the name of that key')
  if (noun && noun.length > 0) {
    const whole = stem(noun)
    const fits =
      keyIsGeneric || keyStem === '' || parent.names.has(keyStem) || parent.tails.has(keyStem) || keyStem.length <= 2
    if (isPrimary || fits) {
      const named = (some: readonly string[]) => parent.names.has(stem(some)) || parent.names.has(stem(expanded(some)))
      const end = noun.findIndex((_, start) => start > 0 && named(noun.slice(start)))
      const start = words[0] === 'id' ? noun.findLastIndex((_, at) => at > 0 && named(noun.slice(0, at))) : -1
      // Who has a column of this name beside its key points there itself, and is not what it names.
      const isSibling = parent.table.columns.some(({ name }) => name === column.name && name !== parent.key.name)
      const tail =
        child === parent.table || isSibling
          ? 0
          : (parent.tails.get(whole) ?? parent.tails.get(stem(expanded(noun))) ?? 0)
      const atEnd = ends.has(noun.at(-1) ?? '') && noun.length > 1 && named(noun.slice(0, -1))
      if (named(noun)) add(90, 'it is named after that table and its key')
      // What is numbered in a table of its own may be counted here: `next_request_id` of a list is that of no request yet.
      else if (end > 0)
        add(
          noun[0] === 'next' && child !== parent.table ? doubtful : 76 - end,
          `it is named after that table, in the role "${noun.slice(0, end).join(' ')}"`,
        )
      else if (atEnd) add(74, `it is named after that table, as one end of a link`)
      else if (start > 0) add(71, `it is named after that table, in the role "${noun.slice(start).join(' ')}"`)
      else if (tail > 0)
        add((tail > 1 ? 72 : 55) + (parent.head ? 3 : 0), 'it is named after the end of the name of that table')
      else if (noun.length > 1 && parent.tails.has(stem(noun.slice(-1)))) add(50, 'it ends like the name of that table')
      else if (parent.head?.name === whole) add(parent.head.isType ? 60 : 68, 'it is named after that table')
    }
  }
  const role = (noun ?? words).join('')
  const bare = stem(words)
  // `pages` of a category says how many there are, `show_page` whether one is shown.
  if (!isPrimary || (!noun && isMeasure(words))) return found
  if (!noun && parent.names.has(bare) && isNumber(column.type) && child !== parent.table)
    add(72, 'it is named after that table')
  const ownEnd = [stem(wordsOf(child.name)), ...parentNames(child, parents)].some((own) => parent.names.has(own + bare))
  if (!noun && child !== parent.table && bareName(column.name, prefix) !== parent.keyName) {
    const last = stem(words.slice(-1))
    if (parent.names.has(last)) add(words.length > 1 ? 51 : 52, 'its name ends with that of the table')
    else if (words.length > 1 && !tableKinds.has(last) && parent.tails.has(last))
      add(48, 'its name ends like that of the table')
  }
  if (!noun && isNumber(column.type) && ownEnd) add(85, 'it is named after the end of the name of that table')
  const lastRole = (noun ?? words).at(-1) ?? ''
  const own = parent.table === child
  const parentOfOwn = own && words[0] === 'parent' && words.length === 2 && parent.tails.has(stem(words.slice(1)))
  if (own && (selfRoles.has(role) || selfRoles.has(lastRole) || derivation.test(role) || parentOfOwn))
    add(65, 'it is named as if it pointed into its own table')
  // Where a table is called so (`actor`), its rows are meant.
  const hasTable = (name: string) => parents.called(name, child).some(({ names }) => names.has(name))
  const person =
    (personRoles.has(role) && !hasTable(role)) ||
    (noun !== null && isPersonRole(noun)) ||
    (words.length > 1 && words.at(-1) === 'uid') ||
    (personRoles.has(lastRole) &&
      !hasTable(lastRole) &&
      (noun !== null || lastRole === 'by' || isNumber(column.type))) ||
    /(by|reportsto)$/.test(role)
  if (person && personOf(child, role, parents) === parent.table)
    add(60, 'it is named after what a person is to the row')
  return found
}

/** Whether a key is called after its own table, be it in short (`emp_no` of employees), or after none (`isbn`). */
function isOwnKey({ table }: Parent, keyStem: string): boolean {
  return wordsOf(table.name).some((word) => word.startsWith(keyStem))
}

/** The table of the application's people; where one of its own is above them, it stands for itself. */
function personOf(child: Table, role: string, parents: ParentIndex): Table | undefined {
  const rank = ({ names, tails }: Parent) => {
    const whole = people.findIndex((name) => names.has(name))
    // A table that only ends so (`group_users`) comes after all that are called so.
    const end = people.findIndex((name) => tails.has(name) && staff.has(name))
    return whole >= 0 || end < 0 ? whole : people.length + end
  }
  const isBeside = ({ table }: Parent) => table.schema === child.schema
  const known = parents
    .inOrder(people.flatMap((name) => parents.called(name, child)))
    .filter((parent) => rank(parent) >= 0)
    .sort((a, b) => rank(a) - rank(b) || Number(isBeside(b)) - Number(isBeside(a)))
  const own = known.find((parent) => parent.table === child && rank(parent) % people.length < people.indexOf('contact'))
  return ((superiors.test(role) && own) || known[0])?.table
}

const staff: ReadonlySet<string> = new Set(['user', 'employee', 'person', 'staff'])

const superiors = /manager|supervisor|boss|mentor|reportsto|head|lead/
