import escapeHtml from 'escape-html'
import { inert } from '../../values/inert.js'

/** Markup of our own; whatever else stands in a template is text. */
export interface Markup {
  readonly markup: string
}

type Part = string | number | Markup | readonly Markup[]

/** Markup with text in it: text is made inert and escaped, in elements and in quoted attributes alike. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { markup: String.raw({ raw: strings }, ...parts.map(written)) }
}

/** Nothing, where there is nothing to say. */
export const nothing: Markup = { markup: '' }

function written(part: Part): string {
  if (typeof part === 'object') return 'markup' in part ? part.markup : part.map(({ markup }) => markup).join('')
  return escapeHtml(inert(String(part)))
}
