/**
 * What could move the cursor, hide, reorder or forge text: control characters, bidirectional and zero-width marks, line and paragraph
 * separators, lone surrogates. https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
 */
const unruly =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** Text from a database or a server as a terminal may have it: what is unruly is shown as its code, `\u001b`. */
export function inert(text: string): string {
  return text.replace(unruly, escaped)
}

/** JSON in which nothing is unruly; it means the same. */
export function inertJson(json: string): string {
  return json.replace(unruly, (character) => (character === '\n' ? character : escaped(character)))
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
