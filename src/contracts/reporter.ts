import type { Comparison, Report } from '../report/report.js'

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

/** Declares a format: a pure function of the report. */
export function defineReporter(reporter: Reporter): Reporter {
  return reporter
}

/** The same for two reports that were held against each other. */
export interface Comparer {
  readonly name: string
  readonly render: (comparison: Comparison, options: RenderOptions) => string
}
