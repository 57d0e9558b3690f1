import type { BaselineEntry } from '../config/baseline.js'
import type { Config } from '../config/config.js'
import type { Loaded } from '../config/load.js'
import type { Environment, Surroundings } from '../config/reference.js'
import { DbdoctorError } from '../contracts/errors.js'
import type { Plugin } from '../contracts/plugin.js'
import type { Dialect } from '../dialects/dialect.js'
import { dialectOf, parseTarget, type Target } from '../dialects/target.js'

/** What is to be examined, by what, and what is known of it. */
export interface Subject {
  /** The built-in checks come first. */
  readonly plugins: readonly Plugin[]
  readonly config: Config
  /** Findings that were accepted. */
  readonly baseline: readonly BaselineEntry[]
  /** The config's file; null without one. */
  readonly path: string | null
  /** Where the config's references are looked up, and its paths start. */
  readonly surroundings: Surroundings
  /** The dialect of the database, if there is one to examine; `used` says whether a selected check looks at it. */
  readonly dialect: (used: boolean) => Promise<Dialect | null>
}

/** How a subject is named, on the command line or by a program. */
export interface SubjectOptions {
  /** Replaces the config's `database.url` only. */
  readonly target: string | undefined
  readonly load: () => Promise<Loaded>
  readonly builtIn: () => Promise<Plugin>
  /** The file of the baseline; else the usual one, where it is there. */
  readonly baseline: string | undefined
  readonly environment: Environment
}

/** Finds out what is to be examined, and lets somebody at it. What a dialect has begun is ended afterwards. */
export async function withSubject<Answer>(
  { target, load, builtIn, baseline: file, environment }: SubjectOptions,
  work: (subject: Subject) => Promise<Answer>,
): Promise<Answer> {
  // A dialect starts what takes long as soon as it is made: while everything else is being loaded.
  let begun = target === undefined ? null : dialectOf(parseTarget(target), environment)
  begun?.catch(() => {})
  try {
    // Not before it has: what is loaded meanwhile leaves it no turn.
    await begun
    const [loaded, checks, { loadBaseline }, { withSnapshot }] = await Promise.all([
      load(),
      builtIn(),
      import('../config/baseline.js'),
      import('../config/usual-snapshot.js'),
    ])
    const { folder, beside, path } = loaded
    const config = withSnapshot(loaded.config, beside)
    const surroundings = { environment, folder }
    return await work({
      plugins: [checks, ...loaded.plugins],
      config,
      baseline: await loadBaseline(file, beside),
      path,
      surroundings,
      dialect: async (used) => {
        const found = begun || !used ? null : await targetOf(config, surroundings)
        if (found) begun = dialectOf(found, environment)
        return begun
      },
    })
  } finally {
    await (await begun?.catch(() => null))?.dismiss()
  }
}

/** The database; null where there is something else to examine. */
async function targetOf(config: Config, surroundings: Surroundings): Promise<Target | null> {
  if (config.database.url) {
    const { resolve } = await import('../config/reference.js')
    return parseTarget(resolve(config.database.url, surroundings), {
      source: 'database.url',
      folder: surroundings.folder,
    })
  }
  const { DATABASE_URL } = surroundings.environment
  if (DATABASE_URL) return parseTarget(DATABASE_URL, { source: 'DATABASE_URL' })
  if (config.api || config.auth.jwt || config.external.length > 0) return null
  throw new DbdoctorError(
    'ERR_USAGE',
    'there is nothing to examine',
    'name a target: dbdoctor check ./app.db; or set DATABASE_URL, or database.url or api.url in a config',
  )
}
