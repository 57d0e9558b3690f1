import { closing, tokensOf, unquoted } from './tokens.js'
import { fold } from './writing.js'

/** A CHECK clause of a CREATE TABLE statement. */
export interface CheckClause {
  readonly name: string | null
  readonly definition: string
}

/**
 * The CHECK clauses of a CREATE TABLE statement, for a table of these names. No pragma tells them; SQLite keeps them in the statement's
 * text alone.
 */
export function checkClauses(statement: string, names: ReadonlySet<string>): CheckClause[] {
  const tokens = tokensOf(statement)
  const words = tokens.map(({ text }) => text.toUpperCase())
  const clauses: CheckClause[] = []
  for (let at = 0; at < tokens.length; at++) {
    if (words[at] !== 'CHECK' || words[at + 1] !== '(') continue
    const close = closing(tokens, at + 1)
    const [from, to] = [tokens[at + 2]?.index, tokens[close]?.index]
    const name = words[at - 2] === 'CONSTRAINT' ? (tokens[at - 1]?.text ?? null) : null
    if (from !== undefined && to !== undefined)
      clauses.push({ name: name && unquoted(name), definition: asQuery(statement.slice(from, to).trim(), names) })
    at = close
  }
  return clauses
}

/**
 * A condition as a query may say it. In a schema, SQLite takes a word in double quotes that is no name for a text; in a query it does not:
 * https://www.sqlite.org/quirks.html#dblquote.
 */
function asQuery(condition: string, names: ReadonlySet<string>): string {
  const tokens = tokensOf(condition)
  return tokens.reduceRight((text, token, at) => {
    const [before, after] = [tokens[at - 1]?.text.toUpperCase(), tokens[at + 1]?.text]
    const named = names.has(fold(unquoted(token.text))) || before === 'COLLATE' || after === '('
    if (!token.text.startsWith('"') || named) return text
    const literal = `'${unquoted(token.text).replaceAll("'", "''")}'`
    return `${text.slice(0, token.index)}${literal}${text.slice(token.index + token.text.length)}`
  }, condition)
}
