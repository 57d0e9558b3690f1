import { givenBy } from '../config/given.js'
import { DbdoctorError } from '../contracts/errors.js'
import type { Repair } from '../contracts/repair.js'
import type { Repairer } from '../dialects/repairer.js'
import type { Look } from '../repair/apply.js'
import { reading } from '../repair/catalog.js'
import { planOf } from '../repair/plan.js'
import type { Services } from '../repair/services.js'
import { checksOf, type Plan, type Step } from '../repair/step.js'
import type { Result } from '../report/report.js'
import { outOf } from '../values/text.js'
import { examined, type Interruptible } from './examine.js'
import type { FixOptions } from './options.js'

/** How long a server that was started may take to answer, in milliseconds. */
const startTimeout = 60_000

/** Examines, and plans what mends what was found. */
export async function planFor(subject: Interruptible, options: FixOptions, repairer: Repairer | null): Promise<Plan> {
  const repairs = new Map<string, readonly Repair[]>()
  const report = await examined(onlyReading(subject), options, { repairs })
  if (!report.complete)
    throw new DbdoctorError('ERR_REPAIR_REFUSED', 'no plan was made: the run was interrupted', 'nothing was changed')
  const dialect = await subject.dialect(true)
  const { orphans } = options
  return reading(dialect, subject.interruption.signal, (read) =>
    planOf({ report, repairs, repairer, reading: read, services: servicesOf(subject), orphans }),
  )
}

/** What the config says of what runs beside the database. */
export function servicesOf({ config, surroundings }: Interruptible): Services {
  const { auth } = config
  // Whoever confirms a repair opts in to an account, though a check may not make one.
  const open = auth.register ? { ...config, auth: { ...auth, register: { ...auth.register, enabled: true } } } : config
  const { given } = givenBy(open, ['api?', 'login?', 'register?'], surroundings)
  return { given, database: config.database.start }
}

/** The same, without what a check would write: whoever plans or looks again leaves nothing behind. */
function onlyReading(subject: Interruptible): Interruptible {
  const { config } = subject
  const { auth, database } = config
  return {
    ...subject,
    config: { ...config, auth: { ...auth, register: undefined }, database: { ...database, writes: undefined } },
  }
}

/** What the checks that found the fault see now. */
export async function lookAgain(subject: Interruptible, options: FixOptions, step: Step): Promise<Look> {
  const { skip: _, ...rest } = options
  const starts = step.service === 'api-server' || step.service === 'database-server'
  const wait = starts ? startTimeout : rest.wait
  const only = checksOf(step)
  const report = await examined(onlyReading(subject), { ...rest, only, ...(wait !== undefined && { wait }) })
  const results = report.results.filter(({ id }) => only.includes(id))
  const blind = results.find(({ status }) => status === 'crash' || status === 'skip')
  const there = results.flatMap(({ findings }) => findings).filter(({ suppressed }) => !suppressed)
  const mended = new Set(step.findings.map(({ fingerprint }) => fingerprint))
  if (there.some(({ fingerprint }) => mended.has(fingerprint))) return { look: 'there' }
  if (blind) return { look: 'blind', why: blind.skip?.detail ?? blind.error?.message ?? blind.id }
  return { look: 'gone', seen: results.map(seenBy).join('; ') }
}

function seenBy({ title, saw, coverage }: Result): string {
  const figure = saw ?? (coverage && outOf(coverage.examined, coverage.of, coverage.unit))
  return figure === undefined ? title : `${title}: ${figure}`
}

/** Opens the database for writing, where there is one that opens. */
export async function onRepairer<T>(
  subject: Interruptible,
  work: (repairer: Repairer | null) => Promise<T>,
): Promise<T> {
  const dialect = await subject.dialect(true)
  const repairer = (await dialect?.repairer().catch(() => null)) ?? null
  try {
    return await work(repairer)
  } finally {
    await repairer?.close()
  }
}
