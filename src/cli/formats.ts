import { DbdoctorError } from '../contracts/errors.js'
import type { Reporter } from '../contracts/reporter.js'
import { loadReporter, reporterNames } from '../reporters/index.js'
import { nearest } from '../values/nearest.js'
import type { Output } from './options.js'

/** A format that is there. */
export interface Format {
  readonly name: string
  readonly load: () => Promise<Reporter>
}

/** Where a report goes to unless the user says otherwise. */
export const usual = [{ format: 'pretty', file: null }] as const

/** What was asked for, found among the built-in formats and those that plugins add. Throws `ERR_UNKNOWN_FORMAT`. */
export function formatsOf(
  outputs: readonly Output[] | undefined,
  added: readonly Reporter[],
): readonly Output<Format>[] {
  return (outputs ?? usual).map(({ format, file }) => ({ file, format: formatNamed(format, added) }))
}

/** Whether a format comes with dbdoctor. */
export function isBuiltIn({ format }: Output): boolean {
  return (reporterNames as readonly string[]).includes(format)
}

function formatNamed(name: string, added: readonly Reporter[]): Format {
  const own = reporterNames.find((known) => known === name)
  if (own) return { name, load: () => loadReporter(own) }
  const reporter = added.find((candidate) => candidate.name === name)
  if (reporter) return { name, load: async () => guarded(reporter) }
  const names = [...reporterNames, ...added.map((candidate) => candidate.name)]
  const near = nearest(name, names)
  const hint = near === null ? `write ${names.join(' or ')}, or NAME=FILE` : `did you mean ${near}?`
  throw new DbdoctorError('ERR_UNKNOWN_FORMAT', `there is no format ${JSON.stringify(name)}`, hint)
}

/** Somebody else's format: where it breaks, its author is told, not that of dbdoctor. */
function guarded({ name, render }: Reporter): Reporter {
  const fail = (what: string) =>
    new DbdoctorError('ERR_PLUGIN_INVALID', `the format ${name} ${what}`, 'mend the plugin, or write another format')
  return {
    name,
    render(report, options) {
      let text: unknown
      try {
        text = render(report, options)
      } catch (error) {
        throw fail(`broke: ${error instanceof Error ? error.message : error}`)
      }
      if (typeof text === 'string') return text
      throw fail(`made no text of the report: render has to return a string`)
    },
  }
}
