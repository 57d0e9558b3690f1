import { inert } from './inert.js'

/** Text as CommonMark shows it: nothing in it is markup. https://spec.commonmark.org/0.31.2/#backslash-escapes */
export function escaped(words: string): string {
  return inert(words).replace(/[\\`*_[\]<>|~&]/g, '\\$&')
}
