/** A token of SQLite's language: quoted text, a word, an operator, or a single character; and where it is. */
export interface Token {
  readonly text: string
  readonly index: number
}

const token =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[\w$\u0080-\uffff]+|\|\||->>?|<[=>]|<<|>[=>]|[!=]=|\S/g

/** The tokens of a statement. Comments are none. */
export function tokensOf(statement: string): Token[] {
  return [...statement.matchAll(token)]
    .map(({ 0: text, index }) => ({ text, index }))
    .filter(({ text }) => !/^(--|\/\*)/.test(text))
}

/** The token that closes a parenthesis; the end where none does. */
export function closing(tokens: readonly Token[], open: number): number {
  let depth = 0
  for (let at = open; at < tokens.length; at++) {
    if (tokens[at]?.text === '(') depth++
    if (tokens[at]?.text === ')' && --depth === 0) return at
  }
  return tokens.length
}

/** A name without its quotes. */
export function unquoted(name: string): string {
  const quote = name[0] ?? ''
  if (quote === '[') return name.slice(1, -1)
  return '"`\''.includes(quote) ? name.slice(1, -1).replaceAll(quote + quote, quote) : name
}
