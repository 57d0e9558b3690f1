import {
  type Definition,
  type DefinitionKind,
  defineCheck,
  identifier,
  isRelation,
  literal,
  nameOf,
  ownName,
  quoted,
  type Repair,
  type Severity,
  z,
} from 'dbdoctor'

/** What a finding is about: its name stands under the key that other checks use for such a thing. */
interface Evidence {
  readonly kind: DefinitionKind
  readonly schema: string
  readonly table?: string
  readonly columns?: readonly string[]
  readonly index?: string
  readonly constraint?: string
  readonly sequence?: string
  readonly name?: string
}

interface Expected extends Evidence {
  readonly should: string
}

interface Found extends Evidence {
  readonly is: string
}

const meant = 'Where it should be so from now on: dbdoctor snapshot, and commit the file.'
const migrations = 'See which migration is missing here, or who changed it by hand.'

/** An index, or a foreign key where one can be added to a table that is there. */
const creating = ({ kind, schema, table = '', index, constraint, should }: Expected): Repair[] => {
  const on = identifier(schema, ownName(schema, table))
  if (kind === 'index' && index !== undefined) {
    const drop = `drop index ${identifier(schema, ownName(schema, index))}`
    const common = { kind: 'statements', class: 'safe', undo: `select ${literal(drop)}` } as const
    const what = `create index ${quoted(index)}, as the snapshot has it`
    const validates = /^create unique /i.test(should)
    return [{ ...common, what, statements: [should], validates, lock: `SHARE on ${quoted(table)}: writers wait` }]
  }
  if (constraint === undefined || !should.startsWith('FOREIGN KEY')) return []
  const name = identifier(constraint)
  const added = should.replace(/ NOT VALID$/, '')
  return [
    {
      kind: 'statements',
      class: 'safe',
      what: `add foreign key ${quoted(constraint)} to ${quoted(table)}, as the snapshot has it`,
      statements: [
        `alter table ${on} add constraint ${name} ${added} not valid`,
        `alter table ${on} validate constraint ${name}`,
      ],
      validates: true,
      lock: `SHARE ROW EXCLUSIVE on ${quoted(table)} and on its parent`,
      undo: `select ${literal(`alter table ${on} drop constraint ${name}`)}`,
    },
  ]
}

export default defineCheck({
  id: 'schema/drift',
  title: 'The schema equals the snapshot',
  severity: 'error',
  after: ['connection/opens'],
  needs: ['snapshot'],
  docs: {
    why: 'A column widened by hand, an index that one environment lacks, a key that lost its ON DELETE: tests pass on one schema and production runs on another.',
    fix: 'Apply the missing migration, or undo what was changed by hand; where the change is meant, write the snapshot anew: dbdoctor snapshot.',
  },
  options: z.strictObject({
    added: z.enum(['error', 'warning', 'info']).default('error').describe('what is there and not in the snapshot'),
  }),
  messages: {
    missing: {
      say: (evidence: Expected) => `${called(evidence)} is missing`,
      next: ({ kind, should }: Expected) => [...(kind === 'index' ? [should] : []), migrations],
      repair: creating,
    },
    changed: {
      say: (evidence: Expected & Found) => `${called(evidence)} ${differing(evidence.is, evidence.should)}`,
      next: () => [migrations, meant],
    },
    added: {
      severity: ({ severity }: { severity: Severity }) => severity,
      say: (evidence: Found & { severity: Severity }) => `${called(evidence)} is not in the snapshot`,
      next: () => [migrations, meant],
    },
  },
  async run({ db, given, config, options, report, coverage, skip }) {
    const answer = await db.definitions()
    if (answer.outcome === 'failed') return skip(answer.reason ?? 'unavailable', answer.text)
    const { objects, gaps, defaultSchema } = answer.value
    const { snapshot } = given
    const wanted = ({ schema }: { schema: string }) =>
      (config.schemas?.includes(schema) ?? true) && (snapshot.schemas?.includes(schema) ?? true)
    const readable = ({ kind }: Definition) => !gaps.some((gap) => gap.kind === kind)
    const expected = snapshot.objects.filter((object) => wanted(object) && readable(object))
    const seen = coverage('definition')
    seen.examined(expected.length)
    for (const { kind, reason, detail } of gaps) seen.missing(`each ${kind}`, reason, detail)
    for (const schema of config.schemas ?? [])
      if (snapshot.schemas?.includes(schema) === false)
        seen.missing(`schema ${schema}`, 'unavailable', 'the snapshot does not speak of it')

    const { missing, changed, added } = compare(expected, objects.filter(wanted))
    const about = (one: Definition) => evidenceOf(one, nameOf(relationOf(one), { defaultSchema }))
    for (const one of missing) report('missing', { ...about(one), should: one.definition })
    for (const { was, now } of changed) report('changed', { ...about(was), ...wordsOf(was, now) })
    for (const one of added) report('added', { ...about(one), is: one.definition, severity: options.added })
  },
})

/** What differs, an object once: where a table is missing or new, what belongs to it is not spoken of. */
function compare(expected: readonly Definition[], found: readonly Definition[]) {
  const before = new Map(expected.map((one) => [keyOf(one), one]))
  const now = new Map(found.map((one) => [keyOf(one), one]))
  const explained = ({ schema, table }: Definition) => {
    const key = keyOf({ schema, name: table ?? '', kind: 'table' })
    return table !== undefined && before.get(key)?.kind !== now.get(key)?.kind
  }
  return {
    missing: expected.filter((one) => !now.has(keyOf(one)) && !explained(one)),
    changed: expected.flatMap((was) => {
      const is = now.get(keyOf(was))
      const same = !is || (is.kind === was.kind && is.definition === was.definition)
      return same || explained(was) ? [] : [{ was, now: is }]
    }),
    added: found.filter((one) => !one.unfinished && !before.has(keyOf(one)) && !explained(one)),
  }
}

/** What makes two definitions speak of one thing. Tables and views share their names. */
function keyOf({ schema, table, kind, name }: Omit<Definition, 'definition'>): string {
  return JSON.stringify([isRelation({ kind }) ? 'relation' : kind, schema, table ?? '', name])
}

function wordsOf(was: Definition, now: Definition): { is: string; should: string } {
  if (was.kind !== now.kind) return { is: `a ${now.kind}`, should: `a ${was.kind}` }
  return { is: now.definition, should: was.definition }
}

/** The relation that it is, or belongs to; itself where it stands alone. */
function relationOf({ schema, table, name }: Definition): { schema: string; name: string } {
  return { schema, name: table ?? name }
}

function evidenceOf({ schema, table: owner, kind, name }: Definition, relation: string): Evidence {
  const table = owner === undefined ? {} : { table: relation }
  const own = owner === undefined ? relation : name
  switch (kind) {
    case 'column':
      return { kind, schema, ...table, columns: [name] }
    case 'constraint':
    case 'index':
    case 'sequence':
      return { kind, schema, ...table, [kind]: own }
    default:
      return isRelation({ kind }) ? { kind, schema, table: relation } : { kind, schema, ...table, name: own }
  }
}

/** A thing in a sentence: `column "email" of "users"`. */
function called({ kind, table, columns = [], index, constraint, sequence, name }: Evidence): string {
  const own = columns[0] ?? index ?? constraint ?? sequence ?? name
  const parts = [own, table].filter((part) => part !== undefined)
  return `${kind} ${parts.map(quoted).join(' of ')}`
}

/** Letters of a definition that a sentence has room for. */
const room = 70

/** What it is and should be, in few words: of long definitions, the part in which they differ. */
function differing(is: string, should: string): string {
  const [left, right] = [is, should].map((text) => text.replace(/\s+/g, ' ')) as [string, string]
  if (left === right) return 'differs from the snapshot in white space'
  const whole = left.length <= room && right.length <= room
  const [now, before] = whole ? [left, right] : excerpts(left, right)
  return `is ${now}, and should be ${before}`
}

function excerpts(left: string, right: string): [string, string] {
  const shortest = Math.min(left.length, right.length)
  let from = 0
  while (from < shortest && left[from] === right[from]) from++
  let behind = 0
  while (behind < shortest - from && left.at(-1 - behind) === right.at(-1 - behind)) behind++
  // A little of what is around it, from the beginning of a word.
  const begin = from <= 24 ? 0 : Math.max(left.lastIndexOf(' ', from - 12) + 1, from - 24)
  const excerpt = (text: string) => {
    const end = Math.min(text.length - behind + 12, begin + room, text.length)
    return `${begin > 0 ? '…' : ''}${text.slice(begin, end)}${end < text.length ? '…' : ''}`
  }
  return [excerpt(left), excerpt(right)]
}
