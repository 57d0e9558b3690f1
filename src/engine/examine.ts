import { givenBy } from '../config/given.js'
import { configLines } from '../config/lines.js'
import type { Surroundings } from '../config/reference.js'
import type { Snapshot } from '../config/snapshot-format.js'
import type { Depth } from '../contracts/depth.js'
import { DbdoctorError } from '../contracts/errors.js'
import type { Repair } from '../contracts/repair.js'
import type { Dialect, DialectName } from '../dialects/dialect.js'
import { dialectOf, isFile, parseTarget } from '../dialects/target.js'
import { exitCodeOf, type FailOn, type Signal } from '../report/exit-code.js'
import type { Report } from '../report/report.js'
import type { Registry } from './registry.js'
import { type RunEvent, run } from './run.js'
import { select } from './selection.js'
import type { Subject } from './subject.js'
import { version } from './version.js'

/** The deadline of a run that names none, by depth, in milliseconds. */
const deadlines: Record<Depth, number> = { quick: 10_000, standard: 300_000, deep: Number.POSITIVE_INFINITY }

/** How somebody wants to examine. Times are in milliseconds. */
export interface ExamineSettings {
  readonly only?: readonly string[] | undefined
  readonly skip?: readonly string[] | undefined
  readonly depth: Depth
  readonly failOn: FailOn
  readonly deadline?: number | undefined
  readonly wait?: number | undefined
  readonly concurrency: number
  readonly samples: number
  readonly showValues?: boolean | undefined
  /** Standbys of a PostgreSQL target on which rows are read: their connection strings. */
  readonly replica?: readonly string[] | undefined
}

/** Who waits for the report. */
export interface Audience {
  /** Aborted by whoever wants no more than what is known so far. */
  readonly interrupt: AbortSignal
  /** The signal that ended the process' patience, if one did. */
  readonly received: () => Signal | null
  readonly onEvent: (event: RunEvent) => void
  /** Takes what mends each finding, by its fingerprint. */
  readonly repairs?: Map<string, readonly Repair[]>
}

/** Examines, and answers with the report. The one way for the command line and for programs. */
export async function reportOn(
  { config, baseline, path, surroundings, dialect: choose }: Omit<Subject, 'plugins'>,
  registry: Registry,
  settings: ExamineSettings,
  { interrupt, received, onEvent, repairs }: Audience,
): Promise<Report> {
  const selection = select(registry, config, settings)
  const { given, secrets } = givenBy(config, selection.needs, surroundings)
  const chosen = await choose(selection.usesDatabase)
  const dialect = chosen && settings.replica ? await onReplicas(chosen, settings.replica, surroundings) : chosen
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
    depth: settings.depth,
    wait: settings.wait ?? 0,
    deadline: settings.deadline ?? deadlines[settings.depth],
    concurrency: settings.concurrency,
    samples: settings.samples,
    showValues: settings.showValues ?? false,
    interrupt,
    onEvent,
    ...(repairs && { repairs }),
  })
  const { schemaVersion, tool, complete, depth, ...rest } = examination
  return {
    schemaVersion,
    tool,
    exitCode: exitCodeOf(examination, settings.failOn, received()),
    complete,
    depth,
    ...(path !== null && { config: await configLines(path, registry.checks) }),
    ...rest,
  }
}

/** Throws `ERR_USAGE` where the target, or what is named beside it, is no PostgreSQL. */
async function onReplicas(
  primary: Dialect,
  addresses: readonly string[],
  { environment }: Surroundings,
): Promise<Dialect> {
  const targets = addresses.map((address) => parseTarget(address, { source: '--replica' }))
  if (isFile({ dialect: primary.name, address: '' }) || targets.some(isFile))
    throw new DbdoctorError('ERR_USAGE', '--replica is for standbys of a PostgreSQL server', 'leave it out for a file')
  const { withReplicas } = await import('../dialects/postgres/replicas.js')
  return withReplicas(primary, await Promise.all(targets.map((target) => dialectOf(target, environment))))
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
