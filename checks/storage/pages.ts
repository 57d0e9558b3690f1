import { defineCheck, type PageFault, pluralize, quoted, type Repair } from 'dbdoctor'

type Evidence = Omit<PageFault, 'kind'>

/** The first problem in the engine's words, and how many more there are. */
const told = ({ text, problems }: Evidence) =>
  problems > 1 ? `${text} (and ${pluralize(problems - 1, 'problem')} more)` : text
const place = ({ table, index }: Evidence) =>
  [index !== undefined && `index ${quoted(index)} of`, table === undefined ? 'the file' : `table ${quoted(table)}`]
    .filter(Boolean)
    .join(' ')

/** What of the advice is a statement that rebuilds the index. */
const rebuilding = ({ index, table, repair }: Evidence): Repair[] => {
  const [statement] = repair.flatMap((step) => /\breindex .+$/.exec(step)?.[0] ?? [])
  return statement === undefined || index === undefined
    ? []
    : [
        {
          kind: 'statements',
          class: 'safe',
          what: `rebuild index ${quoted(index)}`,
          statements: [statement],
          lock: /concurrently/i.test(statement)
            ? `SHARE UPDATE EXCLUSIVE on ${quoted(table ?? '')}`
            : 'the file, for writing',
          alone: /concurrently/i.test(statement),
        },
      ]
}

const recovering: Repair = { kind: 'file', action: 'recover' }
const copyFirst = 'Stop what writes to the database, and copy its files as they are before anything is repaired'
const findCause = 'Find the cause first: the disk, a crash, a changed collation, a file copied while it was written'

export default defineCheck({
  id: 'storage/pages',
  title: 'Pages and b-trees are sound',
  severity: 'error',
  after: ['connection/opens'],
  depth: 'standard',
  docs: {
    why: 'After a torn write or a copy of a live file a database still opens and answers, with wrong rows or with fewer. An index that lost entries hides rows from some queries and lets duplicates in.',
    fix: 'Damaged pages: stop writing, copy the files as they are, then restore a backup. A damaged index: find the cause, then rebuild it. PostgreSQL needs amcheck to examine b-trees: create extension amcheck.',
  },
  messages: {
    'page-damaged': {
      say: (evidence: Evidence) => `${place(evidence)} is damaged: ${told(evidence)}`,
      next: ({ repair }: Evidence) => [copyFirst, ...repair],
      repair: () => [recovering],
    },
    'index-damaged': {
      say: (evidence: Evidence) => `${place(evidence)} is damaged: ${told(evidence)}`,
      next: ({ repair }: Evidence) => [findCause, ...repair],
      repair: rebuilding,
    },
    truncated: {
      say: (evidence: Evidence) => `${place(evidence)} is cut short: ${told(evidence)}`,
      next: ({ repair }: Evidence) => [copyFirst, ...repair],
      repair: () => [recovering],
    },
    'wal-mismatch': {
      say: ({ text }: Evidence) => text,
      next: ({ repair }: Evidence) => repair,
    },
    'value-differs': {
      severity: 'warning',
      say: (evidence: Evidence) => `${place(evidence)} holds values of other types than declared: ${told(evidence)}`,
    },
  },
  async run({ db, config, depth, report, coverage, skip }) {
    const seen = coverage('table')
    for await (const { part, object, faults, gap } of db.pages({ deep: depth === 'deep', schemas: config.schemas })) {
      for (const { kind, ...evidence } of faults) report(kind, evidence)
      if (gap && part === 'indexes') skip(gap.reason, gap.detail)
      else if (gap) seen.missing(object, gap.reason, gap.detail, gap.optional)
      else if (part === 'table') seen.examined()
    }
  },
})
