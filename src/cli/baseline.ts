import { baselinePath } from '../config/baseline.js'
import { DbdoctorError } from '../contracts/errors.js'
import { baselineOf } from '../report/acceptance.js'
import { pluralize } from '../values/text.js'
import { onSubject } from './check.js'
import { examined } from './examine.js'
import { historyOf } from './history-file.js'
import type { CheckOptions } from './options.js'
import { replaceFile } from './output.js'
import type { Parts } from './parts.js'

export interface BaselineOptions extends CheckOptions {
  readonly reason?: string
  readonly expires?: string
}

/** `dbdoctor baseline`: accepts what is found today, so that only what is new or worse fails. Answers with the exit code. */
export async function baseline(parts: Parts, target: string | undefined, options: BaselineOptions): Promise<number> {
  return onSubject(parts, target, options, async (subject) => {
    const history = await historyOf(options)
    const report = await examined(subject, options, { history })
    await history?.append(report)
    if (!report.complete || report.verdict.database === 'unreachable') {
      const why = report.complete ? report.verdict.headline : 'The run was interrupted.'
      throw new DbdoctorError(
        'ERR_BASELINE_IMPOSSIBLE',
        `nothing was accepted: ${why}`,
        'a baseline is of a database that was examined; the file is as it was',
      )
    }
    const path = baselinePath(options.baseline, subject.surroundings.folder)
    const made = baselineOf(report.results, subject.baseline, options)
    await replaceFile(path, `${JSON.stringify(made, null, 2)}\n`).catch(({ code }: NodeJS.ErrnoException) => {
      throw new DbdoctorError('ERR_OUTPUT', `${path} cannot be written: ${code}`, 'name another place with --baseline')
    })
    const known = new Set(subject.baseline.map(({ fingerprint }) => fingerprint))
    const fresh = made.findings.filter(({ fingerprint }) => !known.has(fingerprint)).length
    const gone = known.size - (made.findings.length - fresh)
    process.stderr.write(
      `${path}: ${pluralize(made.findings.length, 'finding')} accepted, ${fresh} of them new; ${gone} no longer found\n`,
    )
    return 0
  })
}
