import type { Argument, Command, Option } from 'commander'

/** The command line as a shell may complete it. */
export interface Grammar {
  readonly commands: readonly CommandWords[]
}

export interface CommandWords {
  readonly name: string
  readonly description: string
  readonly options: readonly OptionWords[]
  /** What its argument may be; null where it takes none. */
  readonly argument: Values | null
}

export interface OptionWords {
  /** As they are typed, the long one last: `-c`, `--config`. */
  readonly flags: readonly string[]
  readonly description: string
  /** What its value may be; null where it takes none. */
  readonly values: Values | null
}

/** What somebody may type in a place. */
export type Values =
  | { readonly kind: 'words' | 'list'; readonly words: readonly string[] }
  | { readonly kind: 'files' | 'anything' }

/** What the places of the command line stand for, by what they are called in its help: `<ids>`, `[scenario]`. */
export interface Words {
  readonly ids: readonly string[]
  readonly layers: readonly string[]
  readonly formats: readonly string[]
  readonly scenarios: readonly string[]
}

/** Reads the grammar out of the command line itself, so that a new option is completed as soon as it is there. */
export function grammarOf(program: Command, words: Words): Grammar {
  const help = program.createHelp()
  const shown = help.visibleCommands(program)
  const names = shown.map((command) => command.name())
  return {
    commands: shown.map((command) => ({
      name: command.name(),
      description: command.description(),
      options: help.visibleOptions(command).map((option) => optionWords(option, words)),
      argument:
        command.name() === 'help' ? { kind: 'words', words: names } : argumentOf(command.registeredArguments, words),
    })),
  }
}

function optionWords(option: Option, words: Words): OptionWords {
  const { short, long, description, argChoices } = option
  const place = /[<[](\S+)[>\]]$/.exec(option.flags)?.[1]
  const choices: Values | undefined = argChoices && { kind: 'words', words: argChoices }
  return {
    flags: [short, long].filter((flag) => flag !== undefined),
    description,
    values: place === undefined ? null : (choices ?? valuesOf(place, words)),
  }
}

function argumentOf([argument]: readonly Argument[], words: Words): Values | null {
  if (!argument) return null
  return argument.argChoices ? { kind: 'words', words: argument.argChoices } : valuesOf(argument.name(), words)
}

function valuesOf(place: string, { ids, layers, formats, scenarios }: Words): Values {
  switch (place) {
    case 'ids':
      return { kind: 'list', words: [...ids, ...layers] }
    case 'id':
      return { kind: 'words', words: ids }
    case 'name[=file]':
      return { kind: 'words', words: formats }
    case 'scenario':
      return { kind: 'words', words: scenarios }
    case 'file':
    case 'target':
      return { kind: 'files' }
    default:
      return { kind: 'anything' }
  }
}

export function isWords(values: Values): values is Extract<Values, { readonly words: readonly string[] }> {
  return 'words' in values
}
