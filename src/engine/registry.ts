import picomatch from 'picomatch'
import type { Config } from '../config/config.js'
import { type AnyCheck, prerequisites } from '../contracts/check.js'
import type { Diagnosis } from '../contracts/diagnosis.js'
import { DbdoctorError } from '../contracts/errors.js'
import { layers } from '../contracts/layers.js'
import type { Plugin } from '../contracts/plugin.js'
import type { Reporter } from '../contracts/reporter.js'
import { reporterNames } from '../reporters/index.js'
import { nearest } from '../values/nearest.js'

/** All checks, each after those that it follows, all diagnoses, those of the last plugin first, and the formats that plugins add. */
export interface Registry {
  readonly checks: readonly AnyCheck[]
  readonly diagnoses: readonly Diagnosis[]
  readonly reporters: readonly Reporter[]
}

/** Joins plugins. Throws where two checks, diagnoses or formats have one name, a check follows one that isn't there, or checks follow each other in a circle. */
export function createRegistry(plugins: readonly Plugin[]): Registry {
  const checks = new Map<string, { check: AnyCheck; plugin: string }>()
  for (const { name, checks: own = [] } of plugins) {
    for (const check of own) {
      const other = checks.get(check.id)
      if (other) {
        throw new DbdoctorError(
          'ERR_DUPLICATE_CHECK',
          `two checks are called ${check.id} (in ${other.plugin} and ${name})`,
          'rename one of them',
        )
      }
      if (!layers.some((layer) => check.id.startsWith(`${layer}/`))) {
        throw new DbdoctorError(
          'ERR_CHECK_INVALID',
          `the check ${check.id} belongs to no layer`,
          `begin its id with one of ${layers.join(', ')}`,
        )
      }
      checks.set(check.id, { check, plugin: name })
    }
  }
  const known = [...checks.keys()]
  for (const { check } of checks.values()) {
    for (const { id } of prerequisites(check)) {
      if (!checks.has(id)) throw unknownCheck(id, known, `, which ${check.id} comes after`)
    }
  }
  // What was added knows its own findings better than the general rules that come with dbdoctor.
  const diagnoses = [...plugins].reverse().flatMap((plugin) => plugin.diagnoses ?? [])
  const twice = diagnoses.find(({ id }, at) => diagnoses.findIndex((other) => other.id === id) < at)
  if (twice)
    throw new DbdoctorError('ERR_DUPLICATE_DIAGNOSIS', `two diagnoses are called ${twice.id}`, 'rename one of them')
  return { checks: inOrder([...checks.values()].map(({ check }) => check)), diagnoses, reporters: reportersOf(plugins) }
}

/** The formats that plugins add. Throws where two are called the same. */
export function reportersOf(plugins: readonly Plugin[]): Reporter[] {
  const owners = new Map<string, string>(reporterNames.map((name) => [name, 'dbdoctor']))
  return plugins.flatMap(({ name: plugin, reporters = [] }) =>
    reporters.map((reporter) => {
      const other = owners.get(reporter.name)
      if (other !== undefined) {
        throw new DbdoctorError(
          'ERR_DUPLICATE_REPORTER',
          `two formats are called ${reporter.name} (in ${other} and ${plugin})`,
          'rename one of them',
        )
      }
      owners.set(reporter.name, plugin)
      return reporter
    }),
  )
}

/**
 * The check that somebody means: by its id, by the last part of it, or by the address of one of its findings, as reports print it. Throws
 * `ERR_UNKNOWN_CHECK`.
 */
export function findCheck({ checks }: Registry, named: string): AnyCheck {
  const [id = '', code] = named.split('#')
  const ids = checks.map((candidate) => candidate.id as string)
  const short = checks.filter((candidate) => candidate.id.endsWith(`/${id}`))
  const check = checks.find((candidate) => candidate.id === id) ?? (short.length === 1 ? short[0] : undefined)
  if (!check) throw unknownCheck(id, [...ids, ...ids.map((one) => one.slice(one.indexOf('/') + 1))])
  if (code === undefined || code in check.messages) return check
  const near = nearest(code, Object.keys(check.messages))
  throw new DbdoctorError(
    'ERR_UNKNOWN_CHECK',
    `${check.id} has no finding ${JSON.stringify(code)}`,
    near === null ? `"dbdoctor explain ${check.id}" shows them all` : `did you mean ${check.id}#${near}?`,
  )
}

/** The ids that patterns name: a check's id, a layer, or a glob. A pattern that names nothing is a mistake, not an empty answer. */
export function matchIds({ checks }: Registry, patterns: readonly string[]): Set<string> {
  const ids = checks.map(({ id }) => id as string)
  return new Set(
    patterns.flatMap((pattern) => {
      const matches = picomatch((layers as readonly string[]).includes(pattern) ? `${pattern}/**` : pattern)
      const found = ids.filter((id) => matches(id))
      if (found.length === 0) throw unknownCheck(pattern, [...ids, ...layers])
      return found
    }),
  )
}

/**
 * Refuses settings of a check, and accepted findings, that there are none of: they would change nothing, and nobody would see that. Throws
 * `ERR_UNKNOWN_CHECK`.
 */
export function refuseUnknown(registry: Registry, { checks, ignore }: Pick<Config, 'checks' | 'ignore'>): void {
  const ids = registry.checks.map(({ id }) => id as string)
  const unknown = Object.keys(checks).find((id) => !ids.includes(id))
  if (unknown !== undefined) throw unknownCheck(unknown, ids, ', which the config has settings for')
  for (const { address } of ignore) findCheck(registry, address)
}

function unknownCheck(id: string, known: readonly string[], where = ''): DbdoctorError {
  const near = known.find((one) => one.endsWith(`/${id}`)) ?? nearest(id, known)
  const hint = near === null ? '"dbdoctor list" shows all checks' : `did you mean ${near}?`
  return new DbdoctorError('ERR_UNKNOWN_CHECK', `there is no check ${JSON.stringify(id)}${where}`, hint)
}

/** Depth first, in the order given otherwise. */
function inOrder(checks: readonly AnyCheck[]): AnyCheck[] {
  const byId = new Map<string, AnyCheck>(checks.map((check) => [check.id, check]))
  const ordered = new Set<AnyCheck>()
  const visit = (check: AnyCheck, path: readonly string[]) => {
    if (ordered.has(check)) return
    if (path.includes(check.id)) {
      const circle = [...path.slice(path.indexOf(check.id)), check.id].join(' -> ')
      throw new DbdoctorError(
        'ERR_CYCLE',
        `checks come after each other in a circle: ${circle}`,
        'remove one of these from its "after"',
      )
    }
    for (const { id } of prerequisites(check)) {
      const before = byId.get(id)
      if (before) visit(before, [...path, check.id])
    }
    ordered.add(check)
  }
  for (const check of checks) visit(check, [])
  return [...ordered]
}
