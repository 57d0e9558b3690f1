import { identifier } from '../../values/text.js'
import { type Token, unquoted } from './tokens.js'

/** SQLite compares names without regard to the case of ASCII letters. */
export const fold = (name: string) => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

/** Words that stand apart from a parenthesis that follows; any other is the name of a function, a table or a type. */
const apart = new Set(
  (
    'and as between by case check conflict default else end except exists filter from group having in intersect is join key like limit ' +
    'not on or order over references return select set then union unique using values when where'
  ).split(' '),
)
const operator = /^[^\w\s"'`[\](),.;\u0080-\uffff]+$/

/**
 * Writes statements in one way, however they were typed: words and names in small letters, no quotes that are not needed, one space where
 * one belongs. What stands in double quotes and is none of these names may be a text, which SQLite lets pass: it stays as it is.
 */
export function writer(names: ReadonlySet<string>): (tokens: readonly Token[]) => string {
  const inOneWay = (text: string) => {
    if (!/^["[`].+/s.test(text)) return text.startsWith("'") ? text : fold(text)
    const name = fold(unquoted(text))
    if (text.startsWith('"') && !names.has(name)) return text
    return /^[\w$\u0080-\uffff]+$/.test(name) ? name : identifier(name)
  }
  return (tokens) => {
    let written = ''
    let before = '('
    let afterSign = false
    for (const { text } of tokens) {
      const word = inOneWay(text)
      if (written !== '' && !afterSign && isApart(before, word)) written += ' '
      written += word
      afterSign = /^[-+]$/.test(word) && (/^[(,]$/.test(before) || operator.test(before) || apart.has(before))
      before = word
    }
    return written
  }
}

function isApart(before: string, word: string): boolean {
  if (/^[(.]$/.test(before) || /^[),.;]$/.test(word)) return false
  return word !== '(' || apart.has(before) || operator.test(before) || before === ','
}
