import type { Column, Table } from '../dialects/catalog.js'
import type { Parent, ParentIndex } from './parents.js'
import { type Reference, referenceOf } from './reference.js'
import { derivation, selfRoles } from './roles.js'
import { comparable } from './types.js'
import { ends, expanded, genericNames, stem, tableKinds, wordsOf } from './vocabulary.js'

export interface Candidate {
  readonly parent: Pick<Parent, 'table' | 'key'>
  readonly why: string
  readonly score: number
}

/** What speaks for a parent. */
type Reason = Pick<Candidate, 'score' | 'why'>

/** From this score on a name alone would do; from this one on, even for a column that is a key itself. */
export const [strong, sure] = [70, 80]
/** Of a name that fits, and may mean something else all the same. */
const doubtful = 58

export function bestOf(child: Table, column: Column, parents: ParentIndex): Candidate | null {
  const own = child.keys.some(({ primary, columns }) => primary && columns.length === 1 && columns[0] === column.name)
  const reference = referenceOf(child, column, parents)
  const fitting = nearTo(reference, parents)
    .filter(({ table, key }) => !(table === child && key.name === column.name) && comparable(column.type, key.type))
    .flatMap((parent) => reasonsFor(reference, parent, parents).map((reason) => ({ ...reason, parent })))
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
function nearness(child: Table, { table, primary, tag, words }: Parent): number {
  const [first] = wordsOf(child.name)
  const [own, ...more] = words
  const family = first !== tag && first === own && more.length > 0 && table !== child
  return (table.schema === child.schema ? 2 : 0) + (family ? 8 : 0) + (primary ? 1 : 0)
}

/** Parents that a column may mean: those that are called like a part of it, whose key is, its own table, and the table of people. */
function nearTo({ child, words, noun, bare, begun, ownNames, person, ...said }: Reference, parents: ParentIndex) {
  const parts = [words, noun ?? []].flatMap((all) => all.flatMap((_, at) => [all.slice(at), all.slice(0, at + 1)]))
  const names = new Set([
    ...parts.flatMap((part) => [stem(part), stem(expanded(part))]),
    ...ownNames.map((name) => name + said.stem),
  ])
  return parents.inOrder([
    ...[...names].flatMap((name) => parents.called(name, child)),
    ...[bare, ...begun].flatMap((name) => (genericNames.has(name) ? [] : parents.keyed(name, child))),
    ...parents.of(child),
    ...(person ? parents.of(person) : []),
  ])
}

function reasonsFor(reference: Reference, parent: Parent, parents: ParentIndex): readonly Reason[] {
  const { child, bare, ownNames } = reference
  const sameKey = bare === parent.wholeKey || (!genericNames.has(parent.keyName) && bare === parent.keyName)
  // A key that is called after the child's own table is the child's.
  if (sameKey && child !== parent.table && ownNames.slice(1).includes(parent.keyStem)) return []
  const reasons = [
    sameKey ? bySameKey(reference, parent, parents) : byBegunKey(reference, parent),
    byNoun(reference, parent),
    // `pages` of a category says how many there are, `show_page` whether one is shown.
    ...(parent.primary && !reference.isMeasure
      ? [...byTable(reference, parent), byOwnRole(reference, parent), byPerson(reference, parent)]
      : []),
  ]
  return reasons.filter((reason) => reason !== null)
}

function bySameKey({ words, bare }: Reference, parent: Parent, parents: ParentIndex): Reason | null {
  const { keyStem, names, tails, primary } = parent
  const why = 'it has the name of that key'
  if (keyStem && names.has(keyStem)) return { score: 95, why }
  if (keyStem && tails.has(keyStem)) return { score: 60, why }
  if (!primary || genericNames.has(words.join(''))) return null
  if (parents.count(bare) > 1) return { score: 50, why }
  // A key that is called after another table (`default_types.project_id`) may be that one's for some of its rows.
  return { score: parent.words.some((word) => word.startsWith(keyStem)) ? sure : doubtful, why }
}

function byBegunKey({ begun }: Reference, { primary, keyStem, keyName }: Parent): Reason | null {
  const fits = primary && keyStem !== '' && !genericNames.has(keyName) && begun.includes(keyName)
  return fits ? { score: 73, why: 'it begins with the name of that key' } : null
}

/** By what a column is named after that is named like a key: the table, in a role or as an end, or a part of its name. */
function byNoun({ child, column, words, noun }: Reference, parent: Parent): Reason | null {
  if (!noun || noun.length === 0) return null
  const { table, key, names, tails, head, keyName, keyStem } = parent
  const isOfTable =
    genericNames.has(keyName) || keyStem === '' || names.has(keyStem) || tails.has(keyStem) || keyStem.length <= 2
  if (!parent.primary && !isOfTable) return null

  const named = (some: readonly string[]) => names.has(stem(some)) || names.has(stem(expanded(some)))
  if (named(noun)) return { score: 90, why: 'it is named after that table and its key' }
  const inRole = (role: readonly string[]) => `it is named after that table, in the role "${role.join(' ')}"`
  const end = noun.findIndex((_, at) => at > 0 && named(noun.slice(at)))
  if (end > 0) {
    // What is numbered in a table of its own may be counted here: `next_request_id` of a list is that of no request yet.
    const isCounter = noun[0] === 'next' && child !== table
    return { score: isCounter ? doubtful : 76 - end, why: inRole(noun.slice(0, end)) }
  }
  if (ends.has(noun.at(-1) ?? '') && noun.length > 1 && named(noun.slice(0, -1)))
    return { score: 74, why: 'it is named after that table, as one end of a link' }
  const start = words[0] === 'id' ? noun.findLastIndex((_, at) => at > 0 && named(noun.slice(0, at))) : -1
  if (start > 0) return { score: 71, why: inRole(noun.slice(start)) }
  const whole = stem(noun)
  // Who has a column of this name beside its key points there itself, and is not what it names.
  const isSibling = table.columns.some(({ name }) => name === column.name && name !== key.name)
  const tail = child === table || isSibling ? 0 : (tails.get(whole) ?? tails.get(stem(expanded(noun))) ?? 0)
  if (tail > 0)
    return { score: (tail > 1 ? 72 : 55) + (head ? 3 : 0), why: 'it is named after the end of the name of that table' }
  if (noun.length > 1 && tails.has(stem(noun.slice(-1))))
    return { score: 50, why: 'it ends like the name of that table' }
  return head?.name === whole ? { score: head.isType ? 60 : 68, why: 'it is named after that table' } : null
}

/** By a name that is the table's, or the end of it, as it is. */
function byTable({ child, words, noun, bare, ownNames, isNumber, ...said }: Reference, parent: Parent): Reason[] {
  const { table, names, tails, keyName } = parent
  const reasons: Reason[] = []
  if (noun) return reasons
  if (child !== table) {
    if (names.has(said.stem) && isNumber) reasons.push({ score: 72, why: 'it is named after that table' })
    const last = stem(words.slice(-1))
    if (bare !== keyName && names.has(last))
      reasons.push({ score: words.length > 1 ? 51 : 52, why: 'its name ends with that of the table' })
    else if (bare !== keyName && words.length > 1 && !tableKinds.has(last) && tails.has(last))
      reasons.push({ score: 48, why: 'its name ends like that of the table' })
  }
  if (isNumber && ownNames.some((own) => names.has(own + said.stem)))
    reasons.push({ score: 85, why: 'it is named after the end of the name of that table' })
  return reasons
}

function byOwnRole({ child, words, role, lastRole }: Reference, { table, tails }: Parent): Reason | null {
  if (table !== child) return null
  const parentOfOwn = words[0] === 'parent' && words.length === 2 && tails.has(stem(words.slice(1)))
  const fits = selfRoles.has(role) || selfRoles.has(lastRole) || derivation.test(role) || parentOfOwn
  return fits ? { score: 65, why: 'it is named as if it pointed into its own table' } : null
}

function byPerson({ person }: Reference, { table }: Parent): Reason | null {
  return person === table ? { score: 60, why: 'it is named after what a person is to the row' } : null
}
