import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { Given } from '../config/given.js'
import type { Environment } from '../config/reference.js'
import { get } from '../values/pointer.js'
import type { Step } from './step.js'

/** How long a command that makes the probe user may take, in milliseconds. */
const commandTimeout = 60_000

/** Where a service is run, and what it may know. */
export interface Household {
  readonly folder: string
  readonly environment: Environment
  readonly given: Partial<Given>
  /** The file that takes what it prints. */
  readonly log: string
}

/**
 * Runs the command of a service, without a shell. A server goes on after this process, and its number is answered; what makes the probe user
 * has to end well.
 */
export async function serve({ command = [], service }: Step, household: Household): Promise<number | undefined> {
  const [program = '', ...args] = command
  const lasts = service === 'api-server'
  const log = openSync(household.log, 'a', 0o600)
  const child = spawn(program, args, {
    cwd: household.folder,
    env: { ...household.environment, ...(lasts ? {} : probeOf(household.given)) },
    detached: lasts,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const ended = new Promise<string | null>((resolve) => {
    child.once('error', (error) => resolve(`cannot be run: ${error.message}`))
    child.once('exit', (code, signal) => resolve(code === 0 ? null : `ended with ${signal ?? code}`))
  })
  if (lasts) {
    const early = await Promise.race([
      ended,
      new Promise<undefined>((resolve) => child.once('spawn', () => resolve(undefined))),
    ])
    if (typeof early === 'string') throw new Error(`${program} ${early}`)
    child.unref()
    return child.pid
  }
  const timer = setTimeout(() => child.kill(), commandTimeout)
  const fault = await ended
  clearTimeout(timer)
  if (fault !== null) throw new Error(`${program} ${fault}; what it printed is in ${household.log}`)
  return undefined
}

/** Whom the probe user's command is to make: by the environment, for a command line is seen by everybody. */
function probeOf({ login }: Partial<Given>): Environment {
  if (!login) return {}
  return {
    DBDOCTOR_PROBE_USER: String(get(login.body, login.fields.user)),
    DBDOCTOR_PROBE_PASSWORD: String(get(login.body, login.fields.password)),
  }
}
