import type { Given } from '../config/given.js'
import type { ServiceRepair } from '../contracts/repair.js'
import { typed } from '../values/text.js'
import type { Draft } from './step.js'

/** What the config says of what runs beside the database. */
export interface Services {
  readonly given: Partial<Given>
  /** The command that starts the database server. */
  readonly database: readonly string[] | undefined
}

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

type Drafting = { readonly draft: Draft } | { readonly reason: string }

/** What starts a server, or makes the probe user, by what the config says of it. A reason says what the config lacks. */
export function serviceStep(repair: ServiceRepair, { given, database }: Services): Drafting {
  switch (repair.service) {
    case 'api-server':
      return starting(
        repair.service,
        given.api?.start,
        'api.start',
        'start the API server',
        'the process that was started is ended',
      )
    case 'database-server':
      return starting(repair.service, database, 'database.start', 'start the database server', 'not at all: it goes on')
    case 'probe-user':
      return making(given, repair.missing ?? false)
  }
}

function starting(
  which: 'api-server' | 'database-server',
  command: readonly string[] | undefined,
  setting: string,
  what: string,
  undone: string,
): Drafting {
  if (!command) return { reason: `${setting} of the config would say how it is started, and is not there` }
  return { draft: { ...service, service: which, what, command, statements: [command.map(typed).join(' ')], undone } }
}

function making({ api, login, register }: Partial<Given>, missing: boolean): Drafting {
  const undone = 'not at all: the account and its password stay'
  const command = login?.reset
  if (command) {
    const what = 'create the probe user, or set its password'
    return {
      draft: { ...service, service: 'probe-user', what, command, statements: [command.map(typed).join(' ')], undone },
    }
  }
  if (!missing || !api || !login || !register)
    return { reason: 'auth.login.reset of the config would say how the probe user is made, and is not there' }
  const statements = [`${register.method} ${api.url}${register.path}, with the user and the password of auth.login`]
  return {
    draft: { ...service, service: 'probe-user', what: 'register the probe user with the API', statements, undone },
  }
}
