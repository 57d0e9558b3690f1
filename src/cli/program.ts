import { Argument, Command, Option } from 'commander'
import { repairClasses } from '../contracts/repair-class.js'
import { version } from '../engine/version.js'
import { configFormats } from '../init/draft.js'
import { orphanModes } from '../repair/step.js'
import type { BaselineOptions } from './baseline.js'
import { type Shell, shells } from './completions/shells.js'
import type { ConfigOptions } from './config.js'
import type { DemoOptions } from './demo.js'
import type { InitOptions } from './init.js'
import {
  type CheckOptions,
  classes,
  date,
  type FixOptions,
  numbers,
  type ReportOptions,
  withCheckOptions,
  withReportOptions,
} from './options.js'
import type { Parts } from './parts.js'
import type { SnapshotOptions } from './snapshot.js'

const target = 'postgres://user@host:5432/database, sqlite:PATH, or a path to a SQLite file'
const configFile = 'config file (else dbdoctor.config.*, searched upward)'

/** What somebody would type, below the help of a command. */
function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`
}

/** The grammar of the command line. What a command does is loaded when it is called: `--version` should not wait for a driver. */
export function createProgram(parts: Parts, exit: (code: number) => void): Command {
  const program = new Command('dbdoctor')
    .description('Is it really the database? Examines a database and says what is ill.')
    .version(version)
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText('after', examples('dbdoctor check ./app.db', 'dbdoctor init ./app.db', 'dbdoctor demo server-down'))

  withCheckOptions(program.command('check').description('examine a database and say what is ill'))
    .argument('[target]', target)
    .option('-c, --config <file>', configFile)
    .addHelpText(
      'after',
      examples(
        'dbdoctor check ./app.db',
        'dbdoctor check postgres://localhost/app --depth quick',
        'dbdoctor check --only integrity,schema/tables --wait 60s',
        'DATABASE_URL=… dbdoctor check -f pretty -f json=report.json',
      ),
    )
    .action(async (address: string | undefined, options: CheckOptions) =>
      exit(await (await import('./check.js')).check(parts, address, options)),
    )

  withCheckOptions(
    program.command('baseline').description("accept today's findings, so that only new or worse ones fail"),
  )
    .argument('[target]', target)
    .option('-c, --config <file>', configFile)
    .option('--reason <text>', 'why they are accepted')
    .option('--expires <day>', 'until when: 2027-01-01', date)
    .addHelpText('after', examples('dbdoctor baseline --reason "of the old importer" --expires 2027-06-30'))
    .action(async (address: string | undefined, options: BaselineOptions) =>
      exit(await (await import('./baseline.js')).baseline(parts, address, options)),
    )

  program
    .command('snapshot')
    .description('write the schema as it is now as the expectation of schema/drift')
    .argument('[target]', target)
    .option('-c, --config <file>', configFile)
    .option('-o, --output <file>', 'where it goes (default: database.expect.snapshot, or dbdoctor.snapshot.json)')
    .option('--env-file <file>', 'read environment variables from a file')
    .addHelpText('after', examples('dbdoctor snapshot', 'dbdoctor snapshot ./app.db -o schema.json'))
    .action(async (address: string | undefined, options: SnapshotOptions) =>
      exit(await (await import('./snapshot.js')).snapshot(parts, address, options)),
    )

  withReportOptions(
    program.command('report').description('render a saved report again, or say what differs between two'),
  )
    .argument('<files...>', 'what "dbdoctor check -f json=FILE" wrote; - is standard input')
    .option('-c, --config <file>', "config file, whose plugins' formats are known too")
    .addHelpText(
      'after',
      examples('dbdoctor report run.json -f html=run.html', 'dbdoctor report before.json after.json'),
    )
    .action(async (files: readonly string[], options: ReportOptions) =>
      exit(await (await import('./report.js')).report(files, options)),
    )

  program
    .command('init')
    .description('look at what is live, and write a config that expects it')
    .argument('[target]', `${target} (else DATABASE_URL)`)
    .option('--api <url>', 'an API server, to be looked at too')
    .addOption(new Option('-f, --format <format>', 'how it is written (default: ts)').choices(configFormats))
    .option('-o, --output <file>', 'where to (default: dbdoctor.config.*, here); its ending says the format')
    .option('--names', 'names of tables and indexes, not their numbers')
    .option('--force', 'replace a config that is there')
    .addOption(
      new Option('--depth <depth>', 'quick: no row is looked at').choices(['quick', 'standard']).default('standard'),
    )
    .option('--env-file <file>', 'read environment variables from a file')
    .option('--no-progress', 'no spinner')
    .addHelpText(
      'after',
      examples(
        'dbdoctor init ./app.db',
        'dbdoctor init ./app.db --api http://localhost:8000 --names',
        'DATABASE_URL=… dbdoctor init --format yaml',
      ),
    )
    .action(async (address: string | undefined, options: InitOptions) =>
      exit(await (await import('./init.js')).init(parts, address, options)),
    )

  program
    .command('config')
    .description('show the config as it is understood, without its secrets')
    .option('-c, --config <file>', configFile)
    .option('--print', 'the config with its defaults (what it does anyway)')
    .option('--path', 'where it is')
    .option('--schema', 'the JSON Schema of configs')
    .option('--markdown', 'the reference of all settings, as Markdown')
    .option('--env-file <file>', 'read environment variables from a file')
    .addHelpText(
      'after',
      examples('dbdoctor config', 'dbdoctor config --path', 'dbdoctor config --schema > dbdoctor.schema.json'),
    )
    .action(async (options: ConfigOptions) => exit(await (await import('./config.js')).config(parts, options)))

  program
    .command('list')
    .description('list the checks')
    .option('-c, --config <file>', 'config file, whose plugins are listed too')
    .option('--markdown', 'the whole reference, as Markdown')
    .addHelpText('after', examples('dbdoctor list', 'dbdoctor list --markdown > checks.md'))
    .action(async (options: { config?: string; markdown?: boolean }) =>
      exit(await (await import('./list.js')).list(parts, options)),
    )

  program
    .command('explain')
    .description('say why a check exists, what it reports, and how to mend it')
    .argument('<id>', 'the id of a check')
    .argument('[target]', 'a database: the check runs there, and the statements that it sends are shown')
    .option('-c, --config <file>', 'config file, whose plugins are known too')
    .addHelpText(
      'after',
      examples('dbdoctor explain integrity/orphaned-rows', 'dbdoctor explain integrity/foreign-keys ./app.db'),
    )
    .action(async (id: string, address: string | undefined, options: { config?: string }) =>
      exit(await (await import('./explain.js')).explain(parts, id, address, options)),
    )

  withCheckOptions(program.command('fix').description('plan the repair of what is found; with --apply, carry it out'))
    .argument('[target]', target)
    .option('-c, --config <file>', configFile)
    .option('--apply <plan>', 'carry out the plan with this id, where it still fits')
    .option('--steps <numbers>', 'only these steps: 1,3', numbers)
    .option('--class <classes>', `only steps of these classes: ${repairClasses.join(', ')}`, classes)
    .option('--yes', 'ask nothing')
    .option('--journal <file>', 'where what is done is written first (default: dbdoctor-fix-PLAN.jsonl)')
    .addOption(
      new Option('--orphans <mode>', 'what becomes of rows without a parent')
        .choices(orphanModes)
        .default('quarantine'),
    )
    .option('--undo <journal>', 'take back what a journal says was done')
    .addHelpText(
      'after',
      examples(
        'dbdoctor fix ./app.db',
        'dbdoctor fix ./app.db -f sql > repair.sql',
        'dbdoctor fix ./app.db --apply 3f2a9c11d0e4',
        'dbdoctor fix ./app.db --undo dbdoctor-fix-3f2a9c11d0e4.jsonl',
      ),
    )
    .action(async (address: string | undefined, options: FixOptions) =>
      exit(await (await import('./fix.js')).fix(parts, address, options)),
    )

  withCheckOptions(program.command('demo').description('examine the embedded demo application'))
    .argument('[scenario]', 'what is wrong with it', 'healthy')
    .option('--list', 'list the scenarios')
    .option('--fix', 'mend what can be mended, and report afterwards')
    .addHelpText(
      'after',
      examples(
        'dbdoctor demo',
        'dbdoctor demo --list',
        'dbdoctor demo orphans -f markdown',
        'dbdoctor demo orphans --fix',
      ),
    )
    .action(async (scenario: string, options: DemoOptions) =>
      exit(await (await import('./demo.js')).demo(parts, scenario, options)),
    )
  program
    .command('completion')
    .description('print a script with which a shell completes commands, options and names')
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .addHelpText(
      'after',
      examples(
        'source <(dbdoctor completion bash)',
        'source <(dbdoctor completion zsh)',
        'dbdoctor completion fish > ~/.config/fish/completions/dbdoctor.fish',
      ),
    )
    .action(async (shell: Shell) => exit(await (await import('./completion.js')).completion(parts, program, shell)))
  return program
}
