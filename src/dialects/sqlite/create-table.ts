import { closing, type Token, tokensOf, unquoted } from './tokens.js'

/** A CREATE TABLE statement, taken apart: SQLite keeps some of what it says in its text alone. */
export interface CreateTable {
  readonly columns: readonly {
    readonly name: string
    readonly type: readonly Token[]
    readonly clauses: readonly Clause[]
  }[]
  /** Clauses of the table as a whole. */
  readonly clauses: readonly Clause[]
  /** What follows the parenthesis: STRICT, WITHOUT ROWID. */
  readonly options: readonly Token[]
}

/** One constraint: what kind it is, the word it begins with, and all its tokens, that word included. */
export interface Clause {
  readonly kind: string
  /** The name that CONSTRAINT gives it. */
  readonly name: string | null
  readonly tokens: readonly Token[]
}

/** Takes a CREATE TABLE statement apart. Total: of what is no such statement, nothing is left. */
export function parseCreateTable(statement: string): CreateTable {
  const tokens = tokensOf(statement)
  const open = tokens.findIndex(({ text }) => text === '(')
  const close = open < 0 ? -1 : closing(tokens, open)
  const parts = close < 0 ? [] : splitAtCommas(tokens.slice(open + 1, close))
  const isTableClause = ([first]: readonly Token[]) =>
    ['CONSTRAINT', 'PRIMARY', 'UNIQUE', 'CHECK', 'FOREIGN'].includes(wordOf(first))
  return {
    columns: parts
      .filter((part) => !isTableClause(part))
      .map(([name, ...rest]) => ({ name: unquoted(name?.text ?? ''), ...clausesOf(rest) })),
    clauses: parts.filter(isTableClause).flatMap((part) => clausesOf(part).clauses),
    options: close < 0 ? [] : tokens.slice(close + 1),
  }
}

function splitAtCommas(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]]
  for (const { token, depth } of withDepth(tokens)) {
    if (depth === 0 && token.text === ',') parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts.filter((part) => part.length > 0)
}

/** Words that begin a clause, unless they come after one of these. */
const beginnings: Readonly<Record<string, readonly string[]>> = {
  CONSTRAINT: [],
  PRIMARY: [],
  UNIQUE: [],
  CHECK: [],
  FOREIGN: [],
  REFERENCES: [],
  COLLATE: [],
  GENERATED: [],
  AS: ['ALWAYS'],
  DEFAULT: ['SET'],
  NOT: [],
  NULL: ['NOT', 'SET', 'DEFAULT'],
}

function clausesOf(tokens: readonly Token[]): { type: Token[]; clauses: Clause[] } {
  const type: Token[] = []
  const clauses: { kind: string; name: string | null; tokens: Token[] }[] = []
  let name: string | null = null
  let before = ''
  for (const { token, depth, next } of withDepth(tokens)) {
    const word = wordOf(token)
    const current = clauses.at(-1)
    if (before === 'CONSTRAINT') name = unquoted(token.text)
    else if (depth === 0 && begins(word, before, wordOf(next), current?.kind)) {
      if (word !== 'CONSTRAINT') {
        clauses.push({ kind: word, name, tokens: [token] })
        name = null
      }
    } else (current?.tokens ?? type).push(token)
    before = word
  }
  return { type, clauses }
}

function begins(word: string, before: string, next: string, within: string | undefined): boolean {
  if (word === 'REFERENCES' && within === 'FOREIGN') return false
  if (word === 'NOT' && next === 'DEFERRABLE') return false
  return Object.hasOwn(beginnings, word) && !beginnings[word]?.includes(before)
}

/** Tokens with the number of parentheses around each; those of a pair are outside of it. */
function* withDepth(tokens: readonly Token[]) {
  let depth = 0
  for (const [at, token] of tokens.entries()) {
    if (token.text === ')') depth--
    yield { token, depth, next: tokens[at + 1] }
    if (token.text === '(') depth++
  }
}

/** A word as the grammar knows it; a quoted one is a name, and no word. */
function wordOf(token: Token | undefined): string {
  return token?.text.toUpperCase() ?? ''
}
