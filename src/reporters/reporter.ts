import type { Report } from '../report.js'

export interface RenderOptions {
  readonly color: boolean
  /** Columns. */
  readonly width: number
  readonly verbose: boolean
  /** Findings and verdict alone. */
  readonly quiet: boolean
}

/** A report in, text out. Reporters never print, read the clock, or decide the exit code. */
export interface Reporter {
  readonly name: string
  readonly render: (report: Report, options: RenderOptions) => string
}
