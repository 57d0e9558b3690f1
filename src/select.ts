import { type AnyCheck, layerOf, prerequisites } from './check.js'
import { type Config, parseOptions } from './config.js'
import { type Depth, depths } from './depth.js'
import { DbdoctorError } from './errors.js'
import { matchIds, type Registry } from './registry.js'

/** Which checks a run looks at, and which of them were asked for. */
export interface Selection {
  /** Why a check is left out; no entry where it is not. */
  readonly deselected: ReadonlyMap<string, string>
  /** Checks whose unknowns keep the run from exit 0. */
  readonly asked: ReadonlySet<string>
}

export interface Wanted {
  readonly only?: readonly string[]
  readonly skip?: readonly string[]
  readonly depth: Depth
}

/** Picks the checks of a run. What a wanted check stands on is wanted too. Throws where a name is unknown, an option is wrong, or nothing is left. */
export function select(registry: Registry, config: Config, { only, skip = [], depth }: Wanted): Selection {
  const configured = Object.keys(config.checks)
  matchIds(registry, configured)
  const named = only && matchIds(registry, only)
  const skipped = matchIds(registry, skip)
  const wanted = named && withFoundations(registry, named)

  const deselected = new Map<string, string>()
  for (const check of registry.checks) {
    parseOptions(check, config)
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
  const askedFor = ({ id }: AnyCheck) =>
    named?.has(id) || configured.includes(id) || ['connection', 'schema', 'integrity'].includes(layerOf(id))
  return { deselected, asked: new Set(registry.checks.filter(askedFor).map(({ id }) => id)) }
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
