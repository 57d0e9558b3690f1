import { givenBy } from './config/given.js'
import { configLines } from './config/lines.js'
import type { Depth } from './depth.js'
import type { DialectName } from './dialects/dialect.js'
import { DbdoctorError } from './errors.js'
import { exitCodeOf, type FailOn, type Signal } from './exit-code.js'
import type { Patient } from './patient.js'
import type { Registry } from './registry.js'
import type { Report } from './report.js'
import { type RunEvent, run } from './run.js'
import { select } from './select.js'
import type { Snapshot } from './snapshot.js'
import { version } from './version.js'

/** The deadline of a run that names none, by depth, in milliseconds. */
const deadlines: Record<Depth, number> = { quick: 10_000, standard: 300_000, deep: Number.POSITIVE_INFINITY }

/** How somebody wants to examine. Times are in milliseconds. */
export interface Wishes {
  readonly only?: readonly string[] | undefined
  readonly skip?: readonly string[] | undefined
  readonly depth: Depth
  readonly failOn: FailOn
  readonly deadline?: number | undefined
  readonly wait?: number | undefined
  readonly concurrency: number
  readonly samples: number
  readonly showValues?: boolean | undefined
}

/** Who waits for the report. */
export interface Audience {
  /** Aborted by whoever wants no more than what is known so far. */
  readonly interrupt: AbortSignal
  /** The signal that ended the process' patience, if one did. */
  readonly received: () => Signal | null
  readonly onEvent: (event: RunEvent) => void
}

/** Examines, and answers with the report. The one way for the command line and for programs. */
export async function reportOn(
  { config, baseline, path, surroundings, dialect: choose }: Omit<Patient, 'plugins'>,
  registry: Registry,
  wishes: Wishes,
  { interrupt, received, onEvent }: Audience,
): Promise<Report> {
  const selection = select(registry, config, wishes)
  const { given, secrets } = givenBy(config, selection.needs, surroundings)
  const dialect = await choose(selection.usesDatabase)
  if (given.snapshot && dialect) refuseOther(given.snapshot, dialect.name)
  const examination = await run({
    registry,
    selection,
    config,
    given,
    secrets,
    dialect,
    version,
    baseline,
    depth: wishes.depth,
    wait: wishes.wait ?? 0,
    deadline: wishes.deadline ?? deadlines[wishes.depth],
    concurrency: wishes.concurrency,
    samples: wishes.samples,
    showValues: wishes.showValues ?? false,
    interrupt,
    onEvent,
  })
  const { schemaVersion, tool, complete, depth, ...rest } = examination
  return {
    schemaVersion,
    tool,
    exitCode: exitCodeOf(examination, wishes.failOn, received()),
    complete,
    depth,
    ...(path !== null && { config: await configLines(path, registry.checks) }),
    ...rest,
  }
}

/** Definitions are in the words of their engine: those of another one say nothing. */
function refuseOther({ dialect }: Snapshot, target: DialectName): void {
  if (dialect === target) return
  throw new DbdoctorError(
    'ERR_SNAPSHOT_INVALID',
    `the snapshot is of a ${dialect} database, and this one is ${target}`,
    'write one of this database with "dbdoctor snapshot", or examine it with --skip schema/drift',
  )
}
