import { givenBy } from '../config/given.js'
import type { Surroundings } from '../config/reference.js'
import type { Config } from '../config.js'
import type { Depth } from '../depth.js'
import type { Dialect } from '../dialects/dialect.js'
import type { Plugin } from '../plugin.js'
import { createRegistry } from '../registry.js'
import { run } from '../run.js'
import { select } from '../select.js'
import { version } from '../version.js'
import { exitCodeOf } from './exit-code.js'
import type { Interruption } from './interruption.js'
import type { CheckOptions } from './options.js'
import { writeReport } from './output.js'
import type { Parts } from './parts.js'
import { startProgress } from './progress.js'

/** The deadline of a run that names none, by depth, in milliseconds. */
const deadlines: Record<Depth, number> = { quick: 10_000, standard: 300_000, deep: Number.POSITIVE_INFINITY }

export interface Patient {
  readonly parts: Parts
  readonly config: Config
  readonly plugins: readonly Plugin[]
  /** Where the config's references are looked up. */
  readonly surroundings: Surroundings
  /** The dialect of the database, if there is one to examine; `used` says whether a selected check looks at it. */
  readonly dialect: (used: boolean) => Promise<Dialect | null>
  readonly interruption: Interruption
}

/** Examines, prints the report, and answers with the exit code. */
export async function examine(
  { parts, config, plugins, surroundings, dialect: choose, interruption }: Patient,
  options: CheckOptions,
): Promise<number> {
  const registry = createRegistry([await parts.checks(), ...plugins])
  const selection = select(registry, config, options)
  const { given, secrets } = givenBy(config, selection.needs, surroundings)
  const dialect = await choose(selection.usesDatabase)
  const progress = startProgress(options.progress && !options.quiet)
  try {
    const examined = await run({
      registry,
      selection,
      config,
      given,
      secrets,
      dialect,
      version,
      depth: options.depth,
      wait: options.wait ?? 0,
      deadline: options.deadline ?? deadlines[options.depth],
      concurrency: options.concurrency,
      samples: options.samples,
      showValues: options.showValues ?? false,
      interrupt: interruption.signal,
      onEvent: progress.onEvent,
    })
    progress.stop()
    const { schemaVersion, tool, ...rest } = examined
    const report = {
      schemaVersion,
      tool,
      exitCode: exitCodeOf(examined, options.failOn, interruption.received()),
      ...rest,
    }
    const style = { verbose: options.verbose ?? false, quiet: options.quiet ?? false, color: options.color }
    await writeReport(report, options.format ?? [{ format: 'pretty', file: null }], style)
    return report.exitCode
  } finally {
    progress.stop()
  }
}
