import { type Config, meant } from '../config/config.js'
import { faultsOf } from '../config/faults.js'
import { lacking, type Need, placeOf } from '../config/given.js'
import { type AnyCheck, prerequisites, usesDatabase } from '../contracts/check.js'
import { type Depth, depths } from '../contracts/depth.js'
import { DbdoctorError } from '../contracts/errors.js'
import { layerOf } from '../contracts/layers.js'
import { matchIds, type Registry, refuseUnknown } from './registry.js'

/** Which checks a run looks at, and which of them were asked for. */
export interface Selection {
  /** Why a check is left out; no entry where it is not. */
  readonly deselected: ReadonlyMap<string, string>
  /** Checks whose unknowns keep the run from exit 0. */
  readonly asked: ReadonlySet<string>
  /** Parts of the config that some selected check needs. */
  readonly needs: ReadonlySet<Need>
  /** Whether some selected check looks at the database. */
  readonly usesDatabase: boolean
}

export interface Wanted {
  readonly only?: readonly string[] | undefined
  readonly skip?: readonly string[] | undefined
  readonly depth: Depth
}

/** Picks the checks of a run. What a wanted check stands on is wanted too. Throws where a name is unknown, an option is wrong, or nothing is left. */
export function select(registry: Registry, config: Config, { only, skip = [], depth }: Wanted): Selection {
  const configured = Object.keys(config.checks)
  refuseUnknown(registry, config)
  const named = only && matchIds(registry, only)
  const skipped = matchIds(registry, skip)
  const wanted = named && withFoundations(registry, named)

  const deselected = new Map<string, string>()
  for (const check of registry.checks) {
    optionsOf(check, config)
    const why = leftOut(check, { wanted, skipped, off: config.checks[check.id] === 'off', depth })
    if (why) deselected.set(check.id, why)
  }
  if (deselected.size === registry.checks.length) {
    throw new DbdoctorError(
      'ERR_EMPTY_SELECTION',
      'no check is left to run',
      'widen --only, --skip or --depth; "dbdoctor list" shows all checks',
    )
  }
  if (named) refuseIdle(registry, config, named, deselected)
  // What needs a part of the config runs only where somebody wrote that part.
  const askedFor = ({ id, needs = [] }: AnyCheck) =>
    named?.has(id) ||
    configured.includes(id) ||
    needs.length > 0 ||
    ['connection', 'schema', 'integrity'].includes(layerOf(id))
  const selected = registry.checks.filter(({ id }) => !deselected.has(id))
  return {
    deselected,
    asked: new Set(registry.checks.filter(askedFor).map(({ id }) => id)),
    // A check that names no needs may still ask the server, where there is one.
    needs: new Set(selected.flatMap(({ needs = ['api?' as const] }) => needs)),
    usesDatabase: selected.some(usesDatabase),
  }
}

/** Throws where everything that `--only` names lacks a part of the config: what nobody looked at is not well. */
function refuseIdle(
  { checks }: Registry,
  config: Config,
  named: ReadonlySet<string>,
  deselected: ReadonlyMap<string, string>,
): void {
  const wanted = checks.filter(({ id }) => named.has(id) && !deselected.has(id))
  const lacks = wanted.map(({ id, needs = [] }) => ({ id, part: lacking(config, needs) }))
  const [first, ...more] = lacks.flatMap(({ id, part }) => (part === null ? [] : [{ id, part }]))
  if (!first || more.length + 1 < lacks.length) return
  throw new DbdoctorError(
    'ERR_EMPTY_SELECTION',
    `nothing to look at: ${first.id} needs the part ${placeOf(first.part)} of the config${more.length > 0 ? `, and ${more.length} more lack theirs` : ''}`,
    'add it to the config, or name other checks with --only',
  )
}

/** A check's own options from the config, with their defaults. Throws `ERR_CONFIG_INVALID`. */
export function optionsOf(check: AnyCheck, config: Config): unknown {
  const settings = config.checks[check.id]
  const given = typeof settings === 'object' ? settings.options : undefined
  const refuse = (message: string) =>
    new DbdoctorError('ERR_CONFIG_INVALID', message, `see "dbdoctor explain ${check.id}"`)
  if (!check.options) {
    if (given) throw refuse(`checks["${check.id}"].options: the check has no options`)
    return {}
  }
  const parsed = check.options.safeParse(given ?? {}, { reportInput: true, error: meant })
  if (parsed.success) return parsed.data
  throw refuse(faultsOf(parsed.error, ['checks', check.id, 'options']).join('; '))
}

interface Reasons {
  readonly wanted: ReadonlySet<string> | undefined
  readonly skipped: ReadonlySet<string>
  readonly off: boolean
  readonly depth: Depth
}

function leftOut(check: AnyCheck, { wanted, skipped, off, depth }: Reasons): string | null {
  if (wanted && !wanted.has(check.id)) return '--only names other checks'
  if (skipped.has(check.id)) return 'by --skip'
  if (off) return 'switched off in the config'
  if (depths.indexOf(check.depth ?? 'quick') > depths.indexOf(depth)) return `--depth ${depth} does not reach it`
  return null
}

function withFoundations({ checks }: Registry, named: ReadonlySet<string>): Set<string> {
  const wanted = new Set(named)
  // Checks are in order, so that a single pass from the last one finds what each stands on.
  for (const check of [...checks].reverse()) {
    if (!wanted.has(check.id)) continue
    for (const { id, blocks } of prerequisites(check)) if (blocks) wanted.add(id)
  }
  return wanted
}
