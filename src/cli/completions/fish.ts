import { type CommandWords, type Grammar, isWords, type OptionWords, type Values } from './grammar.js'

export function fish({ commands }: Grammar): string {
  return `# dbdoctor completion for fish: dbdoctor completion fish | source
complete -c dbdoctor -f
${commands.map(({ name, description }) => `complete -c dbdoctor -n __fish_use_subcommand -a ${name} -d ${quote(description)}`).join('\n')}
complete -c dbdoctor -n __fish_use_subcommand -l version -d 'show the version'
complete -c dbdoctor -n __fish_use_subcommand -l help -d 'show the help'
${commands.flatMap(commandLines).join('\n')}
`
}

function commandLines({ name, options, argument }: CommandWords): string[] {
  const begin = `complete -c dbdoctor -n '__fish_seen_subcommand_from ${name}'`
  return [
    ...(argument ? [`${begin} ${completing(argument)}`] : []),
    ...options.map((option) => [begin, ...optionWords(option)].join(' ')),
  ]
}

function optionWords({ flags, description, values }: OptionWords): string[] {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
  return [...names, ...(values ? ['-r', completing(values)] : []), '-d', quote(description)]
}

function completing(values: Values): string {
  if (!isWords(values)) return values.kind === 'files' ? '-F' : '-f'
  const words = values.words.join(' ')
  return `-f -a ${quote(values.kind === 'list' ? `(__fish_append , ${words})` : words)}`
}

/** In single quotes, fish knows two escapes. */
function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
