import { withSubject } from '../engine/subject.js'
import { loadEnvironment } from './environment.js'
import type { Interruptible } from './examine.js'
import { listenForSignals } from './interruption.js'
import type { CheckOptions } from './options.js'
import type { Parts } from './parts.js'

/** `dbdoctor check`: examines what the command line or the config names. Answers with the exit code. */
export async function check(parts: Parts, target: string | undefined, options: CheckOptions): Promise<number> {
  return onSubject(parts, target, options, async (subject) => (await import('./examine.js')).examine(subject, options))
}

/** Lets somebody at what the command line, the config and the environment name, until a signal calls it off. */
export async function onSubject<Answer>(
  parts: Parts,
  target: string | undefined,
  options: Pick<CheckOptions, 'config' | 'envFile' | 'baseline'>,
  work: (subject: Interruptible) => Promise<Answer>,
): Promise<Answer> {
  if (options.envFile !== undefined) loadEnvironment(options.envFile)
  return withSubject(
    {
      target,
      load: async () => (await import('../config/load.js')).loadConfig(options.config),
      builtIn: parts.checks,
      baseline: options.baseline,
      environment: process.env,
    },
    async (subject) => {
      const interruption = listenForSignals()
      try {
        return await work({ ...subject, interruption })
      } finally {
        interruption.stop()
      }
    },
  )
}
