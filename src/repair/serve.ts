import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { Given } from '../config/given.js'
import type { Environment } from '../config/reference.js'
import { limit } from '../contracts/limits.js'
import { httpClient } from '../probes/http.js'
import { get, replaced } from '../values/pointer.js'
import type { Step } from './step.js'

/** How long a command that has to end may take, in milliseconds. */
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
 * Runs the command of a service, without a shell. An API server goes on after this process, and its number is answered; any other command
 * has to end well. Without a command the probe user is registered with the API.
 */
export async function serve({ command, service }: Step, household: Household): Promise<number | undefined> {
  if (!command) return registered(household.given)
  const [program = '', ...args] = command
  const lasts = service === 'api-server'
  const log = openSync(household.log, 'a', 0o600)
  const child = spawn(program, args, {
    cwd: household.folder,
    env: { ...household.environment, ...(service === 'probe-user' && probeOf(household.given)) },
    detached: lasts,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const ended = new Promise<string | null>((resolve) => {
    child.once('error', (error) => resolve(`cannot be run: ${error.message}`))
    child.once('exit', (code, signal) => resolve(code === 0 ? null : `ended with ${signal ?? code}`))
  })
  const failed = (fault: string) => new Error(`${program} ${fault}; what it printed is in ${household.log}`)
  if (lasts) {
    const spawned = new Promise<null>((resolve) => child.once('spawn', () => resolve(null)))
    const fault = await Promise.race([ended, spawned])
    if (fault !== null) throw failed(fault)
    child.unref()
    return child.pid
  }
  const timer = setTimeout(() => child.kill(), commandTimeout)
  const fault = await ended
  clearTimeout(timer)
  if (fault !== null) throw failed(fault)
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

/** Asks the API for an account as the login has it. */
async function registered({ api, login, register }: Partial<Given>): Promise<undefined> {
  if (!api || !login || !register) throw new Error('the config does not say how a user is registered')
  const { user, password } = login.fields
  const body = replaced(
    replaced(register.body, user, String(get(login.body, user))),
    password,
    String(get(login.body, password)),
  )
  const limits = limit(performance.now() + commandTimeout, new AbortController().signal)
  try {
    const answer = await httpClient(api, limits).request({ method: register.method, path: register.path, json: body })
    if (answer.outcome !== 'answered') throw new Error(`${answer.url} ${answer.text}`)
    if (answer.status >= 300) throw new Error(`${answer.url} answers the registration with ${answer.status}`)
  } finally {
    limits.clear()
  }
}
