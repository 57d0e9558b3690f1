/** A CHECK clause of a CREATE TABLE statement. */
export interface CheckClause {
  readonly name: string | null
  readonly definition: string
}

/** One token of SQLite's language: comment, quoted text, word, or a single character. */
const token =
  /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[\w$\u0080-\uffff]+|\S/g

/** The CHECK clauses of a CREATE TABLE statement. No pragma tells them; SQLite keeps them in the statement's text alone. */
export function checkClauses(statement: string): CheckClause[] {
  const tokens = [...statement.matchAll(token)].filter(([text]) => !/^(--|\/\*)/.test(text))
  const words = tokens.map(([text]) => text.toUpperCase())
  const clauses: CheckClause[] = []
  for (let at = 0; at < tokens.length; at++) {
    if (words[at] !== 'CHECK' || words[at + 1] !== '(') continue
    const close = closing(words, at + 1)
    const [from, to] = [tokens[at + 2]?.index, tokens[close]?.index]
    const name = words[at - 2] === 'CONSTRAINT' ? (tokens[at - 1]?.[0] ?? null) : null
    if (from !== undefined && to !== undefined)
      clauses.push({ name: name && unquoted(name), definition: statement.slice(from, to).trim() })
    at = close
  }
  return clauses
}

function closing(words: readonly string[], open: number): number {
  let depth = 0
  for (let at = open; at < words.length; at++) {
    if (words[at] === '(') depth++
    if (words[at] === ')' && --depth === 0) return at
  }
  return words.length
}

function unquoted(name: string): string {
  const quote = name[0] ?? ''
  if (quote === '[') return name.slice(1, -1)
  return '"`'.includes(quote) ? name.slice(1, -1).replaceAll(quote + quote, quote) : name
}
