import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConfigInput, parseConfig } from '../config/config.js'
import { resolve } from '../config/reference.js'
import { DbdoctorError } from '../contracts/errors.js'
import { dialectOf, parseTarget } from '../dialects/target.js'
import { nearest } from '../values/nearest.js'
import { examine } from './examine.js'
import { listenForSignals } from './interruption.js'
import type { CheckOptions } from './options.js'
import { print } from './output.js'
import type { Parts, Staged } from './parts.js'

/** What a repair has to know. */
function withServices({ config: { api, auth, ...config }, services: { start, reset } }: Staged): ConfigInput {
  const login = auth?.login && { login: { ...auth.login, reset: [...reset] } }
  return { ...config, ...(api && { api: { ...api, start: [...start] } }), auth: { ...auth, ...login } }
}

export interface DemoOptions extends CheckOptions {
  readonly list?: boolean
  readonly fix?: boolean
}

/** `dbdoctor demo`: builds the demo application in a folder of its own, examines it, and removes it. */
export async function demo(parts: Parts, name: string, options: DemoOptions): Promise<number> {
  const { scenarios } = await parts.demo()
  if (options.list) {
    await print(
      scenarios
        .map(({ name: own, cause, title, needs }) => {
          const words = needs ? `${title} (needs ${needs.what})` : title
          return `${own.padEnd(26)}${cause.padEnd(32)}${words}\n`
        })
        .join(''),
    )
    return 0
  }
  const scenario = scenarios.find((candidate) => candidate.name === name)
  if (!scenario) {
    const near = nearest(
      name,
      scenarios.map((candidate) => candidate.name),
    )
    const hint = near === null ? '"dbdoctor demo --list" shows all scenarios' : `did you mean ${near}?`
    throw new DbdoctorError('ERR_UNKNOWN_SCENARIO', `there is no scenario ${JSON.stringify(name)}`, hint)
  }
  if (scenario.needs && !scenario.needs.there()) {
    const { what, way } = scenario.needs
    const hint = `install it (${way}), or try another scenario: dbdoctor demo --list`
    throw new DbdoctorError('ERR_SCENARIO_UNAVAILABLE', `${name} needs ${what}, which is not installed here`, hint)
  }
  // Whoever loses patience while it is built leaves nothing behind either.
  const interruption = listenForSignals()
  const folder = await mkdtemp(join(tmpdir(), 'dbdoctor-demo-'))
  let staged: Staged | undefined
  try {
    staged = await scenario.start(folder)
    const config = parseConfig(options.fix ? withServices(staged) : staged.config, 'the demo')
    const surroundings = { environment: {}, folder }
    const address = config.database.url ? resolve(config.database.url, surroundings) : ''
    const dialect = dialectOf(parseTarget(address), {})
    dialect.catch(() => {})
    const subject = {
      plugins: [await parts.checks()],
      config,
      baseline: [],
      path: null,
      surroundings,
      dialect: () => dialect,
      interruption,
    }
    if (!options.fix) return await examine(subject, options)
    return await (await import('./fix.js')).fixAll(subject, options, join(folder, 'fix.jsonl'))
  } finally {
    await staged?.stop()
    await rm(folder, { recursive: true, force: true })
    interruption.stop()
  }
}
