import { Command } from 'commander'
import { version } from '../version.js'
import { type CheckOptions, withCheckOptions } from './options.js'
import type { Parts } from './parts.js'

const target = 'postgres://user@host:5432/database, sqlite:PATH, or a path to a SQLite file'
const examples = `
Examples:
  dbdoctor check ./app.db
  dbdoctor check postgres://localhost/app --depth quick
  DATABASE_URL=… dbdoctor check -f json=report.json`

/** The grammar of the command line. What a command does is loaded when it is called: `--version` should not wait for a driver. */
export function createProgram(parts: Parts, exit: (code: number) => void): Command {
  const program = new Command('dbdoctor')
    .description('Is it really the database? Examines a database and says what is ill.')
    .version(version)
    .exitOverride()
    .showSuggestionAfterError()

  withCheckOptions(program.command('check').description('examine a database and say what is ill'))
    .argument('[target]', target)
    .option('-c, --config <file>', 'config file (else dbdoctor.config.*, searched upward)')
    .addHelpText('after', examples)
    .action(async (address: string | undefined, options: CheckOptions) =>
      exit(await (await import('./check.js')).check(parts, address, options)),
    )

  program
    .command('list')
    .description('list the checks')
    .option('-c, --config <file>', 'config file, whose plugins are listed too')
    .option('--markdown', 'the whole reference, as Markdown')
    .action(async (options: { config?: string; markdown?: boolean }) =>
      exit(await (await import('./list.js')).list(parts, options)),
    )

  program
    .command('explain')
    .description('say why a check exists, what it reports, and how to mend it')
    .argument('<id>', 'the id of a check')
    .option('-c, --config <file>', 'config file, whose plugins are known too')
    .action(async (id: string, { config }: { config?: string }) =>
      exit(await (await import('./explain.js')).explain(parts, id, config)),
    )

  withCheckOptions(program.command('demo').description('examine the embedded demo application'))
    .argument('[scenario]', 'what is wrong with it', 'healthy')
    .option('--list', 'list the scenarios')
    .action(async (scenario: string, options: CheckOptions & { list?: boolean }) =>
      exit(await (await import('./demo.js')).demo(parts, scenario, options)),
    )
  return program
}
