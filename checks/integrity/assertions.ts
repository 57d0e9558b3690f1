import { defineCheck, type Failure, pluralize, roleSearchPath, type Session, sql } from 'dbdoctor'

interface Named {
  readonly name: string
}

interface Range {
  readonly min?: number | undefined
  readonly max?: number | undefined
}

const reading = ({ min, max }: Range) =>
  min === max
    ? String(min)
    : [min !== undefined && `at least ${min}`, max !== undefined && `at most ${max}`].filter(Boolean).join(' and ')

export default defineCheck({
  id: 'integrity/assertions',
  title: "The config's own queries return what they should",
  severity: 'error',
  after: ['connection/opens', { id: 'storage/pages', blocks: false }],
  depth: 'standard',
  docs: {
    why: 'What must hold of the data and no schema can say: no negative totals, no order without lines, one active price a product.',
    fix: 'Run the query that is named, and put right what it returns.',
  },
  messages: {
    'rows-differ': {
      severity: ({ severity }: { severity: 'error' | 'warning' | 'info' }) => severity,
      say: ({
        name,
        rows,
        expected,
      }: Named & { severity: 'error' | 'warning' | 'info'; rows: number; expected: string }) =>
        `${name}: the query returns ${pluralize(rows, 'row')}, ${expected} expected`,
    },
    'value-differs': {
      severity: ({ severity }: { severity: 'error' | 'warning' | 'info' }) => severity,
      say: ({
        name,
        expected,
      }: Named & { severity: 'error' | 'warning' | 'info'; samples: readonly unknown[]; expected: string }) =>
        `${name}: the value that the query returns is not ${expected}`,
    },
    unanswerable: ({ name, text }: Named & { text: string }) => `${name}: the query cannot be answered: ${text}`,
  },
  async run({ db, config, depth, report, coverage, skip }) {
    const ask = askOf(db, depth === 'deep')
    if (config.assertions.length === 0) return skip('not-configured', 'the config has no assertions')
    const seen = coverage('assertion')
    const lack = (name: string, { reason, code, text }: Failure) => {
      // A query that names what is not there has an answer: the config is wrong, or the schema.
      if (reason && reason !== 'unavailable') seen.missing(name, reason, text)
      else report('unanswerable', { name, text: code ? `${text} (${code})` : text })
    }
    for (const { name, sql: text, expect, severity } of config.assertions) {
      if (expect === 'empty' || 'rows' in expect) {
        const counted = await ask((query) => sql`select count(*) as value from ${query}`, text)
        if (counted.outcome === 'failed') {
          lack(name, counted)
          continue
        }
        seen.examined()
        const wanted =
          expect === 'empty'
            ? { min: 0, max: 0 }
            : typeof expect.rows === 'number'
              ? { min: expect.rows, max: expect.rows }
              : expect.rows
        const rows = Number(counted.value)
        if (rows < (wanted.min ?? 0) || rows > (wanted.max ?? Number.POSITIVE_INFINITY))
          report('rows-differ', { name, severity, rows, expected: expect === 'empty' ? 'none' : reading(wanted) })
        continue
      }
      const answer = await ask((query) => sql`select * from ${query} limit 1`, text)
      if (answer.outcome === 'failed') {
        lack(name, answer)
        continue
      }
      seen.examined()
      const { value: wanted } = expect
      const { value } = answer
      const fits = typeof wanted === 'object' ? isWithin(value, wanted) : isSame(value, wanted)
      const expected = typeof wanted === 'object' ? reading(wanted) : 'the one in the config'
      if (!fits) report('value-differs', { name, severity, samples: [value ?? null], expected })
    }
  },
})

type Sql = ReturnType<typeof sql>

/** Asks something of a query; answers with the first value. Around a query nothing but a query can stand: what writes is refused. */
function askOf({ dialect, scan }: Session, deep: boolean) {
  return (around: (query: Sql) => Sql, text: string) =>
    scan(
      async (kysely) => {
        const { rows } = await around(sql`(${sql.raw(bare(text, tokens[dialect]))}\n) as assertion`).execute(kysely)
        return Object.values((rows[0] ?? {}) as object)[0] as unknown
      },
      deep,
      roleSearchPath[dialect],
    )
}

/** Whether an answer is the value of the config. NULL is none. */
function isSame(value: unknown, wanted: string | number | boolean): boolean {
  if (value === null || value === undefined) return false
  if (typeof wanted === 'number') return numberIn(value) === wanted
  // A database without a type for booleans answers 1 and 0.
  if (typeof wanted === 'boolean' && typeof value !== 'string' && numberIn(value) === Number(wanted)) return true
  return String(value) === String(wanted)
}

function isWithin(value: unknown, { min, max }: Range): boolean {
  const number = numberIn(value)
  return number >= (min ?? Number.NEGATIVE_INFINITY) && number <= (max ?? Number.POSITIVE_INFINITY)
}

/** The number that a value is, or that a text says: `0.00` is 0, and what has more digits than a number holds comes as text. Else NaN. */
function numberIn(value: unknown): number {
  if (typeof value === 'string') return value.trim() === '' ? Number.NaN : Number(value)
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : Number.NaN
}

/** What a semicolon may stand in without ending a query: comments, texts, names. */
const tokens: Record<Session['dialect'], RegExp> = {
  sqlite: /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\]|\S/g,
  postgres:
    /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|(?<!\w)[eE]'(?:[^'\\]|''|\\[\s\S])*'|'[^']*'|"[^"]*"|(?<![\w$])\$(\w*)\$[\s\S]*?\$\1\$|\S/g,
}

/** A query without the semicolon at its end, and what is remarked behind it. */
function bare(text: string, token: RegExp): string {
  const said = [...text.matchAll(token)].filter(([word]) => !/^(--|\/\*)/.test(word))
  const ended = said[said.findLastIndex(([word]) => word !== ';') + 1]
  return ended ? text.slice(0, ended.index) : text
}
