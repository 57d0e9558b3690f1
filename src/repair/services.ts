import type { Given } from '../config/given.js'
import type { ServiceRepair } from '../contracts/repair.js'
import { typed } from '../values/text.js'
import type { Draft } from './step.js'

const service = {
  class: 'service' as const,
  lock: 'none',
  rows: null,
  seconds: null,
  locks: [],
  alone: true,
  guards: [],
  images: [],
  undoQueries: [],
  undo: [],
}

/** What starts the API server, or makes the probe user, by what the config says of it. A text says what the config lacks. */
export function serviceStep(
  { service: which }: ServiceRepair,
  given: Partial<Given>,
): { draft: Draft } | { reason: string } {
  if (which === 'api-server') {
    const command = given.api?.start
    if (!command) return { reason: 'api.start of the config says how the API server is started, and is not there' }
    const undone = 'the process that was started is ended'
    return { draft: { ...service, service: which, what: 'start the API server', ...running(command), undone } }
  }
  const command = given.login?.reset
  if (!command) return { reason: 'auth.login.reset of the config says how the probe user is made, and is not there' }
  const undone = 'not at all: the account and its password stay'
  const what = 'create the probe user, or set its password'
  return { draft: { ...service, service: which, what, ...running(command), undone } }
}

function running(command: readonly string[]): Pick<Draft, 'command' | 'statements'> {
  return { command, statements: [command.map(typed).join(' ')] }
}
