import { withPatient } from '../patient.js'
import { loadEnvironment } from './environment.js'
import type { Attended } from './examine.js'
import { listenForSignals } from './interruption.js'
import type { CheckOptions } from './options.js'
import type { Parts } from './parts.js'

/** `dbdoctor check`: examines what the command line or the config names. Answers with the exit code. */
export async function check(parts: Parts, target: string | undefined, options: CheckOptions): Promise<number> {
  const { examine } = await import('./examine.js')
  return attend(parts, target, options, (patient) => examine(patient, options))
}

/** Lets somebody at what the command line, the config and the environment name, until a signal calls it off. */
export async function attend<Answer>(
  parts: Parts,
  target: string | undefined,
  options: Pick<CheckOptions, 'config' | 'envFile' | 'baseline'>,
  work: (patient: Attended) => Promise<Answer>,
): Promise<Answer> {
  if (options.envFile !== undefined) loadEnvironment(options.envFile)
  return withPatient(
    {
      target,
      load: async () => (await import('../config/load.js')).loadConfig(options.config),
      builtIn: parts.checks,
      baseline: options.baseline,
      environment: process.env,
    },
    async (patient) => {
      const interruption = listenForSignals()
      try {
        return await work({ ...patient, interruption })
      } finally {
        interruption.stop()
      }
    },
  )
}
