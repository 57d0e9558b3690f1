import Table from 'cli-table3'
import { inert } from '../values/inert.js'

/** Wider than this, an eye loses the line between a title and its figure. */
const widest = 110
/** Narrower than this, there is no room for a title beside its figure. */
const narrowest = 60

/** The width of a page on a terminal of so many columns. */
export function pageWidth(width: number): number {
  return Math.max(narrowest, Math.min(width, widest))
}

/** Lines of cells of fixed widths, wrapped at words, without borders. */
export function columns(cells: readonly (readonly [text: string, width: number, align: 'left' | 'right'])[]): string[] {
  const bare = [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ]
  const table = new Table({
    chars: Object.fromEntries(bare.map((name) => [name, ''])),
    style: { 'padding-left': 0, 'padding-right': 0 },
    colWidths: cells.map(([, width]) => width),
    colAligns: cells.map(([, , align]) => align),
    wordWrap: true,
    wrapOnWordBoundary: true,
  })
  table.push(cells.map(([text]) => text))
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
}

/** A text in lines of a page, indented; a lead stands in the indentation of the first one. */
export function wrapped(
  text: string,
  indent: number,
  { width }: { readonly width: number },
  colour: (text: string) => string,
  lead = '',
): string[] {
  return columns([
    [lead, indent, 'left'],
    [colour(inert(text)), width - indent, 'left'],
  ])
}
