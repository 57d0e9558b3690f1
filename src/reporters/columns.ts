import Table from 'cli-table3'

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
