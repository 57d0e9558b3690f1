import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { parseConfig, resolve } from '../config.js'
import { DbdoctorError } from '../errors.js'
import { type CheckOptions, examine, withCheckOptions } from './check.js'
import { print } from './output.js'
import type { Parts } from './parts.js'

export function addDemoCommand(program: Command, parts: Parts, exit: (code: number) => void): void {
  withCheckOptions(program.command('demo').description('examine the embedded demo application'))
    .argument('[scenario]', 'what is wrong with it', 'healthy')
    .option('--list', 'list the scenarios')
    .action(async (name: string, options: CheckOptions & { list?: boolean }) => {
      const { scenarios } = await parts.demo()
      if (options.list) {
        await print(scenarios.map((scenario) => `${scenario.name.padEnd(16)}${scenario.title}\n`).join(''))
        return exit(0)
      }
      const scenario = scenarios.find((candidate) => candidate.name === name)
      if (!scenario) {
        throw new DbdoctorError(
          'ERR_UNKNOWN_SCENARIO',
          `there is no scenario ${JSON.stringify(name)}`,
          '"dbdoctor demo --list" shows all scenarios',
        )
      }
      const folder = await mkdtemp(join(tmpdir(), 'dbdoctor-demo-'))
      try {
        const config = parseConfig(await scenario.build(folder), 'the demo')
        const address = config.database.url ? resolve(config.database.url, {}) : ''
        exit(await examine({ parts, config, plugins: [], address }, options))
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    })
}
